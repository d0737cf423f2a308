import type { CodecName, SessionStats } from '@offhook/media-rpc';
import { mos, rFactor, type QualityInput } from '../emodel.ts';
import type { LegStats } from '../media-plane.ts';

/**
 * What the way through the machines adds to the network's delay, milliseconds: one packet that has
 * to be full before it can go, and the devices' own buffers at both ends.
 */
const DEVICE_DELAY_MS = 40;

const silentDirection = { packets: 0, bytes: 0, lost: 0, lossPct: 0, jitterMs: 0 };

/** The contract's row from what the worker counted; `leg` is absent while there is no audio. */
export function sessionStats(
  id: string,
  codec: { readonly name: CodecName; readonly ptimeMs: number } | undefined,
  leg: LegStats | undefined,
): SessionStats {
  if (codec === undefined || leg === undefined) {
    const none = { tx: silentDirection, rx: silentDirection, concealedPct: 0, jitterBufferMs: 0 };
    return { id, ...(codec === undefined ? {} : { codec: codec.name }), ...none };
  }
  const { tx, rx, remote, rttMs } = leg;
  const rxLossPct = lossPct(rx.lost, rx.packets + rx.lost);
  const networkMs = (rttMs ?? 0) / 2 + rx.jitterMs;
  const endSystemMs = leg.jitterBufferMs + codec.ptimeMs + DEVICE_DELAY_MS;
  return {
    id,
    codec: codec.name,
    tx: {
      packets: tx.packets,
      bytes: tx.bytes,
      lost: remote?.lost ?? 0,
      lossPct: lossPct(remote?.lost ?? 0, tx.packets),
      jitterMs: remote?.jitterMs ?? 0,
    },
    rx: {
      packets: rx.packets,
      bytes: rx.bytes,
      lost: rx.lost,
      lossPct: rxLossPct,
      jitterMs: rx.jitterMs,
    },
    ...(rttMs === undefined ? {} : { rttMs }),
    concealedPct: percent(leg.concealedPct),
    jitterBufferMs: leg.jitterBufferMs,
    ...(rx.packets === 0
      ? {}
      : {
          ...quality({
            codec: codec.name,
            // Too late is as good as lost.
            lossPct: Math.max(rxLossPct, percent(leg.concealedPct)),
            delayMs: networkMs + endSystemMs,
          }),
          endSystemMs,
        }),
    ...(leg.levels === undefined ? {} : { levels: leg.levels }),
    ...(leg.echo === undefined ? {} : { echo: leg.echo }),
  };
}

function quality(input: QualityInput): Pick<SessionStats, 'mos' | 'mosLq' | 'rFactor'> {
  return { mos: mos(input), mosLq: mos({ ...input, delayMs: 0 }), rFactor: rFactor(input) };
}

/** Duplicates make the loss of RFC 3550 negative: that is none. */
function lossPct(lost: number, expected: number): number {
  return expected > 0 ? percent((lost / expected) * 100) : 0;
}

function percent(value: number): number {
  return Math.min(100, Math.max(0, value));
}
