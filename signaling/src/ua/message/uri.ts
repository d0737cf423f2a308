import { Core } from 'sip.js';
import { formatParams, param, parseParams, type Params } from './lexer.ts';

/**
 * A SIP or SIPS URI as plain data (RFC 3261 §19.1). The parts keep the spelling of the wire, because
 * a remote target must go back to its owner byte for byte: sip.js's own URI class decodes and
 * re-encodes the user part, drops a password, and throws on a lone `%`.
 */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Escaped, with a password if there was one. */
  readonly user?: string;
  /** A name, an IPv4 address, or an IPv6 address in brackets. */
  readonly host: string;
  readonly port?: number;
  readonly params: Params;
  /** What follows `?`, unparsed. */
  readonly headers?: string;
}

const PLAIN =
  /^(sips?):(?:([^@\s<>"[\]]+)@)?(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*))(?::(\d{1,5}))?((?:;[^;?\s<>"]+)*)(?:\?([^\s<>"]+))?$/i;
const USER = /^(?:[\w\-.!~*'()&=+$,;?/:#[\]]|%[0-9a-f]{2})+$/i;

/** Undefined when the text is no SIP or SIPS URI. */
export function parseUri(text: string): SipUri | undefined {
  const match = PLAIN.exec(text);
  if (match === null) return undefined;
  const [, scheme = 'sip', user, host = '', port, params = '', headers] = match;
  if (user !== undefined && !USER.test(user)) return undefined;
  if (port !== undefined && Number(port) > 65_535) return undefined;
  return {
    scheme: scheme.toLowerCase() === 'sips' ? 'sips' : 'sip',
    ...(user !== undefined && { user }),
    host: host.toLowerCase(),
    ...(port !== undefined && { port: Number(port) }),
    params: parseParams(params),
    ...(headers !== undefined && { headers }),
  };
}

/** A service that is asked for by what it is (RFC 5031); it has no address of its own. */
export function isServiceUrn(text: string): boolean {
  return /^urn:service:[a-z0-9](?:[a-z0-9.-]{0,60}[a-z0-9])?$/i.test(text);
}

export function formatUri(uri: SipUri): string {
  const user = uri.user === undefined ? '' : `${uri.user}@`;
  const port = uri.port === undefined ? '' : `:${uri.port}`;
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`;
  return `${uri.scheme}:${user}${uri.host}${port}${formatParams(uri.params)}${headers}`;
}

export function uriParam(uri: SipUri, name: string): string | undefined {
  return param(uri.params, name);
}

/** The URI without port, parameters and headers: what identifies a person (an address of record). */
export function addressOfRecord(uri: SipUri): string {
  return formatUri({
    scheme: uri.scheme,
    ...(uri.user !== undefined && { user: uri.user }),
    host: uri.host,
    params: [],
  });
}

/** Whether the grammar of RFC 3261 §25 accepts an absolute URI of any scheme. */
export function isAbsoluteUri(text: string): boolean {
  return /^[a-z][a-z0-9+\-.]*:\S+$/i.test(text) && Core.Grammar.parse(text, 'absoluteURI') !== -1;
}
