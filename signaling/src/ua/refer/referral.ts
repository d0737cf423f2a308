import { Emitter, OffhookError, type Timer } from '@offhook/common';
import type { Referral, ReferralState, ReferOptions } from '../../request-api.ts';
import type { ClientRequest } from '../core/client-request.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import { TRANSACTION_TIMEOUT } from '../core/sip-core.ts';
import type { DialogRequest, DialogRequestHandlers } from '../dialog/dialog-request.ts';
import { cseqOf } from '../dialog/dialog-state.ts';
import { parseSubscriptionState } from '../events/subscription-state.ts';
import type { HeaderPair } from '../message/headers.ts';
import { bodyOf } from '../message/message.ts';
import { parseUri } from '../message/uri.ts';
import type { CallProfile } from '../session/profile.ts';
import { loginInWords, reasonInWords, statusInWords } from '../words.ts';
import { formatReferTo } from './refer-to.ts';
import { parseSipfrag } from './sipfrag.ts';

/** A dialog in which requests go to and fro. */
export interface DialogPort {
  send(request: DialogRequest, handlers: DialogRequestHandlers): ClientRequest;
  /** Keeps the dialog known after its call has ended, until released. */
  hold(): () => void;
}

/** Longer than a phone rings; also when a report promises more. */
const LONGEST_MS = 300_000;

/** Throws an OffhookError `bad-uri` or `no-dialog`. */
export function referHeaders(
  profile: CallProfile,
  to: string,
  options: ReferOptions,
): readonly HeaderPair[] {
  if (parseUri(to) === undefined) {
    throw new OffhookError('signaling', 'bad-uri', `"${to}" is no SIP address`);
  }
  const replaces = options.replaces?.replaceable;
  if (options.replaces !== undefined && replaces === undefined) {
    throw new OffhookError('signaling', 'no-dialog', 'the call to be replaced has no dialog');
  }
  const silent = options.silent === true;
  return [
    ['refer-to', formatReferTo(to, replaces)],
    ...(options.referredBy === false ? [] : [['referred-by', `<${profile.aor}>`] as const]),
    ...(silent ? ([['refer-sub', 'false']] as const) : []),
  ];
}

/** A REFER of ours and the reports about it (RFC 3515 §2.4). */
export class ReferralImpl implements Referral {
  readonly done: Promise<ReferralState>;
  readonly #profile: CallProfile;
  readonly #port: DialogPort;
  readonly #events: Emitter<{ state: ReferralState }>;
  readonly #finished = Promise.withResolvers<ReferralState>();
  readonly #release: () => void;
  #state: ReferralState = { state: 'asked' };
  #timer: Timer | undefined;
  #over = false;
  /** Of the REFER: the `id` of the reports (§2.4.6). */
  cseq: number | undefined;

  constructor(profile: CallProfile, port: DialogPort) {
    this.#profile = profile;
    this.#port = port;
    this.done = this.#finished.promise;
    this.#release = port.hold();
    this.#events = new Emitter((error) =>
      profile.logger.error({ error }, 'a listener of a referral failed'),
    );
  }

  get state(): ReferralState {
    return this.#state;
  }

  on(name: 'state', listener: (event: ReferralState) => void): () => void {
    return this.#events.on(name, listener);
  }

  start(headers: readonly HeaderPair[]): void {
    this.#port.send(
      { method: 'REFER', capabilities: true, headers },
      {
        final: (response, draft, login) => {
          const { status, headers, reason } = response;
          this.cseq = cseqOf(draft.headers);
          if (status >= 300) {
            const words = loginInWords(login) ?? reasonInWords(status, headers, reason);
            this.#finish({ state: 'refused', status, reason: words });
          } else if (headers.get('refer-sub')?.trim().toLowerCase() === 'false') {
            this.#finish({ state: 'unknown' });
          } else {
            if (this.#state.state === 'asked') this.#enter({ state: 'accepted' });
            this.#expire(LONGEST_MS);
          }
        },
        failed: ({ status, reason }) => this.#finish({ state: 'refused', status, reason }),
      },
    );
  }

  notify(inbound: InboundRequest): void {
    const { headers } = inbound.message;
    const subscription = parseSubscriptionState(headers.get('subscription-state'));
    if (subscription === undefined) {
      inbound.reply(400, { reason: 'Missing Subscription-State' });
      return;
    }
    inbound.reply(200);
    const report = parseSipfrag(bodyOf(inbound.message));
    if (report !== undefined) this.#report(report.status, report.reason);
    if (subscription.state === 'terminated') this.#finish({ state: 'unknown' });
    else if (subscription.expires !== undefined) {
      this.#expire(subscription.expires * 1000 + TRANSACTION_TIMEOUT);
    }
  }

  #report(status: number, phrase: string): void {
    const reason = status < 300 ? phrase : statusInWords(status);
    if (status < 200) this.#enter({ state: 'progress', status, reason });
    else this.#finish({ state: status < 300 ? 'succeeded' : 'failed', status, reason });
  }

  #expire(ms: number): void {
    this.#timer?.cancel();
    if (this.#over) return;
    this.#timer = this.#profile.core.clock.after(Math.min(ms, LONGEST_MS), () =>
      this.#finish({ state: 'unknown' }),
    );
  }

  #enter(state: ReferralState): void {
    if (this.#over) return;
    this.#state = state;
    this.#events.emit('state', state);
  }

  #finish(state: ReferralState): void {
    if (this.#over) return;
    this.#enter(state);
    this.#over = true;
    this.#timer?.cancel();
    this.#release();
    this.#finished.resolve(state);
    this.#events.clear();
  }
}
