/** RFC 3261 Table 4, in ms. */
export interface SipTimers {
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
}

export const DEFAULT_TIMERS: SipTimers = { t1: 500, t2: 4000, t4: 5000 };

/** Timer D over an unreliable transport: at least 32 s (RFC 3261 §17.1.1.2). */
export const TIMER_D = 32_000;

/** A server transaction whose user says nothing for this long sends 100 itself (§17.2.1). */
export const TRYING_DELAY = 200;

/**
 * The two timers that a transaction can have running: one for what it repeats (A, E, G) and one
 * for how long it lives (B, D, F, H, I, J, K, L, M).
 */
export type TimerName = 'repeat' | 'life';

/** What a step of a transaction wants done, in order. */
export type Effect =
  /** Puts the request, the last response or the ACK on the wire again (or for the first time). */
  | { readonly do: 'send'; readonly what: 'request' | 'response' | 'ack' | 'trying' }
  /** Hands the message to the transaction user. */
  | { readonly do: 'deliver' }
  | { readonly do: 'absorb' }
  /** Starts a timer anew. */
  | { readonly do: 'start'; readonly timer: TimerName; readonly ms: number }
  | { readonly do: 'stop'; readonly timer: TimerName }
  /** The transaction is over; its timers go with it. */
  | { readonly do: 'end' };

export interface Step<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}
