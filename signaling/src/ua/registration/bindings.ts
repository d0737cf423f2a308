import { createHash } from 'node:crypto';
import type { Endpoint, Flow } from '../../transport/layer.ts';
import type { Headers } from '../message/headers.ts';
import { param, unquote } from '../message/lexer.ts';
import { parseNameAddr, type NameAddr } from '../message/name-addr.ts';
import { parseUri, uriParam, type SipUri } from '../message/uri.ts';

/**
 * Contact URI parameter by which an account knows its own bindings and requests again, also through
 * registrars that drop `+sip.instance`.
 */
export const ACCOUNT_PARAM = 'oh';

/** What identifies an account of this phone over restarts. */
export interface AccountIdentity {
  /** `urn:uuid:…` (RFC 5626 §4.1). */
  readonly instance: string;
  /** Value of the `oh` parameter. */
  readonly mark: string;
}

/** The same phone and address of record always give the same identity. */
export function accountIdentity(phone: string, aor: string): AccountIdentity {
  const hash = createHash('sha256').update(`offhook\n${phone}\n${aor}`).digest('hex');
  const version = `5${hash.slice(13, 16)}`;
  const variant = `${'89ab'[Number.parseInt(hash.slice(16, 17), 16) % 4]}${hash.slice(17, 20)}`;
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-${version}-${variant}-${hash.slice(20, 32)}`;
  return { instance: `urn:uuid:${uuid}`, mark: hash.slice(32, 44) };
}

/**
 * The Contact URI of an account on a flow; `seen` is our address as the peer sees it. A SIPS address
 * of record has a SIPS Contact (RFC 3261 §8.1.1.8), which says TLS by itself.
 */
export function contactUriOn(
  aor: Pick<SipUri, 'scheme' | 'user'>,
  flow: Flow,
  mark: string,
  seen: Endpoint | undefined,
): string {
  const { address, port } = seen ?? flow.contact;
  const host = address.includes(':') ? `[${address}]` : address;
  const at = aor.user === undefined ? '' : `${aor.user}@`;
  const said = flow.transport === 'udp' || (aor.scheme === 'sips' && flow.transport === 'tls');
  const transport = said ? '' : `;transport=${flow.transport}`;
  return `${aor.scheme}:${at}${host}:${port}${transport};${ACCOUNT_PARAM}=${mark}`;
}

/**
 * RFC 3581: whether the registrar sees us under another address than our Contact says. A connection
 * shows an ephemeral port, which alone means nothing.
 */
export function seenBehindNat(flow: Flow, seen: Endpoint | undefined): Endpoint | undefined {
  if (seen === undefined) return undefined;
  if (seen.address !== flow.contact.address) return seen;
  return flow.transport === 'udp' && seen.port !== flow.contact.port ? seen : undefined;
}

/** The binding in force: what we asked for, and from where the registrar saw us ask. */
export interface CurrentBinding {
  readonly uri: string;
  readonly seenAs: Endpoint | undefined;
}

/**
 * Bindings of an earlier life of this account in a registrar's answer: ours by instance or by mark,
 * but not the one that is in force now.
 */
export function staleBindings(
  headers: Headers,
  identity: AccountIdentity,
  current: CurrentBinding,
): readonly string[] {
  return contacts(headers)
    .filter((contact) => isOurs(contact, identity) && !isCurrent(contact.uri, current))
    .map((contact) => contact.uri);
}

/**
 * Whether the answer names the binding in force, as it must (RFC 3261 §10.3). A registrar that sees
 * through a NAT by itself may go on listing the Contact that we said before (Asterisk's
 * `rewrite_contact`): then that *is* the binding in force, and to remove it would be to unregister.
 */
export function listsCurrent(headers: Headers, current: CurrentBinding): boolean {
  return contacts(headers).some((contact) => isCurrent(contact.uri, current));
}

/** Registrars that help phones behind a NAT put the source of the request into the Contact. */
function isCurrent(uri: string, { uri: current, seenAs }: CurrentBinding): boolean {
  if (sameUri(uri, current)) return true;
  const parsed = seenAs === undefined ? undefined : parseUri(uri);
  if (seenAs === undefined || parsed === undefined) return false;
  const host = parsed.host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return host === seenAs.address.toLowerCase() && (parsed.port ?? 5060) === seenAs.port;
}

function contacts(headers: Headers): NameAddr[] {
  return headers
    .list('contact')
    .map(parseNameAddr)
    .filter((contact) => contact !== undefined);
}

function isOurs(contact: NameAddr, identity: AccountIdentity): boolean {
  const instance = unquote(param(contact.params, '+sip.instance') ?? '').replaceAll(/[<>]/g, '');
  if (instance !== '') return instance.toLowerCase() === identity.instance;
  const uri = parseUri(contact.uri);
  return uri !== undefined && uriParam(uri, ACCOUNT_PARAM) === identity.mark;
}

/** Seconds that the registrar granted to our binding (RFC 3261 §10.2.4). */
export function grantedSeconds(headers: Headers, current: CurrentBinding, asked: number): number {
  const ours = contacts(headers).find((contact) => isCurrent(contact.uri, current));
  for (const value of [ours && param(ours.params, 'expires'), headers.get('expires')]) {
    if (value !== undefined && /^\d{1,9}$/.test(value)) return Number(value);
  }
  return asked;
}

/** Same user, host, port and transport: registrars reorder and drop the other parameters. */
export function sameUri(one: string, other: string): boolean {
  const a = parseUri(one);
  const b = parseUri(other);
  if (a === undefined || b === undefined) return one === other;
  const transport = (uri: typeof a): string => (uriParam(uri, 'transport') ?? 'udp').toLowerCase();
  return (
    a.user === b.user &&
    a.host === b.host &&
    (a.port ?? 5060) === (b.port ?? 5060) &&
    transport(a) === transport(b)
  );
}
