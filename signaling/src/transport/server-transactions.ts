import type { Clock } from '@offhook/common';
import { OffhookError } from '@offhook/common';
import type { Essentials } from './check.ts';
import { headerValue, type RequestHead } from './head.ts';
import type { TransportCounters } from './layer.ts';
import { renderResponse, tagOf } from './render.ts';
import { startServer, stepServer, type ServerInput, type ServerState } from './server-machine.ts';
import type { Effect, SipTimers, Step } from './timers.ts';
import { MAGIC_COOKIE, formatVia, viaParam } from './via.ts';
import { TimerPair, isReliable, type Wire } from './wire.ts';

export interface Arrival {
  readonly head: RequestHead;
  readonly essentials: Essentials;
  /** As they go back in a response: the topmost with `received` and `rport`. */
  readonly vias: readonly string[];
  readonly wire: Wire;
}

/** What became of a request that came in. */
export type Admission =
  /** `branch` stands for the transaction towards sip.js, in place of the peer's. */
  | { readonly admitted: 'new' | 'ack'; readonly branch: string }
  | { readonly admitted: 'absorbed' }
  /** An ACK that belongs to no transaction here: that of a 2xx. */
  | { readonly admitted: 'stray-ack' }
  | { readonly admitted: 'overload' };

interface Entry {
  readonly key: string;
  readonly branch: string;
  arrival: Arrival;
  readonly timers: TimerPair;
  state: ServerState;
  lastResponse: string | undefined;
}

export interface ServerTransactionsOptions {
  readonly clock: Clock;
  readonly timers: SipTimers;
  readonly limit: number;
  readonly counters: TransportCounters;
  /** Sends a response the way its request came (RFC 3261 §18.2.2). */
  readonly reply: (arrival: Arrival, response: string) => Promise<void>;
  /** A response that was sent again on a timer could not be. */
  readonly onSendError: (error: unknown) => void;
}

/** All requests that came in lately, by RFC 3261 §17.2.3. */
export class ServerTransactions {
  readonly #options: ServerTransactionsOptions;
  readonly #byKey = new Map<string, Entry>();
  readonly #byBranch = new Map<string, Entry>();
  #serial = 0;

  constructor(options: ServerTransactionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byKey.size;
  }

  receive(arrival: Arrival): Admission {
    const { method } = arrival.head;
    const isAck = method === 'ACK';
    const key = keyOf(arrival, isAck ? 'INVITE' : method);
    const entry = this.#byKey.get(key);
    if (entry !== undefined) {
      // A client whose connection failed asks again over another one (RFC 3261 §18.1.1).
      if (!isAck && entry.arrival.wire !== arrival.wire) entry.arrival = arrival;
      return this.#again(entry, isAck);
    }
    if (isAck) return { admitted: 'stray-ack' };
    if (this.#byKey.size >= this.#options.limit) return { admitted: 'overload' };
    return this.#open(key, arrival);
  }

  /** A response of the user; `branch` is what `receive` gave out. */
  async respond(branch: string, method: string, status: number, response: string): Promise<void> {
    const entry = this.#byBranch.get(`${branch} ${method}`);
    if (entry === undefined) {
      throw new OffhookError(
        'signaling',
        'no-transaction',
        `a ${status} for ${method} came too late: the request is over`,
      );
    }
    if (status >= 200 || entry.state.phase === 'waiting' || entry.state.phase === 'proceeding') {
      const settled = entry.state.phase === 'completed' || entry.state.phase === 'confirmed';
      if (!settled) entry.lastResponse = response;
    }
    await this.#step(entry, { input: 'response', status });
  }

  /** Whether the user has said anything to this request yet. */
  isAnswered(branch: string, method: string): boolean {
    const entry = this.#byBranch.get(`${branch} ${method}`);
    return (
      entry === undefined || (entry.state.phase !== 'waiting' && entry.state.phase !== 'proceeding')
    );
  }

  /** The Via values that belong to a branch that was given out. */
  viasOf(branch: string, method: string): readonly string[] | undefined {
    return this.#byBranch.get(`${branch} ${method}`)?.arrival.vias;
  }

  close(): void {
    for (const entry of this.#byKey.values()) entry.timers.clear();
    this.#byKey.clear();
    this.#byBranch.clear();
  }

  #again(entry: Entry, isAck: boolean): Admission {
    let delivered = false;
    const sent = this.#step(entry, { input: isAck ? 'ack' : 'request' }, () => {
      delivered = true;
    });
    sent.catch(this.#options.onSendError);
    if (!delivered) {
      this.#options.counters.retransmissionsAbsorbed++;
      return { admitted: 'absorbed' };
    }
    // In the accepted state the ACK is for a 2xx, whose dialog does not go by the branch.
    if (entry.state.phase === 'accepted') return { admitted: 'stray-ack' };
    return { admitted: 'ack', branch: entry.branch };
  }

  #open(key: string, arrival: Arrival): Admission {
    const { method } = arrival.head;
    const invite = method === 'CANCEL' ? this.#byKey.get(keyOf(arrival, 'INVITE')) : undefined;
    // sip.js finds the INVITE that a CANCEL means by the same branch.
    const branch = invite?.branch ?? `${MAGIC_COOKIE}-${++this.#serial}`;
    const { timers } = this.#options;
    const { state, effects } = startServer(
      method === 'INVITE' ? 'invite' : 'other',
      isReliable(arrival.wire),
      timers,
    );
    const entry: Entry = {
      key,
      branch,
      arrival,
      state,
      lastResponse: undefined,
      timers: new TimerPair(this.#options.clock, (timer) => {
        this.#step(entry, { input: 'timer', timer }).catch(this.#options.onSendError);
      }),
    };
    this.#byKey.set(key, entry);
    this.#byBranch.set(`${branch} ${method}`, entry);
    this.#apply(entry, { state, effects }).catch(this.#options.onSendError);
    return { admitted: 'new', branch };
  }

  #step(entry: Entry, input: ServerInput, deliver?: () => void): Promise<void> {
    return this.#apply(entry, stepServer(entry.state, input, this.#options.timers), deliver, input);
  }

  async #apply(
    entry: Entry,
    step: Step<ServerState>,
    deliver?: () => void,
    input?: ServerInput,
  ): Promise<void> {
    entry.state = step.state;
    const sends: Promise<void>[] = [];
    for (const effect of step.effects) {
      if (effect.do === 'send') sends.push(this.#send(entry, effect, input));
      else if (effect.do === 'start') entry.timers.start(effect.timer, effect.ms);
      else if (effect.do === 'stop') entry.timers.stop(effect.timer);
      else if (effect.do === 'deliver') deliver?.();
      else if (effect.do === 'end') this.#end(entry);
    }
    await Promise.all(sends);
  }

  async #send(
    entry: Entry,
    effect: Effect & { do: 'send' },
    input: ServerInput | undefined,
  ): Promise<void> {
    if (effect.what === 'trying') {
      const { head, vias } = entry.arrival;
      entry.lastResponse = renderResponse(head, { status: 100, reason: 'Trying', vias, toTag: '' });
    } else if (input !== undefined && input.input !== 'response') {
      this.#options.counters.retransmissionsSent++;
    }
    if (entry.lastResponse !== undefined) {
      await this.#options.reply(entry.arrival, entry.lastResponse);
    }
  }

  #end(entry: Entry): void {
    entry.timers.clear();
    this.#byKey.delete(entry.key);
    this.#byBranch.delete(`${entry.branch} ${entry.arrival.head.method}`);
  }
}

/**
 * RFC 3261 §17.2.3: branch, sent-by and method; for a branch without the magic cookie (RFC 2543)
 * the fields that identify a request.
 */
function keyOf({ head, essentials }: Arrival, method: string): string {
  const { topVia, callId, cseq } = essentials;
  const branch = viaParam(topVia, 'branch');
  const sentBy = `${topVia.host.toLowerCase()}:${topVia.port ?? ''}`;
  if (branch?.startsWith(MAGIC_COOKIE) === true && branch.length > MAGIC_COOKIE.length) {
    return JSON.stringify([branch, sentBy, method]);
  }
  const fromTag = tagOf(headerValue(head, 'from') ?? '');
  return JSON.stringify([head.uri, fromTag, callId, cseq, formatVia(topVia), method]);
}
