import type { CallRecord } from '../journal/rows.ts';
import type { Call } from './model.ts';

/** What of a call outlives this process. */
export function recordOf(call: Call): CallRecord {
  const { id, phase, startedAt, answeredAt, hold, remoteHeld, muted, conference } = call;
  const { recordings } = call;
  return {
    id,
    phase,
    startedAt,
    hold,
    remoteHeld,
    muted,
    ...(answeredAt !== undefined && { answeredAt }),
    ...(conference !== undefined && { conference }),
    ...(recordings.length > 0 && { recordings: [...recordings] }),
  };
}

/** The call as an earlier process has left it; what signaling has come to says where it stands. */
export function resumedCall(fresh: Call, record: CallRecord, established: boolean): Call {
  const { startedAt, answeredAt, hold, remoteHeld, muted, conference, recordings = [] } = record;
  const phase = phaseOf(fresh, record, established);
  return {
    ...fresh,
    phase,
    startedAt,
    answeredAt: phase === 'established' ? (answeredAt ?? fresh.startedAt) : answeredAt,
    hold,
    remoteHeld,
    muted,
    conference,
    recordings,
  };
}

function phaseOf(fresh: Call, { phase }: CallRecord, established: boolean): Call['phase'] {
  if (phase === 'ending' || phase === 'ended') return 'ending';
  if (established) return 'established';
  if (fresh.direction === 'incoming') return 'incoming';
  return phase === 'ringing' || phase === 'early' ? phase : 'dialing';
}
