import { createSocket, type Socket as DgramSocket } from 'node:dgram';
import { createServer, connect as connectTcp, isIPv6, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions as NodeTlsOptions,
} from 'node:tls';
import { OffhookError } from '@offhook/common';
import type { ListenAddress, TlsOptions } from '../api.ts';
import type { Endpoint, Target } from './layer.ts';
import type { Network, StreamServer, StreamSocket, UdpEvents, UdpSocket } from './network.ts';
import { checkSipIdentity } from './tls-identity.ts';

export interface NodeNetworkOptions {
  readonly tls?: TlsOptions | undefined;
  readonly requireClientCertificate?: boolean | undefined;
  readonly handshakeTimeoutMs: number;
}

const MIN_TLS = 'TLSv1.2';

/** The sockets of this machine. */
export function nodeNetwork(options: NodeNetworkOptions): Network {
  return {
    bindUdp,
    listen: (at, accept) =>
      at.transport === 'tls' ? listenTls(at, accept, options) : listenTcp(at, accept),
    connect: (to, signal) => connectStream(to, signal, options),
    sourceAddress,
    probe,
  };
}

async function bindUdp(at: ListenAddress, events: UdpEvents): Promise<UdpSocket> {
  const socket = createSocket({
    type: isIPv6(at.address) ? 'udp6' : 'udp4',
    ipv6Only: isIPv6(at.address),
    // The default holds too few messages for a burst of calls.
    recvBufferSize: 1 << 20,
  });
  await bound(socket, at);
  socket.on('error', (error) => events.error(error));
  socket.on('message', (data, { address, port }) => events.message(data, { address, port }));
  return {
    local: { address: socket.address().address, port: socket.address().port },
    send: (data, to, done) =>
      socket.send(data, to.port, to.address, (error) => done(error ?? undefined)),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function bound(socket: DgramSocket, at: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close();
      reject(bindFailed(at, error));
    };
    socket.once('error', failed);
    socket.bind({ address: at.address, port: at.port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

function listenTcp(
  at: ListenAddress,
  accept: (stream: StreamSocket) => void,
): Promise<StreamServer> {
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    take(socket, accept);
  });
  return listening(server, at);
}

function listenTls(
  at: ListenAddress,
  accept: (stream: StreamSocket) => void,
  options: NodeNetworkOptions,
): Promise<StreamServer> {
  const { tls } = options;
  if (tls?.cert === undefined || tls.key === undefined) {
    throw new OffhookError(
      'signaling',
      'no-certificate',
      `listening for TLS at ${at.address} needs a certificate and its key`,
      { remedy: 'configure both, or leave TLS out of the addresses to listen at' },
    );
  }
  const settings: NodeTlsOptions = {
    cert: tls.cert,
    key: tls.key,
    minVersion: MIN_TLS,
    handshakeTimeout: options.handshakeTimeoutMs,
    requestCert: options.requireClientCertificate === true,
    rejectUnauthorized: options.requireClientCertificate === true,
  };
  if (tls.ca !== undefined) settings.ca = tls.ca;
  const server = createTlsServer(settings, (socket) => {
    socket.setNoDelay(true);
    take(socket, accept);
  });
  // A failed handshake costs the peer its connection; Node closes it after this.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return listening(server, at);
}

function take(socket: Socket | TLSSocket, accept: (stream: StreamSocket) => void): void {
  const ends = endsOf(socket);
  if (ends === undefined) socket.destroy();
  else accept({ stream: socket, ...ends });
}

function listening(server: Server, at: ListenAddress): Promise<StreamServer> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(bindFailed(at, error));
    server.once('error', failed);
    server.listen({ host: at.address, port: at.port, ipv6Only: isIPv6(at.address) }, () => {
      server.off('error', failed);
      server.on('error', () => undefined);
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : at.port;
      resolve({
        local: { address: at.address, port },
        close: () => new Promise((done) => server.close(() => done())),
      });
    });
  });
}

function connectStream(
  to: Target,
  signal: AbortSignal,
  options: NodeNetworkOptions,
): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    const socket = to.transport === 'tls' ? openTls(to, options) : openTcp(to);
    const ready = to.transport === 'tls' ? 'secureConnect' : 'connect';
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', aborted);
      socket.off('error', failed);
      socket.off('close', closed);
      act();
    };
    const failed = (error: Error): void =>
      settle(() => {
        socket.destroy();
        reject(error);
      });
    const closed = (): void => failed(new Error('the connection was closed'));
    const aborted = (): void => failed(signal.reason as Error);
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once(ready, () =>
      settle(() => {
        const ends = endsOf(socket);
        if (ends === undefined) reject(new Error('the connection was closed'));
        else resolve({ stream: socket, ...ends });
      }),
    );
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
  });
}

function openTcp(to: Target): Socket {
  return connectTcp({ host: to.address, port: to.port, noDelay: true, keepAlive: true });
}

function openTls(to: Target, { tls }: NodeNetworkOptions): TLSSocket {
  const domain = to.tlsName ?? to.address;
  const socket = connectTls({
    host: to.address,
    port: to.port,
    minVersion: MIN_TLS,
    rejectUnauthorized: tls?.verify !== false,
    // RFC 5922 §7.1 wants the SIP domain, whatever SRV made of it.
    checkServerIdentity: (_host, certificate) => checkSipIdentity(domain, certificate),
    // RFC 6066: no address in the server name.
    ...(isNumericHost(domain) ? {} : { servername: domain }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  return socket;
}

function isNumericHost(host: string): boolean {
  return isIPv6(host) || /^[0-9.]+$/.test(host);
}

function endsOf(socket: Socket): { local: Endpoint; remote: Endpoint } | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}

/** Connecting a UDP socket sends nothing, but makes the kernel choose the route. */
function sourceAddress(remote: Endpoint): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(remote.address) ? 'udp6' : 'udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.connect(remote.port, remote.address, () => {
      const { address } = socket.address();
      socket.close();
      resolve(address);
    });
  });
}

/**
 * ICMP errors reach connected sockets only, so an empty line (which SIP ignores, RFC 3261 §7.5)
 * goes out from one: true if the port is refused.
 */
function probe(remote: Endpoint, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(remote.address) ? 'udp6' : 'udp4');
    const finish = (refused: boolean): void => {
      signal.removeEventListener('abort', give);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(refused);
    };
    const give = (): void => finish(false);
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED'));
    socket.once('message', give);
    socket.connect(remote.port, remote.address, () => socket.send('\r\n\r\n'));
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

function bindFailed(at: ListenAddress, error: NodeJS.ErrnoException): OffhookError {
  const what = `${at.transport} at ${at.address} port ${at.port}`;
  const [code, why, remedy] =
    error.code === 'EADDRINUSE'
      ? ['address-in-use', 'another program uses it', 'choose another port or end that program']
      : error.code === 'EADDRNOTAVAIL'
        ? ['no-such-address', 'this machine does not have that address', 'check the address']
        : error.code === 'EACCES'
          ? ['not-permitted', 'the system does not permit it', 'choose a port above 1023']
          : ['bind-failed', error.message, 'check the address'];
  return new OffhookError('signaling', code ?? '', `cannot listen for SIP over ${what}: ${why}`, {
    cause: error,
    remedy,
  });
}
