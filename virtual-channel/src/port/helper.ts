import { createServer, type Socket } from 'node:net';
import { isOffhookError, listenUnix, OffhookError, withDeadline } from '@offhook/common';
import type { Clock, Logger } from '@offhook/common';
import type { Channel } from '../channel.ts';
import { Mux } from '../mux/index.ts';
import { SocketChannel } from '../socket-channel.ts';
import { readLine, refusal } from './greeting.ts';
import { joinChannels } from './join.ts';
import { VirtioPort, type PortFile } from './virtio-port.ts';

export interface PortHelperOptions {
  readonly file: PortFile;
  /** The port's name. */
  readonly name: string;
  /** Where applications come in: mode 0600, so only programs of the same user do. */
  readonly socketPath: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface PortHelper {
  /** Rejects when the port is gone. */
  readonly done: Promise<void>;
  /** No application comes in any more, and streams end. Idempotent. */
  close(): Promise<void>;
}

const MAX_APPLICATIONS = 32;
const MAX_BUFFERED = 1024 * 1024;
const GREETING_MS = 2000;

/**
 * Owns a virtio port and shares it among applications: each connects to the socket, names a service of
 * the client's end, and has a stream to it.
 *
 * @throws OffhookError layer `channel` when the socket cannot be had.
 */
export async function startPortHelper(options: PortHelperOptions): Promise<PortHelper> {
  const { file, name, socketPath, clock, logger } = options;
  let mux: Mux | undefined;
  const port = new VirtioPort({
    file,
    name,
    clock,
    onChannel: (channel) => {
      const current = new Mux(channel, { clock });
      mux = current;
      current.on('up', () => logger.info({ port: name }, 'the client is there'));
      current.on('down', ({ message }) => {
        logger.info({ port: name, reason: message }, 'the client is gone');
        if (channel.closed && mux === current) mux = undefined;
      });
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    void admit(socket, () => openStream(mux, name), { name, clock, logger });
  });
  server.maxConnections = MAX_APPLICATIONS;
  await listenUnix(server, { path: socketPath, layer: 'channel' });
  return {
    done: port.run(),
    async close() {
      server.close();
      port.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function openStream(mux: Mux | undefined, name: string): (service: string) => Channel {
  return (service) => {
    if (mux?.up === true) return mux.open(service);
    throw new OffhookError('channel', 'no-client', `no engine has the other end of port ${name}`);
  };
}

async function admit(
  socket: Socket,
  opener: () => (service: string) => Channel,
  { name, clock, logger }: Pick<PortHelperOptions, 'name' | 'clock' | 'logger'>,
): Promise<void> {
  try {
    const what = { layer: 'channel', what: 'the name of a service', ms: GREETING_MS } as const;
    const service = await withDeadline(what, (signal) => readLine(socket, signal));
    const stream = opener()(service);
    socket.write('ok\n');
    const peer = { transport: 'unix', description: `application at port ${name}` };
    joinChannels(new SocketChannel(socket, peer, { clock, maxBuffered: MAX_BUFFERED }), stream);
    logger.debug({ port: name, service }, 'application connected');
  } catch (error) {
    if (!isOffhookError(error)) throw error;
    logger.debug({ port: name, reason: error.message }, 'application refused');
    socket.end(`${refusal(error)}\n`);
  }
}
