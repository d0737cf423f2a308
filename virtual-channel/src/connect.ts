import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { connectUnix, OffhookError, systemClock, withDeadline, type Clock } from '@offhook/common';
import { formatChannelAddress, hostPort, parseChannelAddress } from './address.ts';
import type { Channel, PeerIdentity } from './channel.ts';
import { channelError } from './channel-errors.ts';
import { SocketChannel, type SocketChannelOptions } from './socket-channel.ts';
import { certificateSubject, sameSubject, type TlsOptions } from './tls-options.ts';

export interface ChannelOptions {
  tls?: TlsOptions;
  /** Bytes that may wait for a peer that does not read, before the channel closes; 4 MiB. */
  maxBuffered?: number;
  clock?: Clock;
}

export interface ConnectOptions extends ChannelOptions {
  /** Milliseconds for connection and TLS handshake; 5,000. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a channel to `unix:/path`, `tcp:HOST:PORT` or `tls:HOST:PORT`.
 *
 * @throws OffhookError layer `channel`: `invalid-address`, `not-reachable`, `unknown-host`,
 * `no-route`, `timeout`, `permission-denied`, `certificate-refused`, `tls-failed`; the signal's
 * reason when it is aborted. A TLS server that wants another certificate of ours (TLS 1.3) says so
 * only after the handshake: then the channel closes with `own-certificate-refused`.
 */
export async function connectChannel(
  address: string,
  options: ConnectOptions = {},
): Promise<Channel> {
  const { socket, peer } = await connectSocket(address, options);
  return new SocketChannel(socket, peer, withDefaults(options));
}

export interface SocketOptions extends Omit<ConnectOptions, 'maxBuffered' | 'clock'> {
  /** A connection that leads there already, through somebody else. */
  through?: Socket | undefined;
  /** Bytes that the socket reads or takes ahead; Node's 64 KiB by default, 16 KiB with TLS. */
  highWaterMark?: number | undefined;
}

export interface ConnectedSocket {
  readonly socket: Socket;
  readonly peer: PeerIdentity;
}

/** The same for those who only pass bytes on: the socket itself, without a listener on it. */
export async function connectSocket(
  address: string,
  options: SocketOptions = {},
): Promise<ConnectedSocket> {
  const target = parseChannelAddress(address);
  const where = formatChannelAddress(target);
  const { timeoutMs = 5000, signal, through } = options;
  if (target.transport === 'unix') {
    const socket = await connectUnix({ path: target.path, layer: 'channel', timeoutMs, signal });
    return { socket, peer: { transport: 'unix', description: where } };
  }
  const { transport, host, port } = target;
  return withDeadline({ layer: 'channel', what: where, ms: timeoutMs, signal }, async (waiting) => {
    if (transport === 'tcp' && through !== undefined) {
      return { socket: through, peer: { transport, description: remote(through) } };
    }
    if (transport === 'tcp') {
      const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, ...water(options) });
      await ready(socket, 'connect', where, waiting);
      return { socket, peer: { transport, description: remote(socket) } };
    }
    const socket = startTls(host, port, options);
    await ready(socket, 'secureConnect', where, waiting);
    return { socket, peer: tlsPeer(socket) };
  });
}

export function withDefaults(options: ChannelOptions): SocketChannelOptions {
  return {
    clock: options.clock ?? systemClock,
    maxBuffered: options.maxBuffered ?? 4 * 1024 * 1024,
  };
}

export function tlsPeer(socket: TLSSocket) {
  const subject = certificateSubject(socket);
  return {
    transport: 'tls',
    description: remote(socket),
    ...(subject === undefined ? {} : { certificateSubject: subject }),
  };
}

/** `127.0.0.1:40213`. */
export function remote(socket: Socket): string {
  return hostPort(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
}

function startTls(host: string, port: number, options: SocketOptions): TLSSocket {
  const { tls = {}, through } = options;
  const name = tls.serverName ?? host;
  const socket = connectTls({
    ...(through === undefined ? { host, port } : { host, socket: through }),
    ...water(options),
    // RFC 6066 §3 allows no address as server name; it is still what the certificate must be for.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key,
    rejectUnauthorized: tls.verify !== false,
    minVersion: 'TLSv1.2',
    ...(tls.serverSubject === undefined
      ? {}
      : { checkServerIdentity: subjectCheck(tls.serverSubject) }),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  return socket;
}

function water({ highWaterMark }: SocketOptions): { highWaterMark?: number } {
  return highWaterMark === undefined ? {} : { highWaterMark };
}

function subjectCheck(expected: string) {
  return (_host: string, certificate: PeerCertificate): Error | undefined =>
    sameSubject(expected, { ...certificate.subject })
      ? undefined
      : new OffhookError(
          'channel',
          'certificate-refused',
          `the peer's certificate is not for the subject ${expected}`,
        );
}

async function ready(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  where: string,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) => reject(channelError(where, error));
  const onClose = () =>
    reject(
      new OffhookError('channel', 'reset', `${where}: the peer closed the connection at once`),
    );
  const onAbort = () => {
    socket.destroy();
    reject(signal.reason);
  };
  socket.on('error', onError).once('close', onClose).once(event, resolve);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
    socket.off('error', onError);
  } finally {
    socket.off('close', onClose);
    signal.removeEventListener('abort', onAbort);
  }
}
