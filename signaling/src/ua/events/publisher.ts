import { Emitter, type Timer } from '@offhook/common';
import type { Body } from '../../api.ts';
import type { Publication, PublicationState } from '../../event-api.ts';
import type { ClientRequest } from '../core/client-request.ts';
import { sendInDialog } from '../dialog/dialog-request.ts';
import { openingState, type OpeningOptions } from '../dialog/plain-dialog.ts';
import type { HeaderPair } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import { loginInWords, reasonInWords } from '../words.ts';
import { backoffMs, isPermanent, refreshMs } from './backoff.ts';
import { wholeSeconds } from './subscriber.ts';

export interface PublisherOptions {
  readonly event: string;
  readonly expires: number;
}

/**
 * Event state of ours at a server (RFC 3903): published, refreshed, changed, taken back. One PUBLISH
 * at a time; the entity-tag of each answer names the state that the next one is about.
 */
export class Publisher implements Publication {
  readonly #opening: () => OpeningOptions;
  readonly #event: string;
  readonly #events: Emitter<{ state: PublicationState }>;
  readonly #ended = Promise.withResolvers<void>();
  #expires: number;
  #body: Body;
  /** The server has another body, or none. */
  #changed = true;
  #etag: string | undefined;
  #state: PublicationState = { state: 'publishing' };
  #failures = 0;
  #request: ClientRequest | undefined;
  #timer: Timer | undefined;
  #closing = false;

  constructor(opening: () => OpeningOptions, options: PublisherOptions, body: Body) {
    const { core } = opening().profile;
    this.#opening = opening;
    this.#event = options.event;
    this.#expires = options.expires;
    this.#body = body;
    this.#events = new Emitter((error) =>
      core.logger.error({ error }, 'a listener of a publication failed'),
    );
    // Who publishes listens first.
    queueMicrotask(() => this.#next());
  }

  get state(): PublicationState {
    return this.#state;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  on(name: 'state', listener: (event: PublicationState) => void): () => void {
    return this.#events.on(name, listener);
  }

  update(body: Body): void {
    this.#body = body;
    this.#changed = true;
    if (!this.#closing && this.#state.state !== 'waiting') this.#next();
  }

  /** The network has changed: what is published may have gone elsewhere. */
  refresh(): void {
    if (this.#state.state === 'waiting') this.#next();
  }

  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#timer?.cancel();
      if (this.#request === undefined) this.#next();
    }
    return this.#ended.promise;
  }

  /** Leaves without a word. */
  abandon(): void {
    this.#timer?.cancel();
    this.#request?.dispose();
    this.#events.clear();
  }

  /** What is to be done now, if nothing is under way. */
  #next(): void {
    if (this.#request !== undefined || this.#state.state === 'ended') return;
    this.#timer?.cancel();
    if (!this.#closing) {
      if (this.#changed || this.#etag === undefined) this.#enter({ state: 'publishing' });
      this.#send(this.#expires);
    } else if (this.#etag === undefined) this.#end(200, 'taken back');
    else this.#send(0);
  }

  #send(seconds: number): void {
    const opening = this.#opening();
    const { profile } = opening;
    const keeper = { dialog: openingState(opening) };
    const whole = seconds > 0 && (this.#changed || this.#etag === undefined);
    this.#changed = this.#changed && !whole;
    const headers: HeaderPair[] = [
      ['event', this.#event],
      ['expires', String(seconds)],
      ...(this.#etag === undefined ? [] : [['sip-if-match', this.#etag] as const]),
    ];
    const request = { method: 'PUBLISH', headers, body: whole ? this.#body : undefined };
    this.#request = sendInDialog(profile, keeper, request, {
      final: (response, _draft, login) => {
        this.#request = undefined;
        const { status, reason, headers: fields } = response;
        if (status < 300) this.#accepted(response, seconds);
        else this.#refused(response, loginInWords(login) ?? reasonInWords(status, fields, reason));
      },
      failed: ({ status, reason }) => {
        this.#request = undefined;
        this.#failed(status, reason, undefined);
      },
    });
  }

  #accepted({ headers }: SipResponse, asked: number): void {
    this.#failures = 0;
    if (asked === 0) {
      this.#end(200, 'taken back');
      return;
    }
    this.#etag = headers.get('sip-etag');
    const seconds = wholeSeconds(headers.get('expires')) ?? asked;
    const { clock, random } = this.#opening().profile.core;
    this.#enter({ state: 'published', expiresAt: clock.wall() + seconds * 1000 });
    if (this.#changed || this.#closing) this.#next();
    else this.#arm(refreshMs(seconds, random.fraction()));
  }

  #refused({ status, headers }: SipResponse, reason: string): void {
    const min = wholeSeconds(headers.get('min-expires'));
    if (this.#closing) this.#end(200, 'taken back');
    else if (status === 412 && this.#etag !== undefined) {
      // The server has forgotten what it had.
      this.#etag = undefined;
      this.#next();
    } else if (status === 423 && min !== undefined && min > this.#expires) {
      this.#expires = min;
      this.#changed = true;
      this.#next();
    } else if (isPermanent(status)) this.#end(status, reason);
    else this.#failed(status, reason, wholeSeconds(headers.get('retry-after')));
  }

  #failed(status: number, reason: string, retryAfter: number | undefined): void {
    if (this.#closing) {
      this.#end(200, 'taken back');
      return;
    }
    this.#changed = true;
    this.#failures += 1;
    const { clock, random } = this.#opening().profile.core;
    const ms = backoffMs(this.#failures, random.fraction(), retryAfter);
    this.#enter({ state: 'waiting', status, reason, retryAt: clock.wall() + ms });
    this.#arm(ms);
  }

  #arm(ms: number): void {
    this.#timer = this.#opening().profile.core.clock.after(ms, () => this.#next());
  }

  #end(status: number, reason: string): void {
    this.#timer?.cancel();
    this.#enter({ state: 'ended', status, reason });
    this.#ended.resolve();
    this.#events.clear();
  }

  #enter(state: PublicationState): void {
    this.#state = state;
    this.#events.emit('state', state);
  }
}
