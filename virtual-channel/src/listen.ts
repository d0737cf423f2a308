import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { listenUnix, OffhookError, silentLogger, type Logger } from '@offhook/common';
import { formatChannelAddress, parseChannelAddress, type ChannelAddress } from './address.ts';
import type { Channel, ChannelListener } from './channel.ts';
import { channelError } from './channel-errors.ts';
import { remote, tlsPeer, withDefaults, type ChannelOptions } from './connect.ts';
import { SocketChannel } from './socket-channel.ts';
import type { TlsOptions } from './tls-options.ts';

export interface ListenOptions extends ChannelOptions {
  /** Connections at a time, handshakes included; further ones are dropped. 64. */
  maxChannels?: number;
  logger?: Logger;
}

/** Milliseconds in which a TLS client has to finish its handshake. */
const HANDSHAKE_MS = 10_000;

/**
 * Takes channels at `unix:/path` (mode 0600; a dead process's socket is replaced), `tcp:HOST:PORT`
 * or `tls:HOST:PORT` (port 0: any free one).
 *
 * @throws OffhookError layer `channel`: `invalid-address`, `in-use`, `no-such-address`,
 * `permission-denied`, `tls-failed`; and those of `listenUnix` in common.
 */
export async function listenChannel(
  address: string,
  options: ListenOptions,
  onChannel: (channel: Channel) => void,
): Promise<ChannelListener> {
  const target = parseChannelAddress(address);
  const { logger = silentLogger } = options;
  const server = target.transport === 'tls' ? tlsServer(options.tls ?? {}) : createServer();
  server.maxConnections = options.maxChannels ?? 64;
  if (target.transport === 'unix') {
    await listenUnix(server, { path: target.path, layer: 'channel' });
  } else {
    await listenInet(server, target);
  }

  server.on('error', (error) => logger.error({ err: error, address }, 'listening socket failed'));
  server.on('drop', () => logger.warn({ address }, 'too many connections; one was dropped'));
  const channelOptions = withDefaults(options);
  if (target.transport === 'tls') {
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.setNoDelay(true);
      onChannel(new SocketChannel(socket, tlsPeer(socket), channelOptions));
    });
    server.on('tlsClientError', (error: Error) => {
      const { message } = channelError(address, error);
      logger.warn({ address, reason: message }, 'TLS handshake failed');
    });
  } else {
    const { transport } = target;
    server.on('connection', (socket: Socket) => {
      if (transport === 'tcp') socket.setNoDelay(true).setKeepAlive(true);
      const description = transport === 'unix' ? formatChannelAddress(target) : remote(socket);
      onChannel(new SocketChannel(socket, { transport, description }, channelOptions));
    });
  }
  return {
    address: formatChannelAddress(withRealPort(target, server)),
    async close() {
      // Its callback would wait for the channels, which stay.
      server.close();
    },
  };
}

function tlsServer(tls: TlsOptions): Server {
  if (tls.cert === undefined || tls.key === undefined) {
    throw new OffhookError('channel', 'no-certificate', 'a TLS listener needs `cert` and `key`');
  }
  const required = tls.requireClientCertificate === true;
  try {
    return createTlsServer({
      cert: tls.cert,
      key: tls.key,
      ca: tls.ca,
      requestCert: required || tls.ca !== undefined,
      rejectUnauthorized: required && tls.verify !== false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: HANDSHAKE_MS,
    });
  } catch (error) {
    throw new OffhookError('channel', 'no-certificate', 'certificate and key cannot be used', {
      cause: error,
      remedy: 'give PEM texts that belong together',
    });
  }
}

async function listenInet(
  server: Server,
  target: ChannelAddress & { transport: 'tcp' | 'tls' },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: target.host, port: target.port, exclusive: true }, resolve);
  try {
    await promise;
  } catch (error) {
    throw channelError(formatChannelAddress(target), error);
  } finally {
    server.off('error', reject);
  }
}

function withRealPort(target: ChannelAddress, server: Server): ChannelAddress {
  const bound = server.address();
  if (target.transport === 'unix' || bound === null || typeof bound === 'string') return target;
  return { ...target, port: bound.port };
}
