import { Emitter, type Timer } from '@offhook/common';
import type {
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
  SubscriptionState,
} from '../../event-api.ts';
import { headerPair } from '../call/invite-draft.ts';
import type { ClientRequest } from '../core/client-request.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import { PlainDialog, type OpeningOptions } from '../dialog/plain-dialog.ts';
import { bodyOf, type SipResponse } from '../message/message.ts';
import { loginInWords, reasonInWords } from '../words.ts';
import { parseSubscriptionState } from './subscription-state.ts';
import {
  newSubscribing,
  subscribingStep,
  type SubscribingEffect,
  type SubscribingInput,
} from './subscription.ts';

export const DEFAULT_EXPIRES = 600;

/** Runs one subscription of ours (RFC 6665 §4.1) in the dialogs that it needs, one after another. */
export class Subscriber implements Subscription {
  readonly #opening: () => OpeningOptions;
  readonly #options: SubscribeOptions;
  readonly #events: Emitter<SubscriptionEvents>;
  readonly #ended = Promise.withResolvers<void>();
  #machine;
  #state: SubscriptionState = { state: 'subscribing' };
  #dialog: PlainDialog | undefined;
  #request: ClientRequest | undefined;
  #timer: Timer | undefined;

  /** `opening` is asked for each dialog: routes change with a registration. */
  constructor(opening: () => OpeningOptions, options: SubscribeOptions) {
    const { core } = opening().profile;
    this.#opening = opening;
    this.#options = options;
    this.#machine = newSubscribing(options.expires ?? DEFAULT_EXPIRES);
    this.#events = new Emitter((error) =>
      core.logger.error({ error }, 'a listener of a subscription failed'),
    );
    // Who subscribes listens first.
    queueMicrotask(() => this.#dispatch({ type: 'start' }));
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** Resolves when it is over for good. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  on<K extends keyof SubscriptionEvents>(
    name: K,
    listener: (event: SubscriptionEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  refresh(): void {
    this.#dispatch({ type: 'refresh' });
  }

  close(): Promise<void> {
    this.#dispatch({ type: 'stop' });
    return this.#ended.promise;
  }

  /** Leaves without a word. */
  abandon(): void {
    this.#timer?.cancel();
    this.#drop();
    this.#events.clear();
  }

  #dispatch(input: SubscribingInput): void {
    const { core } = this.#opening().profile;
    const around = { wall: core.clock.wall(), random: core.random.fraction() };
    const { next, effects } = subscribingStep(this.#machine, input, around);
    this.#machine = next;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: SubscribingEffect): void {
    switch (effect.type) {
      case 'open':
        this.#drop();
        this.#dialog = PlainDialog.opening(this.#opening(), (inbound) => this.#notify(inbound));
        this.#send(this.#dialog, effect.seconds);
        break;
      case 'send':
        if (this.#dialog !== undefined) this.#send(this.#dialog, effect.seconds);
        break;
      case 'drop':
        this.#drop();
        break;
      case 'arm':
        this.#timer?.cancel();
        this.#timer = this.#opening().profile.core.clock.after(effect.ms, () =>
          this.#dispatch({ type: 'timer' }),
        );
        break;
      case 'disarm':
        this.#timer?.cancel();
        break;
      case 'report':
        this.#report(effect.state);
        break;
    }
  }

  #report(state: SubscriptionState): void {
    this.#state = state;
    this.#events.emit('state', state);
    if (state.state !== 'ended') return;
    this.#ended.resolve();
    this.#events.clear();
  }

  #drop(): void {
    this.#request?.dispose();
    this.#request = undefined;
    this.#dialog?.close();
    this.#dialog = undefined;
  }

  #send(dialog: PlainDialog, seconds: number): void {
    const { event, accept, headers = [], body } = this.#options;
    this.#request?.dispose();
    const current = (): boolean => this.#dialog === dialog;
    this.#request = dialog.send(
      {
        method: 'SUBSCRIBE',
        capabilities: true,
        headers: [
          ['event', event],
          ['expires', String(seconds)],
          ['accept', accept.join(', ')],
          ...headers.map(headerPair),
        ],
        body,
      },
      {
        final: (response, _draft, login) => {
          if (!current()) return;
          if (response.status < 300) {
            if (seconds > 0)
              this.#dispatch({ type: 'accepted', seconds: granted(response, seconds) });
          } else {
            const { status, headers: fields, reason } = response;
            this.#dispatch({
              type: 'refused',
              status,
              reason: loginInWords(login) ?? reasonInWords(status, fields, reason),
              minExpires: wholeSeconds(fields.get('min-expires')),
              retryAfter: wholeSeconds(fields.get('retry-after')),
            });
          }
        },
        failed: ({ status, reason }) => {
          if (!current()) return;
          const unknown = { minExpires: undefined, retryAfter: undefined };
          this.#dispatch({ type: 'refused', status, reason, ...unknown });
        },
      },
    );
  }

  #notify(inbound: InboundRequest): void {
    const { message } = inbound;
    if (message.method !== 'NOTIFY') {
      inbound.reply(405, { headers: [['allow', 'NOTIFY']] });
      return;
    }
    if (packageOf(message.headers.get('event')) !== packageOf(this.#options.event)) {
      inbound.reply(489);
      return;
    }
    const header = parseSubscriptionState(message.headers.get('subscription-state'));
    if (header === undefined) {
      inbound.reply(400, { reason: 'Missing Subscription-State' });
      return;
    }
    inbound.reply(200);
    const body = bodyOf(message);
    if (header.state !== 'terminated' || body !== undefined) {
      this.#events.emit('notify', {
        body,
        headers: (name) => message.headers.all(name.toLowerCase()),
      });
    }
    this.#dispatch({ type: 'notified', header });
  }
}

function packageOf(event: string | undefined): string {
  return (event ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** RFC 6665 §4.1.2.1: a notifier may shorten the time, not prolong it. */
function granted(response: SipResponse, asked: number): number {
  const seconds = wholeSeconds(response.headers.get('expires')) ?? asked;
  return Math.min(seconds, asked);
}

export function wholeSeconds(value: string | undefined): number | undefined {
  const match = /^\d{1,9}/.exec(value ?? '');
  return match === null ? undefined : Number(match[0]);
}
