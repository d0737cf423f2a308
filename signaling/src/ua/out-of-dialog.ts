import type { UserAgentOptions } from '../api.ts';
import type { AccountImpl, TrackedCall } from './account.ts';
import type { InboundRequest } from './core/inbound-request.ts';
import type { SipCore } from './core/sip-core.ts';
import { answerTimer } from './dialog/session-timer.ts';
import type { HeaderPair } from './message/headers.ts';
import { bodyOf, unreadableBody, type SipRequest } from './message/message.ts';
import { serveBy } from './method-table.ts';
import { replacedCall } from './call/replaces.ts';
import { ACCEPT, ALLOW, ALLOWED_METHODS, supportedTags } from './session/profile.ts';

export interface OutOfDialogOptions {
  readonly core: SipCore;
  readonly accounts: () => readonly AccountImpl[];
  readonly calls: ReadonlySet<TrackedCall>;
  readonly serve: UserAgentOptions['serve'];
}

/** More calls than that at once get a 486: a bound on what strangers can make us hold. */
const MAX_CALLS = 1000;

/** Methods that belong into a dialog; without one they are lost (RFC 3261 §12.2.2). */
const IN_DIALOG_ONLY = new Set(['BYE', 'PRACK', 'UPDATE', 'INFO']);
/** Methods that we know but do not serve: 405 rather than 501 (RFC 3261 §21.5.2). */
const KNOWN = new Set(['REGISTER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'REFER']);

/** Requests that open something, or stand alone (RFC 3261 §8.2). */
export class OutOfDialog {
  readonly #options: OutOfDialogOptions;

  constructor(options: OutOfDialogOptions) {
    this.#options = options;
  }

  serve(inbound: InboundRequest): void {
    const { message } = inbound;
    const { method } = message;
    const { transport } = inbound.flow;
    // A SIPS URI promises TLS on every hop, the last one too (RFC 5630 §3.1.3).
    const schemes = transport === 'tls' ? /^sips?:/i : /^sip:/i;
    if (!schemes.test(message.uri)) inbound.reply(416);
    else if (IN_DIALOG_ONLY.has(method)) inbound.reply(481);
    else if (method === 'INVITE') this.#invite(inbound);
    else if (method === 'OPTIONS') this.#capabilities(inbound);
    else this.#application(inbound);
  }

  #application(inbound: InboundRequest): void {
    const { serve, core } = this.#options;
    if (serve === undefined) {
      this.#other(inbound);
      return;
    }
    serveBy(serve, inbound, () => this.#other(inbound), core.logger);
  }

  #other(inbound: InboundRequest): void {
    const account = this.#account(inbound.message);
    if (account === undefined) this.#unserved(inbound);
    else if (!this.#refusedExtension(inbound, account)) {
      account.serve(inbound, () => this.#unserved(inbound));
    }
  }

  #unserved(inbound: InboundRequest): void {
    const { method } = inbound.message;
    if (method === 'MESSAGE') this.#message(inbound);
    else if (method === 'NOTIFY' || method === 'SUBSCRIBE') inbound.reply(489);
    else inbound.reply(KNOWN.has(method) ? 405 : 501, { headers: [['allow', ALLOW]] });
  }

  #message(inbound: InboundRequest): void {
    const account = this.#account(inbound.message);
    if (account === undefined) {
      inbound.reply(404);
      return;
    }
    if (this.#refusedExtension(inbound, account)) return;
    inbound.reply(200);
    account.message(inbound.message);
  }

  #capabilities(inbound: InboundRequest): void {
    const account = this.#account(inbound.message);
    const headers: HeaderPair[] = [
      ['allow', ALLOWED_METHODS.join(', ')],
      ['accept', ACCEPT],
    ];
    if (account === undefined) {
      inbound.reply(200, { headers });
      return;
    }
    if (this.#refusedExtension(inbound, account)) return;
    // §11.2: the status that an INVITE would get.
    inbound.reply(this.#options.calls.size >= MAX_CALLS ? 486 : 200, {
      headers: [
        ['contact', `<${account.profile.contactOn(inbound.flow)}>`],
        ...headers,
        ['supported', supportedTags(account.profile).join(', ')],
      ],
    });
  }

  #invite(inbound: InboundRequest): void {
    const { message } = inbound;
    const account = this.#account(message);
    if (account === undefined) {
      inbound.reply(404);
      return;
    }
    if (this.#refusedExtension(inbound, account)) return;
    const type = bodyOf(message)?.type;
    const opaque = type !== undefined && account.profile.sessions.has(type);
    const unreadable = opaque ? undefined : unreadableBody(message);
    if (unreadable !== undefined) {
      inbound.reply(415, { headers: unreadable });
      return;
    }
    const timer = answerTimer(message.headers, account.profile.sessionTimer);
    if (timer.kind === 'refuse') {
      inbound.reply(422, { headers: timer.headers });
      return;
    }
    const { rel100 } = account.profile;
    if (rel100 === 'required' && !offers100rel(message)) {
      inbound.reply(421, { headers: [['require', '100rel']] });
      return;
    }
    if (this.#options.calls.size >= MAX_CALLS) {
      inbound.reply(486);
      return;
    }
    const replaces = replacedCall(message.headers, this.#options.core, this.#options.calls);
    if (typeof replaces === 'number') {
      inbound.reply(replaces);
      return;
    }
    account.deliver(inbound, replaces);
  }

  /** §8.2.2.3: an extension that we must know and do not. */
  #refusedExtension(inbound: InboundRequest, account: AccountImpl): boolean {
    const known = supportedTags(account.profile);
    const unknown = inbound.message.headers.tokens('require').filter((tag) => !known.includes(tag));
    if (unknown.length === 0) return false;
    inbound.reply(420, { headers: [['unsupported', unknown.join(', ')]] });
    return true;
  }

  /** The account that the request is for; a phone with one account takes every call for itself. */
  #account(message: SipRequest): AccountImpl | undefined {
    const accounts = this.#options.accounts();
    const ranked = accounts
      .map((account) => ({ account, score: account.matches(message) }))
      .toSorted((a, b) => b.score - a.score);
    const [best] = ranked;
    if (best === undefined) return undefined;
    return best.score > 0 || accounts.length === 1 ? best.account : undefined;
  }
}

function offers100rel(message: SipRequest): boolean {
  return ['supported', 'require'].some((name) => message.headers.tokens(name).includes('100rel'));
}
