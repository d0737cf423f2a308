import type { SessionStats } from '@offhook/media-rpc';
import type { Call } from '../call/model.ts';
import type { CallStatistics, HoldPeriod } from './schema.ts';

/** `now`: wall clock, for a call that is not over. */
export function statisticsOf(
  call: Call,
  stats: SessionStats | undefined,
  holds: readonly HoldPeriod[],
  now: number,
): CallStatistics {
  const { id, sipCallId, account, direction, remote, phase, startedAt, answeredAt, endedAt } = call;
  return {
    version: 1,
    id,
    sipCallId,
    account,
    direction,
    remote: remote.uri,
    state: phase,
    startedAt: iso(startedAt),
    answeredAt: answeredAt === undefined ? null : iso(answeredAt),
    endedAt: endedAt === undefined ? null : iso(endedAt),
    talkMs: answeredAt === undefined ? 0 : Math.max(0, Math.round((endedAt ?? now) - answeredAt)),
    end: call.end === undefined ? null : { ...call.end },
    holds: [...holds],
    remoteMedia: call.remoteMedia ?? null,
    codec: stats?.codec ?? null,
    sent: stats === undefined ? null : { ...stats.tx },
    received: stats === undefined ? null : { ...stats.rx },
    concealedPct: stats?.concealedPct ?? null,
    voipMetrics: stats === undefined || stats.rx.packets === 0 ? null : metrics(stats),
  };
}

/** What the thin client does not count is null. */
function metrics(stats: SessionStats): NonNullable<CallStatistics['voipMetrics']> {
  const { rx, rttMs, endSystemMs, rFactor, mosLq, mos, jitterBufferMs } = stats;
  return {
    lossRate: rx.lossPct,
    discardRate: null,
    burstDensity: null,
    gapDensity: null,
    burstDuration: null,
    gapDuration: null,
    roundTripDelay: rttMs ?? null,
    endSystemDelay: endSystemMs ?? null,
    rFactor: rFactor ?? null,
    mosLq: mosLq ?? null,
    mosCq: mos ?? null,
    jbNominal: jitterBufferMs,
    jbMaximum: null,
  };
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
