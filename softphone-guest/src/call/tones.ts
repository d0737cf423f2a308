import type { ToneKind } from '@offhook/media-rpc';
import { isActive, type Call } from './model.ts';

/** A tone that should sound at the thin client. */
export interface WantedTone {
  readonly id: string;
  readonly kind: ToneKind;
  readonly durationMs?: number;
}

/** How long the tone after a failed call sounds. */
export const END_TONE_MS = 3000;

/**
 * Tones that go on as long as the calls are as they are. The far end's own early media replaces
 * ringback (RFC 3960 §3.2); an incoming call beside a conversation only knocks.
 */
export function standingTones(calls: Iterable<Call>): readonly WantedTone[] {
  const all = [...calls];
  const tones: WantedTone[] = [];
  const busy = all.some(
    (call) =>
      isActive(call) ||
      call.phase === 'answering' ||
      (call.direction === 'outgoing' && pending(call)),
  );
  if (all.some((call) => call.phase === 'incoming')) {
    tones.push(busy ? { id: 'callwaiting', kind: 'callwaiting' } : { id: 'ring', kind: 'ring' });
  }
  if (all.some((call) => call.phase === 'ringing') && !all.some((call) => isActive(call))) {
    tones.push({ id: 'ringback', kind: 'ringback' });
  }
  return tones;
}

function pending(call: Call): boolean {
  return call.phase === 'dialing' || call.phase === 'ringing' || call.phase === 'early';
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
