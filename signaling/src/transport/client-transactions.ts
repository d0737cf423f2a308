import type { Clock } from '@offhook/common';
import { startClient, stepClient, type ClientInput, type ClientState } from './client-machine.ts';
import type { TransportCounters } from './layer.ts';
import type { Effect, SipTimers, Step } from './timers.ts';
import { TimerPair, isReliable, type Wire } from './wire.ts';

/** A request on its way over one wire, and what its sender wants to know of it. */
export interface Attempt {
  /** As on the wire. */
  readonly branch: string;
  readonly method: string;
  readonly request: string;
  readonly wire: Wire;
  /** A copy was sent again and still nothing has come back; once. */
  readonly onSilence?: () => void;
  readonly onEnd?: (end: AttemptEnd) => void;
}

/** Why a client transaction is over. */
export type AttemptEnd =
  /** It ran its course. */
  | { readonly end: 'finished' }
  /** No final response in time; `answered` if there was a provisional one. */
  | { readonly end: 'timeout'; readonly answered: boolean }
  /** Sending failed, at once or later. */
  | { readonly end: 'failed'; readonly error: unknown };

interface Entry {
  readonly attempt: Attempt;
  readonly timers: TimerPair;
  state: ClientState;
  ack: string | undefined;
  sentAgain: boolean;
}

export interface ClientTransactionsOptions {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly counters: TransportCounters;
}

/** All requests that left lately, by RFC 3261 §17.1.3. */
export class ClientTransactions {
  readonly #options: ClientTransactionsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ClientTransactionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Sends the request; resolves when it was taken. A failure goes to `onEnd` as well. */
  start(attempt: Attempt): Promise<void> {
    const { clock, timers } = this.#options;
    const kind = attempt.method === 'INVITE' ? 'invite' : 'other';
    const step = startClient(kind, isReliable(attempt.wire), timers);
    const entry: Entry = {
      attempt,
      state: step.state,
      ack: undefined,
      sentAgain: false,
      timers: new TimerPair(clock, (timer) => this.#onTimer(entry, timer)),
    };
    this.#entries.set(keyOf(attempt), entry);
    return this.#apply(entry, step);
  }

  /**
   * Whether a response is for the transaction user; undefined when no transaction matches. What
   * is not for the user has been dealt with.
   */
  receive(branch: string, method: string, status: number): 'deliver' | 'absorb' | undefined {
    const entry = this.#entries.get(`${branch} ${method}`);
    if (entry === undefined) return undefined;
    let delivered = false;
    this.#step(entry, { input: 'response', status }, () => {
      delivered = true;
    });
    if (!delivered) this.#options.counters.retransmissionsAbsorbed++;
    return delivered ? 'deliver' : 'absorb';
  }

  /** The ACK of a non-2xx final response, on the branch of its INVITE. */
  async acknowledge(branch: string, ack: string): Promise<void> {
    const entry = this.#entries.get(`${branch} INVITE`);
    if (entry === undefined) return;
    entry.ack = ack;
    await this.#apply(entry, stepClient(entry.state, { input: 'ack' }, this.#options.timers));
  }

  /** A CANCEL for the INVITE on this branch left. */
  cancelled(branch: string): void {
    const entry = this.#entries.get(`${branch} INVITE`);
    if (entry?.state.phase === 'trying' || entry?.state.phase === 'proceeding') {
      this.#step(entry, { input: 'cancelled' });
    }
  }

  /** Forgets a transaction without a word to anybody. */
  abandon(branch: string, method: string): void {
    const entry = this.#entries.get(`${branch} ${method}`);
    if (entry !== undefined) this.#remove(entry);
  }

  /** Fails every transaction that waits for an answer on this wire. */
  wireLost(wire: Wire, error: unknown): void {
    for (const entry of this.#entries.values()) {
      const waiting = entry.state.phase === 'trying' || entry.state.phase === 'proceeding';
      if (entry.attempt.wire === wire && waiting) this.#fail(entry, error);
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.timers.clear();
    this.#entries.clear();
  }

  #onTimer(entry: Entry, timer: 'repeat' | 'life'): void {
    this.#step(entry, { input: 'timer', timer });
    if (timer === 'repeat' && entry.state.phase === 'trying' && !entry.sentAgain) {
      entry.sentAgain = true;
      entry.attempt.onSilence?.();
    }
  }

  #step(entry: Entry, input: ClientInput, deliver?: () => void): void {
    const step = stepClient(entry.state, input, this.#options.timers);
    this.#apply(entry, step, deliver, true).catch(() => undefined);
  }

  async #apply(
    entry: Entry,
    step: Step<ClientState>,
    deliver?: () => void,
    again = false,
  ): Promise<void> {
    entry.state = step.state;
    const sends: Promise<void>[] = [];
    for (const effect of step.effects) {
      if (effect.do === 'send') sends.push(this.#send(entry, effect, again));
      else if (effect.do === 'start') entry.timers.start(effect.timer, effect.ms);
      else if (effect.do === 'stop') entry.timers.stop(effect.timer);
      else if (effect.do === 'deliver') deliver?.();
      else if (effect.do === 'end') this.#end(entry);
    }
    await Promise.all(sends);
  }

  async #send(entry: Entry, effect: Effect & { do: 'send' }, again: boolean): Promise<void> {
    const text = effect.what === 'ack' ? entry.ack : entry.attempt.request;
    if (text === undefined) return;
    if (again) this.#options.counters.retransmissionsSent++;
    try {
      await entry.attempt.wire.send(Buffer.from(text));
    } catch (error) {
      if (effect.what === 'request') this.#fail(entry, error);
      throw error;
    }
  }

  #fail(entry: Entry, error: unknown): void {
    if (this.#entries.get(keyOf(entry.attempt)) !== entry) return;
    this.#remove(entry);
    entry.attempt.onEnd?.({ end: 'failed', error });
  }

  #end(entry: Entry): void {
    this.#remove(entry);
    const { phase } = entry.state;
    const open = phase === 'trying' || phase === 'proceeding';
    entry.attempt.onEnd?.(
      open ? { end: 'timeout', answered: phase === 'proceeding' } : { end: 'finished' },
    );
  }

  #remove(entry: Entry): void {
    entry.timers.clear();
    if (this.#entries.get(keyOf(entry.attempt)) === entry)
      this.#entries.delete(keyOf(entry.attempt));
  }
}

function keyOf({ branch, method }: Attempt): string {
  return `${branch} ${method}`;
}
