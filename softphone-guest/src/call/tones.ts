import type { ToneKind } from '@offhook/media-rpc';
import { isActive, type Call } from './model.ts';

/** A tone that should sound at the thin client. */
export interface WantedTone {
  readonly id: string;
  readonly kind: ToneKind;
  readonly durationMs?: number;
}

/** How long the tone after a failed call sounds. */
const END_TONE_MS = 3000;

/** How many calls are in the states that tones depend on: kept up to date call by call. */
export interface ToneCounts {
  readonly incoming: number;
  /** The far end rings and the network plays nothing. */
  readonly ringing: number;
  /** Talked on. */
  readonly active: number;
  /** Being set up from here, or being taken. */
  readonly pending: number;
}

export const noCalls: ToneCounts = { incoming: 0, ringing: 0, active: 0, pending: 0 };

/** The counts with the call taken in (1) or out (-1). */
export function countCall(counts: ToneCounts, call: Call, by: 1 | -1): ToneCounts {
  return {
    incoming: counts.incoming + (call.phase === 'incoming' ? by : 0),
    ringing: counts.ringing + (call.phase === 'ringing' ? by : 0),
    active: counts.active + (isActive(call) ? by : 0),
    pending: counts.pending + (PENDING.has(call.phase) ? by : 0),
  };
}

const PENDING: ReadonlySet<Call['phase']> = new Set(['dialing', 'ringing', 'early', 'answering']);

/**
 * Tones that go on as long as the calls are as they are. The far end's own early media replaces
 * ringback (RFC 3960 §3.2); an incoming call beside a conversation only knocks.
 */
export function standingTones(counts: ToneCounts): readonly WantedTone[] {
  const tones: WantedTone[] = [];
  if (counts.incoming > 0) {
    const busy = counts.active > 0 || counts.pending > 0;
    tones.push(busy ? { id: 'callwaiting', kind: 'callwaiting' } : { id: 'ring', kind: 'ring' });
  }
  if (counts.ringing > 0 && counts.active === 0) tones.push({ id: 'ringback', kind: 'ringback' });
  return tones;
}

/** The tone that tells a caller that the call failed; none when somebody is being talked to. */
export function endTone(ended: Call, others: Iterable<Call>): WantedTone | undefined {
  if (ended.direction !== 'outgoing' || ended.answeredAt !== undefined) return undefined;
  if (ended.end === undefined || ended.end.by === 'local') return undefined;
  if ([...others].some((call) => call.id !== ended.id && call.phase !== 'ended')) return undefined;
  return { id: `end-${ended.id}`, kind: failureTone(ended.end.status), durationMs: END_TONE_MS };
}

/** ITU-T E.180: busy for a busy line, special information for a number that cannot be, congestion else. */
function failureTone(status: number): ToneKind {
  switch (status) {
    case 486:
    case 600:
    case 603:
      return 'busy';
    case 404:
    case 410:
    case 484:
    case 604:
      return 'error';
    default:
      return 'congestion';
  }
}
