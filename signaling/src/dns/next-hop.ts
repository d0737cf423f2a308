import { isIP } from 'node:net';
import { OffhookError } from '@offhook/common';
import type { TransportName } from '../api.ts';

/** The parts of a SIP URI that say where a request goes (RFC 3263 §4). */
export interface HopUri {
  readonly secure: boolean;
  /** Lower case, without brackets; `maddr` in place of the host if there is one. */
  readonly host: string;
  /** The host as written, for the certificate, when `maddr` replaced it. */
  readonly domain: string;
  readonly port: number | undefined;
  readonly transport: TransportName | undefined;
}

const SIP_URI =
  /^(sips?):(?:[^@]*@)?(\[[0-9A-Fa-f:.]+\]|[^:;?@\s[\]]+)(?::([0-9]{1,5}))?((?:;[^?]*)?)(?:\?.*)?$/i;

/** Reads a SIP or SIPS URI, bare or in angle brackets with a display name and parameters around. */
export function parseHopUri(text: string): HopUri {
  const unquoted = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '');
  const angled = /<([^<>]*)>/.exec(unquoted);
  const uri = (angled?.[1] ?? unquoted).trim();
  const match = SIP_URI.exec(uri);
  if (match === null) throw unroutable(uri, 'it is no SIP URI');
  const [, scheme = '', hostPart = '', portText, paramText = ''] = match;
  const params = new Map(
    paramText
      .split(';')
      .filter((part) => part !== '')
      .map((part) => {
        const [name = '', value = ''] = part.split('=', 2);
        return [name.trim().toLowerCase(), value.trim()] as const;
      }),
  );
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port === 0 || port > 65_535))
    throw unroutable(uri, 'its port is none');
  const secure = scheme.toLowerCase() === 'sips';
  const domain = clean(hostPart);
  const maddr = params.get('maddr');
  return {
    secure,
    domain,
    host: maddr === undefined || maddr === '' ? domain : clean(maddr),
    port,
    transport: pickTransport(uri, params.get('transport'), secure),
  };
}

function clean(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function pickTransport(
  uri: string,
  param: string | undefined,
  secure: boolean,
): TransportName | undefined {
  const name = param?.toLowerCase();
  switch (name) {
    case undefined:
    case '':
      return undefined;
    case 'tls':
      return 'tls';
    case 'tcp':
      // RFC 3261 §26.2.2: in a SIPS URI `transport=tcp` means TLS over TCP.
      return secure ? 'tls' : 'tcp';
    case 'udp':
      if (secure) throw unroutable(uri, 'a sips URI cannot go over UDP');
      return 'udp';
    default:
      throw unroutable(uri, `the transport ${name} is not supported`);
  }
}

export function isNumeric(host: string): boolean {
  return isIP(host) !== 0;
}

export function unroutable(uri: string, why: string): OffhookError {
  return new OffhookError('signaling', 'no-route', `no way to reach ${uri}: ${why}`, {
    remedy: 'check the address',
  });
}
