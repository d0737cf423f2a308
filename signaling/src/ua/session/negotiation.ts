import { OffhookError, type Clock, type Timer } from '@offhook/common';
import { mayOffer, quiet, type OfferAnswer } from './offer-answer.ts';

/** The descriptions in force: what we sent last and what the peer did. */
export interface Descriptions {
  readonly local: string | undefined;
  readonly remote: string | undefined;
  /** Whether the exchange that fixed them began with the peer's offer. */
  readonly offeredByPeer: boolean;
  /** They are not known here any more, for they have keys in them. */
  readonly keyed?: boolean;
}

/** Where offer and answer of one dialog stand, and who waits for his turn. */
export class Negotiation {
  readonly #clock: Clock;
  #state: OfferAnswer = quiet;
  #descriptions: Descriptions = { local: undefined, remote: undefined, offeredByPeer: false };
  #waiting: (() => void)[] = [];
  #endPause: (() => void) | undefined;
  #over = false;

  readonly #changed: () => void;

  /** `changed` is told when other descriptions are in force, or an offer is opened or closed. */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get state(): OfferAnswer {
    return this.#state;
  }

  get descriptions(): Descriptions {
    return this.#descriptions;
  }

  /** Changes what is open; wakes who waits for quiet. */
  mark(change: Partial<OfferAnswer>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed();
    if (mayOffer(this.#state)) this.#wake();
  }

  /** An exchange has fixed the descriptions. */
  settle(descriptions: Descriptions): void {
    this.#descriptions = descriptions;
    this.#changed();
  }

  /** Whoever waits is sent away. */
  end(): void {
    this.#over = true;
    this.#endPause?.();
    this.#wake();
  }

  /** Resolves when we may offer; rejects when the call ends before, or the signal says so. */
  async untilQuiet(signal?: AbortSignal): Promise<void> {
    while (!mayOffer(this.#state) && !this.#over) {
      await abortable(signal, (wake) => this.#waiting.push(wake));
    }
    signal?.throwIfAborted();
    if (this.#over) throw new OffhookError('signaling', 'call-ended', 'the call is over');
  }

  /** Waits for that long, or for the end of the call. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    let timer: Timer | undefined;
    const done = abortable(signal, (wake) => {
      timer = this.#clock.after(ms, wake);
      this.#endPause = wake;
    });
    return done.finally(() => timer?.cancel());
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function abortable(
  signal: AbortSignal | undefined,
  start: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    start(resolve);
  });
}
