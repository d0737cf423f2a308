/**
 * What becomes of a call before anybody is bothered with it. Pure: headers, settings and how busy the
 * phone is go in, a decision comes out.
 */
export type IncomingDecision =
  | { readonly type: 'ring' }
  /** Taken after so many milliseconds; 0: at once, without ringing. */
  | { readonly type: 'answer'; readonly afterMs: number }
  | { readonly type: 'refuse'; readonly status: number; readonly reason: string }
  | { readonly type: 'forward'; readonly target: string };

export interface Forwarding {
  /** Every call. */
  readonly always?: string | undefined;
  /** When the person talks, or does not want to. */
  readonly busy?: string | undefined;
  /** After `afterMs` of ringing. */
  readonly noAnswer?: string | undefined;
  readonly afterMs: number;
}

export interface IncomingSituation {
  readonly header: (name: string) => string | undefined;
  /** RFC 3891: it takes the place of a call of ours. */
  readonly replaces: boolean;
  readonly doNotDisturb: boolean;
  /** After a call for help: whoever calls may be help. */
  readonly mustRing: boolean;
  readonly forwarding: Forwarding;
  /** Another call is up or rings. */
  readonly busy: boolean;
  /** Whether a further call rings beside another one. */
  readonly callWaiting: boolean;
  /** Of the line; undefined: calls are not taken by themselves. */
  readonly autoAnswerMs: number | undefined;
  /** Whether a caller may ask to be taken at once (paging, intercom). */
  readonly answerOnRequest: boolean;
}

export function incomingDecision(situation: IncomingSituation): IncomingDecision {
  const { forwarding, mustRing } = situation;
  // The person has spoken with that party already.
  if (situation.replaces) return { type: 'answer', afterMs: 0 };
  if (forwarding.always !== undefined && !mustRing)
    return { type: 'forward', target: forwarding.always };
  const full = situation.busy && !situation.callWaiting;
  if ((situation.doNotDisturb || full) && !mustRing) {
    if (forwarding.busy !== undefined) return { type: 'forward', target: forwarding.busy };
    return situation.doNotDisturb
      ? { type: 'refuse', status: 486, reason: 'Do Not Disturb' }
      : { type: 'refuse', status: 486, reason: 'Busy Here' };
  }
  const asked = situation.answerOnRequest ? answerAfter(situation.header) : undefined;
  const afterMs = asked ?? situation.autoAnswerMs;
  return afterMs === undefined ? { type: 'ring' } : { type: 'answer', afterMs };
}

/** More than that is no intercom. */
const LONGEST_S = 300;

/**
 * Milliseconds after which the caller asks to be taken, in the ways that PBXs have: `answer-after` in
 * Call-Info or Alert-Info, `info=alert-autoanswer` (or `intercom`, `auto answer`) in Alert-Info, and
 * Answer-Mode (RFC 5373 §4.1).
 */
export function answerAfter(header: (name: string) => string | undefined): number | undefined {
  for (const name of ['call-info', 'alert-info']) {
    const value = header(name);
    const seconds = /;\s*answer-after\s*=\s*"?(\d{1,4})"?/i.exec(value ?? '')?.[1];
    if (seconds !== undefined) return Math.min(Number(seconds), LONGEST_S) * 1000;
  }
  const alert = header('alert-info') ?? '';
  if (/\binfo\s*=\s*"?(?:alert-autoanswer|intercom|auto[ -]?answer)\b/i.test(alert)) return 0;
  if (/^\s*auto\b/i.test(header('answer-mode') ?? '')) return 0;
  return undefined;
}
