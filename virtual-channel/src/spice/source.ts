import { OffhookError } from '@offhook/common';
import { parseHttpProxy, type HttpProxy } from './http-proxy.ts';

/** Where a desktop's SPICE server is, and what it takes to get in. */
export interface SpiceSource {
  readonly host: string;
  readonly port?: number | undefined;
  readonly tlsPort?: number | undefined;
  /** The ticket; empty where the server wants none. */
  readonly password: string;
  /** PEM; the system's store by default. */
  readonly ca?: string | undefined;
  /** What remote-viewer calls host-subject: `C=…,O=…,CN=…` that the certificate must carry. */
  readonly hostSubject?: string | undefined;
  /** Channel names that must use TLS even where a plain port is there. */
  readonly secureChannels: readonly string[];
  readonly proxy?: HttpProxy | undefined;
}

/** `spice://HOST:PORT` or `spice://HOST?port=…&tls-port=…`, as remote-viewer takes them. */
export function parseSpiceUri(uri: string, password = ''): SpiceSource {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url === undefined || url.protocol !== 'spice:' || url.hostname === '') {
    throw badSource(`"${uri}" is no SPICE address`, 'write spice://HOST:PORT');
  }
  const port = portNumber(url.port === '' ? url.searchParams.get('port') : url.port, 'port');
  const tlsPort = portNumber(url.searchParams.get('tls-port'), 'tls-port');
  if (port === undefined && tlsPort === undefined) {
    throw badSource(`"${uri}" names no port`, 'write spice://HOST:PORT');
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port,
    tlsPort,
    password: url.searchParams.get('password') ?? password,
    secureChannels: [],
  };
}

export interface DesktopFile {
  readonly source: SpiceSource;
  /** The file asks to be removed once read: its ticket is good for one use. */
  readonly deleteThisFile: boolean;
}

/**
 * A `.vv` file, the GKeyFile that remote-viewer opens (group `[virt-viewer]`).
 *
 * @throws OffhookError `config/invalid-vv` naming the line or key.
 */
export function parseDesktopFile(text: string): DesktopFile {
  const keys = readGroup(text, 'virt-viewer');
  const type = keys.get('type');
  if (type !== 'spice') {
    throw badFile(`type is ${type ?? 'missing'}; only "spice" desktops have a channel for Offhook`);
  }
  const proxy = keys.get('proxy');
  const host = keys.get('host');
  if (host === undefined || host === '') throw badFile('host is missing');
  const port = portNumber(keys.get('port'), 'port');
  const tlsPort = portNumber(keys.get('tls-port'), 'tls-port');
  if (port === undefined && tlsPort === undefined)
    throw badFile('neither port nor tls-port is there');
  return {
    source: {
      host,
      port,
      tlsPort,
      password: keys.get('password') ?? '',
      ca: keys.get('ca'),
      hostSubject: keys.get('host-subject'),
      secureChannels: (keys.get('secure-channels') ?? '').split(';').filter((name) => name !== ''),
      ...(proxy === undefined || proxy === '' ? {} : { proxy: parseHttpProxy(proxy) }),
    },
    deleteThisFile: keys.get('delete-this-file') === '1',
  };
}

const ESCAPES: Readonly<Record<string, string>> = { s: ' ', n: '\n', t: '\t', r: '\r', '\\': '\\' };

function readGroup(text: string, group: string): Map<string, string> {
  const keys = new Map<string, string>();
  let current = '';
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const header = /^\[([^\]]+)\]$/.exec(line);
    if (header !== null) {
      current = header[1] ?? '';
      return;
    }
    const equals = line.indexOf('=');
    if (equals < 1) throw badFile(`line ${index + 1} is neither a group nor KEY=VALUE`);
    if (current !== group) return;
    const value = line.slice(equals + 1).trim();
    keys.set(
      line.slice(0, equals).trim(),
      value.replace(/\\([sntr\\])/g, (_, letter: string) => ESCAPES[letter] ?? letter),
    );
  });
  return keys;
}

function portNumber(text: string | null | undefined, key: string): number | undefined {
  if (text === null || text === undefined || text === '' || text === '-1' || text === '0') {
    return undefined;
  }
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw badFile(`${key} is "${text}", not a port number`);
  }
  return port;
}

function badFile(what: string): OffhookError {
  return new OffhookError('config', 'invalid-vv', `the desktop file cannot be used: ${what}`);
}

function badSource(what: string, remedy: string): OffhookError {
  return new OffhookError('config', 'invalid-spice-address', what, { remedy });
}
