import { createServer, type Socket } from 'node:net';
import { isOffhookError, listenUnix, OffhookError, withDeadline } from '@offhook/common';
import type { Clock, Logger } from '@offhook/common';
import type { Channel } from '../channel.ts';
import { Mux } from '../mux/index.ts';
import { SocketChannel } from '../socket-channel.ts';
import { checkAllowed, type AllowList } from './allow-list.ts';
import { readLine, refusal } from './greeting.ts';
import { joinChannels } from './join.ts';
import { peerCredentials } from './peer-credentials.ts';
import { VirtioPort, type PortFile } from './virtio-port.ts';

export interface PortHelperOptions {
  readonly file: PortFile;
  /** The port's name. */
  readonly name: string;
  /** Where applications come in. */
  readonly socketPath: string;
  /** Who else may, of those whom the socket's directory lets through; absent: only the same user. */
  readonly allow?: AllowList | undefined;
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
const UP_MS = 1000;

/**
 * Owns a virtio port and shares it among applications: each connects to the socket, names a service of
 * the client's end, and has a stream to it.
 *
 * @throws OffhookError layer `channel` when the socket cannot be had.
 */
export async function startPortHelper(options: PortHelperOptions): Promise<PortHelper> {
  const { file, name, socketPath, allow, clock, logger } = options;
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
    void admit(socket, (service) => openStream(mux, name, service), options);
  });
  server.maxConnections = MAX_APPLICATIONS;
  const mode = allow === undefined ? 0o600 : 0o660;
  await listenUnix(server, { path: socketPath, layer: 'channel', mode });
  return {
    done: port.run(),
    async close() {
      server.close();
      port.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** One that greets a new peer is up in no time: an application that comes meanwhile waits. */
async function openStream(mux: Mux | undefined, name: string, service: string): Promise<Channel> {
  if (mux !== undefined && !mux.up) await untilUp(mux);
  if (mux?.up === true) return mux.open(service);
  throw new OffhookError('channel', 'no-client', `no engine has the other end of port ${name}`);
}

async function untilUp(mux: Mux): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const off = [mux.on('up', resolve), mux.on('down', () => resolve())];
  const what = { layer: 'channel', what: 'the greeting of the client', ms: UP_MS } as const;
  await withDeadline(what, () => promise).catch(() => undefined);
  for (const unsubscribe of off) unsubscribe();
}

async function admit(
  socket: Socket,
  open: (service: string) => Promise<Channel>,
  { name, allow, clock, logger }: PortHelperOptions,
): Promise<void> {
  try {
    if (allow !== undefined) checkAllowed(await peerCredentials(socket), allow);
    const what = { layer: 'channel', what: 'the name of a service', ms: GREETING_MS } as const;
    const service = await withDeadline(what, (signal) => readLine(socket, signal));
    const stream = await open(service);
    if (socket.destroyed) {
      stream.destroy();
      return;
    }
    socket.write('ok\n');
    const peer = { transport: 'unix', description: `application at port ${name}` };
    joinChannels(new SocketChannel(socket, peer, { clock, maxBuffered: MAX_BUFFERED }), stream);
    logger.debug({ port: name, service }, 'application connected');
  } catch (error) {
    if (!isOffhookError(error)) throw error;
    const level = error.code === 'not-allowed' ? 'warn' : 'debug';
    logger[level]({ port: name, reason: error.message }, 'application refused');
    socket.end(`${refusal(error)}\n`);
  }
}
