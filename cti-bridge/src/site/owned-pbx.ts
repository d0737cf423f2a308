import { OffhookError, type Clock, type Logger } from '@offhook/common';
import type { AdapterStatus, CtiAdapter } from '../adapter/adapter.ts';
import { CallModel } from '../model/call-model.ts';
import type { Fact } from '../model/facts.ts';
import { check, type Subject } from '../model/preconditions.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import { Drafts } from './draft.ts';
import type { Draft, Lease, PbxState, SiteStore } from './store.ts';

/** A PBX of the configuration, which this process may come to have. */
export interface Pbx {
  readonly name: string;
  /** @throws OffhookError where the adapter cannot even be made: a port that is taken … */
  open(): Promise<{ readonly adapter: CtiAdapter; close(): Promise<void> }>;
}

export interface OwnedPbxOptions {
  readonly lease: Lease;
  readonly store: SiteStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the lease is good, by this process's own clock. */
  readonly isValid: () => boolean;
  readonly onStatus: () => void;
  /** It cannot go on: its events are not taken. To be taken anew, or by somebody else. */
  readonly onLost: (reason: OffhookError) => void;
}

/** Events that may wait for the store, and those that go there at a time. */
const MAX_WAITING = 20_000;
const BATCH = 500;

/**
 * A PBX that this process has: its adapter, its model, and the way of its events to the log. When it
 * cannot go on it stops dead; whoever has the PBX next begins with the state in the store, and what
 * the PBX says otherwise by then is told as events.
 */
export class OwnedPbx {
  readonly lease: Lease;
  readonly #options: OwnedPbxOptions;
  readonly #model = new CallModel();
  readonly #drafts: Drafts;
  readonly #adapter: CtiAdapter;
  readonly #closeBelow: () => Promise<void>;
  readonly #waiting: Draft[] = [];
  #appending: Promise<void> = Promise.resolve();
  #busy = false;
  #seq = 0;
  #status: AdapterStatus = { up: false, reason: 'not connected yet' };
  #downSince: number | undefined;
  #closed: Promise<void> | undefined;
  #requests = 0;

  constructor(
    options: OwnedPbxOptions,
    state: PbxState,
    opened: { readonly adapter: CtiAdapter; close(): Promise<void> },
  ) {
    this.lease = options.lease;
    this.#options = options;
    this.#model.restore(state, Object.entries(state.merged));
    this.#drafts = new Drafts(this.#model, state.merged);
    this.#adapter = opened.adapter;
    this.#closeBelow = () => opened.close();
    this.#downSince = options.clock.now();
    this.#adapter.start({
      fact: (fact) => this.#fact(fact),
      status: (status) => {
        this.#status = status;
        this.#downSince = status.up ? undefined : (this.#downSince ?? options.clock.now());
        options.onStatus();
      },
    });
  }

  get status(): AdapterStatus {
    return this.#status;
  }

  /** For how long the PBX could not be reached, milliseconds. */
  get downMs(): number {
    return this.#downSince === undefined ? 0 : this.#options.clock.now() - this.#downSince;
  }

  /** How many requests are under way. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Checks a request and has the PBX do it. `seq`: the last event that happened before it was done.
   *
   * @throws OffhookError `cti`: those of model/preconditions.ts and of the adapter, `pbx-gone`
   */
  async request(
    request: ServiceRequest,
    signal: AbortSignal,
    allow: (subject: Subject) => void,
  ): Promise<{ result: ServiceResult; seq: number }> {
    allow(check(this.#model, request));
    // By the clock and not by a timer: a process that stood still has not heard of the end yet.
    if (this.#closed !== undefined || !this.#options.isValid()) throw this.#gone();
    this.#requests++;
    try {
      const result = await this.#adapter.request(request, signal);
      await this.#appending;
      return { result, seq: this.#seq };
    } finally {
      this.#requests--;
    }
  }

  /** Idempotent. What waits to be written is, where `flush` says so. */
  close(options: { flush: boolean }): Promise<void> {
    this.#closed ??= this.#close(options.flush);
    return this.#closed;
  }

  async #close(flush: boolean): Promise<void> {
    const closing = this.#adapter.close();
    if (flush) await this.#appending;
    this.#waiting.length = 0;
    await closing;
    await this.#closeBelow();
  }

  #fact(fact: Fact): void {
    if (this.#closed !== undefined) return;
    for (const event of this.#model.apply(fact, this.#options.clock.wall())) {
      this.#waiting.push(this.#drafts.of(event));
    }
    if (this.#waiting.length > MAX_WAITING) {
      const message = `more than ${MAX_WAITING} events of ${this.lease.pbx} wait to be written`;
      this.#options.onLost(new OffhookError('cti', 'overloaded', message));
    } else if (!this.#busy && this.#waiting.length > 0) {
      this.#appending = this.#append();
    }
  }

  async #append(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        const batch = this.#waiting.splice(0, BATCH);
        this.#seq = await this.#options.store.append(this.lease, batch);
      }
    } catch (error) {
      this.#options.onLost(
        error instanceof OffhookError
          ? error
          : new OffhookError('cti', 'unexpected', String(error), { cause: error }),
      );
    } finally {
      this.#busy = false;
    }
  }

  #gone(): OffhookError {
    const message = `${this.lease.pbx} goes to another bridge`;
    return new OffhookError('cti', 'pbx-gone', message, { remedy: 'ask again in a second' });
  }
}
