import { isIP } from 'node:net';
import type { Body } from '../../api.ts';
import type { Endpoint } from '../../transport/layer.ts';
import { Headers, type HeaderPair } from '../message/headers.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { formatNameAddr, parseNameAddr, withTag, type NameAddr } from '../message/name-addr.ts';
import { parseUri, uriParam } from '../message/uri.ts';

/**
 * A dialog (RFC 3261 §12) as plain data: it can be written to a journal as it stands, and a process
 * that reads it back goes on where the last one stopped. Every function here returns a new state.
 */
export interface DialogState {
  readonly callId: string;
  readonly localTag: string;
  /** Empty when the peer gave none (RFC 2543). */
  readonly remoteTag: string;
  /** From/To values without their tags. */
  readonly localParty: string;
  readonly remoteParty: string;
  /** Where requests go: the peer's Contact. */
  readonly remoteTarget: string;
  /** Route values in the order in which requests carry them. */
  readonly routeSet: readonly string[];
  readonly localCSeq: number;
  /** The CSeq number of a request that lies ready elsewhere: no other request may have it. */
  readonly reservedCSeq?: number;
  /** Absent until the peer has sent a request in the dialog. */
  readonly remoteCSeq?: number | undefined;
  readonly role: 'uac' | 'uas';
  readonly early: boolean;
  /** Opened by a request to a SIPS URI over TLS (§12.1.1). */
  readonly secure: boolean;
  /** Our Contact as the peer knows it. */
  readonly localContact?: string | undefined;
}

/** A request on its way out: everything but the Via, which the transport decides. */
export interface RequestDraft {
  readonly method: string;
  /** Request-URI. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body?: Body | undefined;
  /** The URI whose resolution gives the next hop (RFC 3261 §8.1.2): first route or request URI. */
  readonly nextHop: string;
}

export interface DialogId {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

export function dialogKey(id: DialogId): string {
  return `${id.callId}\n${id.localTag}\n${id.remoteTag}`;
}

function withoutTag(value: NameAddr): string {
  return formatNameAddr({ ...value, params: value.params.filter(([name]) => name !== 'tag') });
}

/** The URI of the first Contact, if there is a usable one. */
function contactUri(headers: Headers): string | undefined {
  const first = headers.list('contact')[0];
  const uri = first === undefined ? undefined : parseNameAddr(first)?.uri;
  return uri !== undefined && parseUri(uri) !== undefined ? uri : undefined;
}

/** §12.1.2: the dialog that a response to our request opens. */
export function dialogFromResponse(
  request: { readonly headers: Headers; readonly uri: string; readonly cseq: number },
  response: SipResponse,
): DialogState {
  return {
    callId: response.callId,
    localTag: response.fromTag ?? '',
    remoteTag: response.toTag ?? '',
    localParty: withoutTag(response.from),
    remoteParty: withoutTag(response.to),
    remoteTarget: contactUri(response.headers) ?? request.uri,
    routeSet: response.headers.list('record-route').toReversed(),
    localCSeq: request.cseq,
    role: 'uac',
    early: response.status < 200,
    secure: /^sips:/i.test(request.uri) && response.flow?.transport === 'tls',
    localContact: contactUri(request.headers),
  };
}

/** §12.1.1: the dialog that our response to a request opens. */
export function dialogFromRequest(request: SipRequest, localTag: string): DialogState {
  return {
    callId: request.callId,
    localTag,
    remoteTag: request.fromTag ?? '',
    localParty: withoutTag(request.to),
    remoteParty: withoutTag(request.from),
    remoteTarget: contactUri(request.headers) ?? request.from.uri,
    routeSet: request.headers.list('record-route'),
    localCSeq: 0,
    remoteCSeq: request.cseq.number,
    role: 'uas',
    early: true,
    secure: /^sips:/i.test(request.uri) && request.flow.transport === 'tls',
  };
}

/**
 * What a 2xx changes in the dialog that a provisional response opened (§13.2.2.4): it is confirmed,
 * and its route set and remote target are computed anew.
 */
export function confirmDialog(state: DialogState, response: SipResponse): DialogState {
  const routes = response.headers.list('record-route');
  return {
    ...state,
    early: false,
    remoteTarget: contactUri(response.headers) ?? state.remoteTarget,
    // RFC 2543 peers send Record-Route only in the 2xx, others in each; none means unchanged.
    routeSet: routes.length > 0 ? routes.toReversed() : state.routeSet,
  };
}

/** Our Contact as it goes out in a target refresh, or in the answer to one. */
export function showContact(state: DialogState, contact: string): DialogState {
  return state.localContact === contact ? state : { ...state, localContact: contact };
}

/** §12.2: a target refresh request or its 2xx moved the peer. */
export function refreshTarget(state: DialogState, headers: Headers): DialogState {
  const target = contactUri(headers);
  return target === undefined || target === state.remoteTarget
    ? state
    : { ...state, remoteTarget: target };
}

/** §12.2.2: undefined when the request is older than what was seen (500). */
export function acceptRequest(state: DialogState, cseq: number): DialogState | undefined {
  if (state.remoteCSeq !== undefined && cseq <= state.remoteCSeq) return undefined;
  return { ...state, remoteCSeq: cseq };
}

/** §12.2.1.1: the next request, with the CSeq that it uses up. */
export function nextRequest(
  state: DialogState,
  method: string,
  extra: { readonly headers?: Iterable<HeaderPair>; readonly body?: Body } = {},
): { readonly state: DialogState; readonly draft: RequestDraft } {
  const number = state.localCSeq + 1;
  const draft = draftRequest(state, method, number, extra);
  return { state: { ...state, localCSeq: number }, draft };
}

/**
 * A request that somebody else may send in our place: its number counts as used up. As long as we
 * have sent nothing since the last reservation, that one is used again.
 */
export function reserveRequest(
  state: DialogState,
  method: string,
  headers: Iterable<HeaderPair>,
): { readonly state: DialogState; readonly draft: RequestDraft } {
  const { localCSeq, reservedCSeq } = state;
  const number = reservedCSeq === localCSeq ? localCSeq : localCSeq + 1;
  const draft = draftRequest(state, method, number, { headers });
  if (number === localCSeq) return { state, draft };
  return { state: { ...state, localCSeq: number, reservedCSeq: number }, draft };
}

/** A request in the dialog with a given CSeq number (ACK and CANCEL reuse the INVITE's). */
export function draftRequest(
  state: DialogState,
  method: string,
  number: number,
  extra: { readonly headers?: Iterable<HeaderPair>; readonly body?: Body } = {},
): RequestDraft {
  const { uri, routes } = route(state.remoteTarget, state.routeSet);
  const local = parseNameAddr(state.localParty);
  const remote = parseNameAddr(state.remoteParty);
  const tagged = (party: NameAddr | undefined, text: string, tag: string): string =>
    party === undefined || tag === '' ? text : formatNameAddr(withTag(party, tag));
  const headers = Headers.of([
    ...routes.map((value) => ['route', value] as const),
    ['max-forwards', '70'],
    ['from', tagged(local, state.localParty, state.localTag)],
    ['to', tagged(remote, state.remoteParty, state.remoteTag)],
    ['call-id', state.callId],
    ['cseq', `${number} ${method}`],
    ...(extra.headers ?? []),
  ]);
  return { method, uri, headers, body: extra.body, nextHop: nextHop(uri, state.routeSet) };
}

/**
 * Request-URI and Route values for a target and a route set (§12.2.1.1): a first route without `lr`
 * is a strict router, which wants itself in the request URI and the target at the end.
 */
export function route(
  target: string,
  routeSet: readonly string[],
): { readonly uri: string; readonly routes: readonly string[] } {
  const [first, ...others] = routeSet;
  if (first === undefined) return { uri: target, routes: [] };
  const uri = parseNameAddr(first)?.uri ?? first;
  const parsed = parseUri(uri);
  if (parsed === undefined || uriParam(parsed, 'lr') !== undefined) {
    return { uri: target, routes: routeSet };
  }
  return { uri, routes: [...others, `<${target}>`] };
}

function nextHop(requestUri: string, routeSet: readonly string[]): string {
  const [first] = routeSet;
  return first === undefined ? requestUri : (parseNameAddr(first)?.uri ?? requestUri);
}

/**
 * Whether requests of the dialog go to that endpoint, as far as can be said without asking DNS: a next
 * hop by name may be anywhere.
 */
export function mayLeadTo(state: DialogState, { address, port }: Endpoint): boolean {
  const { uri } = route(state.remoteTarget, state.routeSet);
  const hop = parseUri(nextHop(uri, state.routeSet));
  const host = hop?.host.replace(/^\[|\]$/g, '') ?? '';
  if (hop === undefined || isIP(host) === 0) return true;
  const usual = hop.scheme === 'sips' || uriParam(hop, 'transport') === 'tls' ? 5061 : 5060;
  return host === address && (hop.port ?? usual) === port;
}

/** The number in the CSeq of a request that we made. */
export function cseqOf(headers: Headers): number {
  return Number((headers.get('cseq') ?? '0').split(' ', 1)[0]);
}
