import { Emitter, OffhookError, type EventSource } from '@offhook/common';
import type {
  Account,
  AccountEvents,
  AccountOptions,
  Body,
  PingAnswer,
  RegistrationState,
  SdpAgent,
} from '../api.ts';
import type { CallSnapshot, InviteOptions, SipCall } from '../call-api.ts';
import type { Publication, SubscribeOptions, Subscription } from '../event-api.ts';
import type {
  Referral,
  ReferOptions,
  RequestHandler,
  RequestOptions,
  SipAnswer,
} from '../request-api.ts';
import { DigestClient } from '../auth/digest-client.ts';
import type { Flow } from '../transport/layer.ts';
import { answered } from './answered.ts';
import { IncomingCallImpl } from './call/incoming-call.ts';
import { headerPair } from './call/invite-draft.ts';
import { OutgoingCall } from './call/outgoing-call.ts';
import { restoreCall } from './call/restore.ts';
import type { RestoredCall } from './call/restored-call.ts';
import type { InboundRequest } from './core/inbound-request.ts';
import type { SipCore } from './core/sip-core.ts';
import { sendInDialog } from './dialog/dialog-request.ts';
import { openingState, PlainDialog, type OpeningOptions } from './dialog/plain-dialog.ts';
import { AccountEventState } from './events/account-events.ts';
import { DEFAULT_EXPIRES as DEFAULT_STATE_EXPIRES } from './events/subscriber.ts';
import { foreignMethod, MethodTable } from './method-table.ts';
import { bodyOf, type SipRequest } from './message/message.ts';
import { isServiceUrn, parseUri, uriParam, type SipUri } from './message/uri.ts';
import { optionsPing } from './options-ping.ts';
import { referralOf } from './refer/incoming-referral.ts';
import { ReferralImpl, referHeaders } from './refer/referral.ts';
import { Reports } from './refer/reports.ts';
import { ACCOUNT_PARAM, accountIdentity, type AccountIdentity } from './registration/bindings.ts';
import { RegistrarClient } from './registration/registrar-client.ts';
import type { CallProfile } from './session/profile.ts';

export interface AccountContext {
  readonly core: SipCore;
  /** What makes this phone's bindings its own over restarts. */
  readonly phone: string;
  /** Of the user agent, unless the account has its own. */
  readonly outboundProxy: string | undefined;
  readonly track: (call: TrackedCall) => void;
}

export type TrackedCall = OutgoingCall | IncomingCallImpl | RestoredCall;

const DEFAULT_EXPIRES = 300;
const DEFAULT_SESSION_TIMER = { expires: 1800, minSE: 90, refresher: 'auto' } as const;

export class AccountImpl implements Account {
  readonly aor: string;
  readonly #context: AccountContext;
  readonly #options: AccountOptions;
  readonly #uri: SipUri;
  readonly #events: Emitter<AccountEvents>;
  readonly #identity: AccountIdentity;
  readonly #registrar: RegistrarClient;
  readonly #profile: CallProfile;
  readonly #table: MethodTable;
  readonly #states = new AccountEventState();
  #registration: RegistrationState = { state: 'unregistered' };
  #closed = false;

  constructor(context: AccountContext, options: AccountOptions) {
    const { core } = context;
    const uri = parseUri(options.aor);
    if (uri === undefined) {
      throw new OffhookError('signaling', 'bad-uri', `"${options.aor}" is no SIP address`, {
        remedy: 'write it like sip:alice@example.com',
      });
    }
    this.aor = options.aor;
    this.#uri = uri;
    this.#context = context;
    this.#options = options;
    this.#events = new Emitter((error) =>
      core.logger.error({ error }, 'a listener of an account failed'),
    );
    this.#identity = accountIdentity(context.phone, options.aor);
    const digest = new DigestClient(options.credentials ?? [], (count) => core.random.bytes(count));
    const proxy = options.outboundProxy ?? context.outboundProxy;
    this.#profile = {
      core,
      logger: core.logger,
      aor: options.aor,
      digest,
      rel100: options.rel100 ?? 'supported',
      sessionTimer: options.sessionTimer ?? DEFAULT_SESSION_TIMER,
      redirects: options.redirects ?? 'refuse',
      sessions: new Set(options.sessions?.map((type) => type.toLowerCase())),
      isRegistrar: (flow: Flow | undefined) => {
        const known = this.#registrar.flow;
        return known === undefined || flow?.remote.address === known.remote.address;
      },
      contactOn: (flow: Flow) => this.#registrar.contactOn(flow),
    };
    this.#table = new MethodTable(core.logger);
    this.#registrar = new RegistrarClient({
      core,
      aor: options.aor,
      uri,
      identity: this.#identity,
      config: {
        registrars: options.registrars ?? [domainOf(uri)],
        expires: options.expires ?? DEFAULT_EXPIRES,
      },
      routes: proxy === undefined ? [] : [routeTo(proxy)],
      proxy,
      digest,
      supported: 'path',
      report: (state) => this.#report(state),
    });
  }

  get registration(): RegistrationState {
    return this.#registration;
  }

  get profile(): CallProfile {
    return this.#profile;
  }

  on<K extends keyof AccountEvents>(
    name: K,
    listener: (event: AccountEvents[K]) => void,
  ): ReturnType<EventSource<AccountEvents>['on']> {
    return this.#events.on(name, listener);
  }

  /** Resolves when registered; rejects with what the account's registration failed of. */
  register(): Promise<void> {
    this.#needOpen();
    return this.#until(
      (state) => state.state === 'registered' || state.state === 'failed',
      () => this.#registrar.dispatch({ type: 'start' }),
    );
  }

  unregister(): Promise<void> {
    return this.#until(
      (state) => state.state === 'unregistered',
      () => this.#registrar.dispatch({ type: 'stop' }),
    );
  }

  isOwnBinding(contact: string): boolean {
    return this.#registrar.owns(contact);
  }

  bindingRemoved({ reason, retryAfter }: Parameters<Account['bindingRemoved']>[0]): void {
    this.#registrar.dispatch({ type: 'removed', reason, retryAfter });
  }

  invite(target: string, agent: SdpAgent, options: InviteOptions = {}): SipCall {
    this.#needOpen();
    const service = isServiceUrn(target);
    if (!service && parseUri(target) === undefined) {
      throw new OffhookError('signaling', 'bad-uri', `"${target}" is no SIP address`, {
        remedy: 'dial like sip:bob@example.com',
      });
    }
    const routes = this.#routes();
    const displayName = options.displayName ?? this.#options.displayName;
    const call = new OutgoingCall({
      ...options,
      ...(displayName !== undefined && { displayName }),
      profile: this.#profile,
      target,
      agent,
      // A service has no address: our own domain knows where it is (RFC 6881 §9.2).
      routes: service && routes.length === 0 ? [routeTo(domainOf(this.#uri))] : routes,
      onMessage: (request) => this.message(request),
    });
    this.#context.track(call);
    return call.start();
  }

  restore(snapshot: CallSnapshot, agent: SdpAgent): SipCall {
    this.#needOpen();
    const call = restoreCall({
      profile: this.#profile,
      snapshot,
      agent,
      onMessage: (request) => this.message(request),
      routes: () => this.#routes(),
    });
    this.#context.core.keeper.knows(call);
    this.#context.track(call);
    return call;
  }

  options(target?: string): Promise<PingAnswer> {
    this.#needOpen();
    const to = target ?? this.#options.registrars?.[0] ?? domainOf(this.#uri);
    return optionsPing(this.#profile, to, this.#routes());
  }

  request(method: string, target: string, options: RequestOptions = {}): Promise<SipAnswer> {
    this.#needOpen();
    const keeper = { dialog: openingState(this.#opening(target)) };
    const { headers = [], body, signal } = options;
    const request = { method: foreignMethod(method), headers: headers.map(headerPair), body };
    return answered((handlers) => sendInDialog(this.#profile, keeper, request, handlers), signal);
  }

  onRequest(method: string, handler: RequestHandler): () => void {
    return this.#table.on(method, handler);
  }

  refer(target: string, to: string, options: ReferOptions = {}): Referral {
    this.#needOpen();
    const headers = referHeaders(this.#profile, to, options);
    const dialog = PlainDialog.opening(this.#opening(target), (inbound) => {
      if (inbound.message.method !== 'NOTIFY' || !reports.notify(inbound)) inbound.reply(489);
    });
    const reports = new Reports();
    const referral = new ReferralImpl(this.#profile, dialog);
    reports.add(referral);
    referral.start(headers);
    return referral;
  }

  subscribe(target: string, options: SubscribeOptions): Subscription {
    this.#needOpen();
    this.#opening(target);
    return this.#states.subscribe(() => this.#opening(target), options);
  }

  publish(event: string, body: Body, options: { expires?: number } = {}): Publication {
    this.#needOpen();
    const { expires = DEFAULT_STATE_EXPIRES } = options;
    return this.#states.publish(() => this.#opening(this.aor), { event, expires }, body);
  }

  /** A request outside of dialogs that the application may serve; `otherwise` answers it if not. */
  serve(inbound: InboundRequest, otherwise: () => void): void {
    this.#table.serve(inbound, () => {
      if (inbound.message.method !== 'REFER') {
        otherwise();
        return;
      }
      const port = (): PlainDialog =>
        PlainDialog.accepting(this.#profile, inbound, (request) => request.reply(489));
      const referral = referralOf(inbound, this.#profile, port);
      if (referral === undefined) return;
      this.#events.emit('refer', referral);
      referral.settle();
    });
  }

  /** Throws an OffhookError `bad-uri`. */
  #opening(target: string): OpeningOptions {
    if (parseUri(target) === undefined) {
      throw new OffhookError('signaling', 'bad-uri', `"${target}" is no SIP address`);
    }
    const { displayName } = this.#options;
    return { profile: this.#profile, target, displayName, routes: this.#routes() };
  }

  /** RFC 3608 and RFC 3261 §8.1.1.1: what is put in front of our requests. */
  #routes(): readonly string[] {
    const { serviceRoute } = this.#registrar;
    if (serviceRoute.length > 0) return serviceRoute;
    const proxy = this.#options.outboundProxy ?? this.#context.outboundProxy;
    return proxy === undefined ? [] : [routeTo(proxy)];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#states.close(), this.unregister()]);
    this.#registrar.dispose();
    this.#events.clear();
  }

  /** Stops without unregistering. */
  abandon(): void {
    this.#closed = true;
    this.#states.abandon();
    this.#registrar.dispose();
    this.#events.clear();
  }

  /** The network has changed: what is registered may lead nowhere. */
  refresh(): void {
    this.#registrar.dispatch({ type: 'flow-lost' });
    this.#states.refresh();
  }

  flowLost(flow: Flow): void {
    this.#registrar.flowLost(flow);
  }

  /** How well a request fits: 3 our Contact, 2 our address of record, 1 our user, 0 not ours. */
  matches(request: SipRequest): number {
    const uri = parseUri(request.uri);
    if (uri === undefined) return 0;
    if (uriParam(uri, ACCOUNT_PARAM) === this.#identity.mark) return 3;
    const to = parseUri(request.to.uri);
    if ([uri, to].some((one) => one?.user === this.#uri.user && one?.host === this.#uri.host)) {
      return 2;
    }
    return uri.user === this.#uri.user ? 1 : 0;
  }

  /** A call for this account, already checked. */
  deliver(inbound: InboundRequest, replaces?: SipCall): void {
    const call = new IncomingCallImpl({
      profile: this.#profile,
      inbound,
      onMessage: (request) => this.message(request),
      replaces,
    });
    this.#context.track(call);
    this.#events.emit('incoming', call);
    call.ring();
  }

  /** A MESSAGE that has been answered. */
  message(request: SipRequest): void {
    const body = bodyOf(request);
    if (body === undefined) return;
    const { uri, displayName } = request.from;
    this.#events.emit('message', {
      from: uri,
      ...(displayName !== undefined && { displayName }),
      body,
    });
  }

  #report(state: RegistrationState): void {
    this.#registration = state;
    const { aor } = this;
    if (state.state === 'failed') {
      this.#context.core.logger.warn(
        { aor, status: state.status },
        `not registered: ${state.reason}`,
      );
    } else this.#context.core.logger.info({ aor }, state.state);
    this.#events.emit('registration', state);
  }

  #until(done: (state: RegistrationState) => boolean, start: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const off = this.#events.on('registration', (state) => {
      if (!done(state)) return;
      off();
      if (state.state !== 'failed') resolve();
      else {
        reject(
          new OffhookError('signaling', 'registration-failed', state.reason, {
            details: { status: state.status },
          }),
        );
      }
    });
    start();
    if (this.#registration.state === 'registered' && done(this.#registration)) {
      off();
      resolve();
    }
    return promise;
  }

  #needOpen(): void {
    if (this.#closed) throw new OffhookError('signaling', 'closed', 'the account is closed');
  }
}

function domainOf(uri: SipUri): string {
  const port = uri.port === undefined ? '' : `:${uri.port}`;
  return `${uri.scheme}:${uri.host}${port}`;
}

/** A loose route to a proxy. */
function routeTo(proxy: string): string {
  return /;lr\b/i.test(proxy) ? `<${proxy}>` : `<${proxy};lr>`;
}
