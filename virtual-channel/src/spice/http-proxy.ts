import { once } from 'node:events';
import type { Socket } from 'node:net';
import { OffhookError, withDeadline } from '@offhook/common';
import { hostPort } from '../address.ts';
import { connectSocket } from '../connect.ts';

/** An HTTP proxy on the way to a SPICE server. */
export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  /** The proxy itself is spoken to by TLS, with a certificate that the system trusts. */
  readonly secure: boolean;
  /** Of the header Proxy-Authorization (RFC 7617). */
  readonly authorization?: string | undefined;
}

/** What spice-gtk takes where no port is named. */
const DEFAULT_PORT = 3128;
/** RFC 9112 names no limit; a proxy's answer to CONNECT has a few lines. */
const MAX_ANSWER = 16 * 1024;

/**
 * `http://USER:PASSWORD@HOST:PORT`, as a desktop file's `proxy` has it; scheme, user and port may be
 * left out.
 *
 * @throws OffhookError `config/invalid-proxy`.
 */
export function parseHttpProxy(text: string): HttpProxy {
  const uri = text.includes('://') ? text : `http://${text}`;
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  const secure = url?.protocol === 'https:';
  if (url === undefined || url.hostname === '' || (url.protocol !== 'http:' && !secure)) {
    throw new OffhookError('config', 'invalid-proxy', 'the HTTP proxy cannot be used', {
      remedy: 'write http://HOST:PORT',
    });
  }
  const { username, password } = url;
  const credentials = `${unescape(username)}:${unescape(password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(uri, url),
    secure,
    authorization:
      username === '' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

/** A percent sign that begins no escape stands for itself. */
function unescape(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** `URL` keeps a scheme's own port to itself. */
function portOf(uri: string, url: URL): number {
  if (url.port !== '') return Number(url.port);
  const named = /:(80|443)\/*$/.exec(uri);
  return named === null ? DEFAULT_PORT : Number(named[1]);
}

export interface TunnelOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection to a server through a proxy's CONNECT (RFC 9110 §9.3.6).
 *
 * @throws OffhookError layer `channel`: `proxy-not-reachable`, `proxy-authentication`,
 * `proxy-refused`, `timeout`.
 */
export async function openTunnel(
  proxy: HttpProxy,
  target: { readonly host: string; readonly port: number },
  options: TunnelOptions,
): Promise<Socket> {
  const address = `${proxy.secure ? 'tls' : 'tcp'}:${hostPort(proxy.host, proxy.port)}`;
  const { socket } = await connectSocket(address, options).catch((cause: unknown) => {
    options.signal?.throwIfAborted();
    throw new OffhookError(
      'channel',
      'proxy-not-reachable',
      `the HTTP proxy ${hostPort(proxy.host, proxy.port)} cannot be reached`,
      { cause, remedy: 'check `proxy` of the desktop file, and the network' },
    );
  });
  try {
    const what = 'the answer of the HTTP proxy';
    const { timeoutMs: ms, signal } = options;
    await withDeadline({ layer: 'channel', what, ms, signal }, async (waiting) => {
      socket.write(connectRequest(proxy, hostPort(target.host, target.port)), 'latin1');
      checkAnswer(await readAnswer(socket, waiting));
    });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
}

function connectRequest({ authorization }: HttpProxy, authority: string): string {
  const headers = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  if (authorization !== undefined) headers.push(`Proxy-Authorization: ${authorization}`);
  return `${headers.join('\r\n')}\r\n\r\n`;
}

/** Up to the empty line; what follows stays in the socket. */
async function readAnswer(socket: Socket, signal: AbortSignal): Promise<string> {
  let seen = Buffer.alloc(0);
  for (;;) {
    const chunk: unknown = socket.read();
    if (!(chunk instanceof Buffer)) {
      if (socket.readableEnded || socket.destroyed) throw refused('closed the connection');
      await Promise.race([
        once(socket, 'readable', { signal }),
        once(socket, 'end', { signal }),
        once(socket, 'close', { signal }),
      ]);
      continue;
    }
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf('\r\n\r\n');
    if (end >= 0) {
      if (end + 4 < seen.length) socket.unshift(seen.subarray(end + 4));
      return seen.subarray(0, end).toString('latin1');
    }
    if (seen.length > MAX_ANSWER) throw refused('gives an endless answer');
  }
}

function checkAnswer(answer: string): void {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  if (status === undefined) throw refused('does not speak HTTP');
  if (status.startsWith('2')) return;
  if (status === '407') {
    throw new OffhookError(
      'channel',
      'proxy-authentication',
      'the HTTP proxy wants another user name or password',
      { remedy: 'give them in the desktop file: proxy=http://USER:PASSWORD@HOST:PORT' },
    );
  }
  throw refused(`answers ${status}`);
}

function refused(what: string): OffhookError {
  return new OffhookError('channel', 'proxy-refused', `the HTTP proxy ${what}`, {
    remedy: 'ask who runs it whether it lets CONNECT to this port through',
  });
}
