import { isIPv6 } from 'node:net';
import type { TransportName } from '../api.ts';
import type { Endpoint } from './layer.ts';
import { splitOutsideQuotes } from './parse.ts';

/** One Via value (RFC 3261 §20.42), with its parameters in the order in which they stood. */
export interface Via {
  /** Upper case: `UDP`. */
  readonly transport: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: readonly ViaParam[];
}

interface ViaParam {
  /** Lower case. */
  readonly name: string;
  readonly value: string | undefined;
}

export const MAGIC_COOKIE = 'z9hG4bK';

const SENT_PROTOCOL =
  /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9\-.!%*_+`'~]+)\s+(\[[0-9A-Fa-f:.]+\]|[^\s:;,[\]]+)\s*(?::\s*([0-9]{1,5}))?\s*(;.*)?$/i;

/** Reads one Via value; undefined if it is not one. */
export function parseVia(value: string): Via | undefined {
  const match = SENT_PROTOCOL.exec(value.trim());
  if (match === null) return undefined;
  const [, transport = '', host = '', port, rest = ''] = match;
  const params: ViaParam[] = [];
  const parts = rest === '' ? [] : splitOutsideQuotes(rest.slice(1), ';');
  if (parts === undefined) return undefined;
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name === '') return undefined;
    params.push({ name, value: equals < 0 ? undefined : part.slice(equals + 1).trim() });
  }
  const number = port === undefined ? undefined : Number(port);
  if (number !== undefined && (number === 0 || number > 65_535)) return undefined;
  return { transport: transport.toUpperCase(), host: unbracket(host), port: number, params };
}

/** The values of all Via fields, one each; undefined if one of them is malformed. */
export function splitVias(values: readonly string[]): string[] | undefined {
  const vias: string[] = [];
  for (const value of values) {
    const parts = splitOutsideQuotes(value, ',');
    if (parts === undefined || parts.includes('')) return undefined;
    vias.push(...parts);
  }
  return vias;
}

export function viaParam(via: Via, name: string): string | undefined {
  return via.params.find((param) => param.name === name)?.value;
}

export function hasViaParam(via: Via, name: string): boolean {
  return via.params.some((param) => param.name === name);
}

/** The same Via with a parameter set (in its place if it was there). */
function withViaParam(via: Via, name: string, value: string | undefined): Via {
  const param = { name, value };
  const params = hasViaParam(via, name)
    ? via.params.map((old) => (old.name === name ? param : old))
    : [...via.params, param];
  return { ...via, params };
}

export function formatVia(via: Via): string {
  const params = via.params.map(({ name, value }) =>
    value === undefined ? `;${name}` : `;${name}=${value}`,
  );
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${bracket(via.host)}${port}${params.join('')}`;
}

/**
 * What a server adds to the topmost Via on receipt: `received` when the source differs from
 * sent-by (RFC 3261 §18.2.1) or `rport` was asked for, and then `rport` (RFC 3581 §4).
 */
export function stampVia(via: Via, from: Endpoint): Via {
  const source = { address: withoutZone(from.address), port: from.port };
  const wantsPort = hasViaParam(via, 'rport');
  // What the client wrote into these itself is not to be believed.
  const clean: Via = {
    ...via,
    params: via.params.filter(({ name }) => name !== 'received'),
  };
  if (wantsPort) {
    return withViaParam(
      withViaParam(clean, 'received', source.address),
      'rport',
      String(source.port),
    );
  }
  const same = clean.host.toLowerCase() === source.address.toLowerCase();
  return same ? clean : withViaParam(clean, 'received', source.address);
}

const DEFAULT_PORT: Readonly<Record<TransportName, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
};

export interface ResponseRoute {
  /** A host name only where the peer gave no address at all. */
  readonly host: string;
  readonly port: number;
}

/**
 * Where a response goes when the flow that the request came on cannot be used
 * (RFC 3261 §18.2.2, RFC 3581 §4); the Via carries what `stampVia` added.
 */
export function responseRoute(via: Via, transport: TransportName): ResponseRoute {
  const sentByPort = via.port ?? DEFAULT_PORT[transport];
  const received = viaParam(via, 'received');
  if (transport !== 'udp') return { host: unbracket(received ?? via.host), port: sentByPort };
  const maddr = viaParam(via, 'maddr');
  if (maddr !== undefined) return { host: unbracket(maddr), port: sentByPort };
  const rport = Number(viaParam(via, 'rport') ?? Number.NaN);
  const port = rport > 0 && rport <= 65_535 ? rport : sentByPort;
  return { host: unbracket(received ?? via.host), port };
}

/** Our endpoint as the peer saw it, from the Via that a response brings back, if it says. */
export function seenAs(via: Via): Endpoint | undefined {
  const address = viaParam(via, 'received');
  const rport = viaParam(via, 'rport');
  if (address === undefined && rport === undefined) return undefined;
  const port = Number(rport ?? via.port ?? Number.NaN);
  if (!(port > 0 && port <= 65_535)) return undefined;
  return { address: unbracket(address ?? via.host), port };
}

export function bracket(host: string): string {
  return isIPv6(host) ? `[${withoutZone(host)}]` : host;
}

/** The zone of a link-local address (`fe80::1%eth0`) means something on this machine only. */
export function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}

function unbracket(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
