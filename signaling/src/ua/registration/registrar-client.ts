import type { Timer } from '@offhook/common';
import type { RegistrationState } from '../../api.ts';
import type { DigestClient } from '../../auth/digest-client.ts';
import type { Endpoint, Flow } from '../../transport/layer.ts';
import { ClientRequest, type LoginRefusal } from '../core/client-request.ts';
import type { SipCore } from '../core/sip-core.ts';
import type { RequestDraft } from '../dialog/dialog-state.ts';
import { Headers, type HeaderPair } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import { formatUri, parseUri, type SipUri } from '../message/uri.ts';
import { loginInWords, reasonInWords } from '../words.ts';
import {
  contactUriOn,
  grantedSeconds,
  listsCurrent,
  sameUri,
  type CurrentBinding,
  seenBehindNat,
  staleBindings,
  type AccountIdentity,
} from './bindings.ts';
import {
  initialRegistration,
  registrationStep,
  type Registration,
  type RegistrationConfig,
  type RegistrationEffect,
  type RegistrationInput,
} from './registration.ts';

export interface RegistrarClientOptions {
  readonly core: SipCore;
  readonly aor: string;
  /** Its parts, for the Contact. */
  readonly uri: SipUri;
  readonly identity: AccountIdentity;
  readonly config: RegistrationConfig;
  /** Route values in front of every REGISTER (outbound proxy). */
  readonly routes: readonly string[];
  /** The URI to resolve instead of the registrar's. */
  readonly proxy: string | undefined;
  readonly digest: DigestClient;
  readonly supported: string;
  readonly report: (state: RegistrationState) => void;
}

type Purpose =
  | { readonly kind: 'register'; readonly seconds: number }
  | { readonly kind: 'query' }
  /** expires=0 for these, and nothing else. */
  | { readonly kind: 'remove'; readonly uris: readonly string[] };

/** Never rewrite the Contact for ever when a NAT shows a new port each time. */
const MAX_REWRITES = 3;

/** Runs the registration machine of one account against real registrars (RFC 3261 §10). */
export class RegistrarClient {
  readonly #options: RegistrarClientOptions;
  readonly #callId: string;
  readonly #fromTag: string;
  readonly #seen = new Map<string, Endpoint>();
  #cseq = 0;
  #state: Registration = initialRegistration;
  #timer: Timer | undefined;
  #request: ClientRequest | undefined;
  #flow: Flow | undefined;
  #stopKeepAlive: (() => void) | undefined;
  #contact = '';
  #retired: string | undefined;
  #rewrites = 0;
  /** Stale bindings are looked for once in a life, when the registrar says it has too many. */
  #cleaned = false;
  #serviceRoute: readonly string[] = [];

  constructor(options: RegistrarClientOptions) {
    this.#options = options;
    this.#callId = options.core.token(16);
    this.#fromTag = options.core.token(8);
  }

  /** RFC 3608: routes that the registrar wants in front of our requests. */
  get serviceRoute(): readonly string[] {
    return this.#serviceRoute;
  }

  /** The flow of the registration in force. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  /** Whether that is the Contact of the registration in force. */
  owns(contact: string): boolean {
    return this.#state.phase.name === 'registered' && sameUri(contact, this.#contact);
  }

  /** Our Contact on a flow, under the address by which the outside knows us. */
  contactOn(flow: Flow): string {
    const { uri, identity } = this.#options;
    return contactUriOn(uri, flow, identity.mark, this.#seen.get(flowKind(flow)));
  }

  dispatch(input: RegistrationInput): void {
    const { core, config } = this.#options;
    const { next, effects } = registrationStep(config, this.#state, input, {
      wall: core.clock.wall(),
      random: core.random.fraction(),
    });
    this.#state = next;
    for (const effect of effects) this.#perform(effect);
  }

  flowLost(flow: Flow): void {
    if (flow.id === this.#flow?.id) this.dispatch({ type: 'flow-lost' });
  }

  dispose(): void {
    this.#timer?.cancel();
    this.#request?.dispose();
    this.#stopKeepAlive?.();
  }

  #perform(effect: RegistrationEffect): void {
    switch (effect.type) {
      case 'register':
        this.#send(effect.registrar, { kind: 'register', seconds: effect.seconds });
        break;
      case 'unregister':
        this.#stopKeepAlive?.();
        this.#send(effect.registrar, { kind: 'remove', uris: [this.#contact] });
        break;
      case 'arm':
        this.#timer?.cancel();
        this.#timer = this.#options.core.clock.after(effect.ms, () =>
          this.dispatch({ type: 'timer' }),
        );
        break;
      case 'disarm':
        this.#timer?.cancel();
        break;
      case 'report':
        this.#options.report(effect.state);
        break;
    }
  }

  #send(registrar: string, purpose: Purpose): void {
    const { core, proxy, digest } = this.#options;
    const uri = registrarUri(registrar);
    this.#request?.dispose();
    let used: Flow | undefined;
    this.#request = new ClientRequest(
      core,
      {
        method: 'REGISTER',
        uri,
        hop: { uri: proxy ?? registrar },
        digest,
        unasked: true,
        draft: ({ flow, extra }) => {
          used = flow;
          return this.#draft(uri, purpose, flow, extra);
        },
      },
      {
        final: (response, _draft, login) => this.#final(registrar, purpose, response, used, login),
        failed: (failure) => this.#failed(failure.reason),
      },
    ).start();
  }

  #draft(uri: string, purpose: Purpose, flow: Flow, extra: readonly HeaderPair[]): RequestDraft {
    const { aor, identity, routes, supported } = this.#options;
    this.#cseq += 1;
    const contacts: HeaderPair[] = [];
    if (purpose.kind === 'register') {
      this.#contact = this.contactOn(flow);
      const params = `;+sip.instance="<${identity.instance}>";expires=${purpose.seconds}`;
      contacts.push(['contact', `<${this.#contact}>${params}`]);
      if (this.#retired !== undefined && this.#retired !== this.#contact) {
        contacts.push(['contact', `<${this.#retired}>;expires=0`]);
      }
      contacts.push(['expires', String(purpose.seconds)]);
    } else if (purpose.kind === 'remove') {
      for (const stale of purpose.uris) contacts.push(['contact', `<${stale}>;expires=0`]);
    }
    const headers = Headers.of([
      ...routes.map((value) => ['route', value] as const),
      ['max-forwards', '70'],
      ['from', `<${aor}>;tag=${this.#fromTag}`],
      ['to', `<${aor}>`],
      ['call-id', this.#callId],
      ['cseq', `${this.#cseq} REGISTER`],
      ...contacts,
      ['supported', supported],
      ...extra,
    ]);
    return { method: 'REGISTER', uri, headers, nextHop: uri };
  }

  #final(
    registrar: string,
    purpose: Purpose,
    response: SipResponse,
    flow: Flow | undefined,
    login: LoginRefusal | undefined,
  ): void {
    const ok = response.status < 300;
    if (purpose.kind === 'register') {
      if (ok) this.#registered(registrar, purpose.seconds, response, flow);
      else this.#refused(registrar, response, login);
      return;
    }
    if (this.#state.phase.name === 'leaving') {
      this.dispatch({ type: 'left' });
      return;
    }
    if (this.#state.phase.name !== 'sending') return;
    const seconds = this.#state.phase.expires;
    const stale =
      purpose.kind === 'query' && ok
        ? staleBindings(response.headers, this.#options.identity, this.#current(response))
        : [];
    if (stale.length > 0) this.#send(registrar, { kind: 'remove', uris: stale });
    else this.#send(registrar, { kind: 'register', seconds });
  }

  #registered(
    registrar: string,
    asked: number,
    response: SipResponse,
    flow: Flow | undefined,
  ): void {
    if (flow !== undefined) this.#follow(flow);
    const seen = flow && seenBehindNat(flow, response.seenAs);
    if (flow !== undefined && seen !== undefined && this.#rewrites < MAX_REWRITES) {
      const before = this.#contact;
      this.#seen.set(flowKind(flow), seen);
      if (this.contactOn(flow) !== before) {
        this.#rewrites += 1;
        this.#retired = before;
        this.#send(registrar, { kind: 'register', seconds: asked });
        return;
      }
    }
    this.#rewrites = 0;
    this.#retired = undefined;
    this.#serviceRoute = response.headers.list('service-route');
    const current = this.#current(response);
    const { headers } = response;
    const stale = listsCurrent(headers, current)
      ? staleBindings(headers, this.#options.identity, current)
      : [];
    this.dispatch({
      type: 'accepted',
      seconds: grantedSeconds(headers, current, asked),
    });
    if (stale.length > 0) this.#send(registrar, { kind: 'remove', uris: stale });
  }

  #current(response: SipResponse): CurrentBinding {
    return { uri: this.#contact, seenAs: response.seenAs };
  }

  #refused(registrar: string, response: SipResponse, login: LoginRefusal | undefined): void {
    // One contact a user, and an earlier life of ours has it: 403 in most registrars.
    if (!this.#cleaned && [403, 480, 503].includes(response.status)) {
      this.#cleaned = true;
      this.#send(registrar, { kind: 'query' });
      return;
    }
    const { headers, status } = response;
    this.dispatch({
      type: 'refused',
      status,
      reason: loginInWords(login) ?? reasonInWords(status, headers, response.reason),
      minExpires: seconds(headers.get('min-expires')),
      retryAfter: seconds(headers.get('retry-after')),
    });
  }

  /** Once we are registered it was but old bindings that could not be removed: the machine ignores it. */
  #failed(reason: string): void {
    if (this.#state.phase.name === 'leaving') this.dispatch({ type: 'left' });
    else this.dispatch({ type: 'unreachable', reason });
  }

  /** Keeps the flow of the registration up; a NAT forgets a silent UDP mapping too. */
  #follow(flow: Flow): void {
    if (this.#flow?.id === flow.id && this.#stopKeepAlive !== undefined) return;
    this.#stopKeepAlive?.();
    this.#flow = flow;
    const natted = this.#seen.has(flowKind(flow));
    this.#stopKeepAlive =
      flow.transport === 'udp' && !natted ? undefined : this.#options.core.layer.keepAlive(flow);
  }
}

/** Flows that share a mapping in a NAT: same transport and local socket. */
function flowKind(flow: Flow): string {
  return `${flow.transport} ${flow.contact.address} ${flow.contact.port}`;
}

function seconds(value: string | undefined): number | undefined {
  const match = /^\d{1,9}/.exec(value ?? '');
  return match === null ? undefined : Number(match[0]);
}

/** RFC 3261 §10.2: the Request-URI names the domain, without user and parameters. */
function registrarUri(registrar: string): string {
  const uri = parseUri(registrar);
  if (uri === undefined) return registrar;
  const { scheme, host, port } = uri;
  return formatUri({ scheme, host, ...(port !== undefined && { port }), params: [] });
}
