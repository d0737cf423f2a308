import { createServer, type Socket } from 'node:net';
import { connectUnix, listenUnix, OffhookError, withDeadline, type Logger } from '@offhook/common';
import type { Channel, ChannelListener, PeerIdentity } from './channel.ts';
import { withDefaults } from './connect.ts';
import { SocketChannel } from './socket-channel.ts';
import { SocketReader } from './socket-reader.ts';

/**
 * Channels between processes of one user, over a Unix socket: who connects says in a few words of JSON
 * what the channel carries, and everything after them is the channel's. So a process can pass on a
 * channel that it has from elsewhere.
 */

const MAX_WORDS = 4096;
const LENGTH_BYTES = 2;

/** A channel that has said what it is, and is not open yet. */
export interface Introduction {
  /** Whatever JSON the other end said: to be validated. */
  readonly words: unknown;
  /** The channel, as that of this peer. */
  open(peer: PeerIdentity): Channel;
  refuse(): void;
}

export interface ListenIntroducedOptions {
  readonly path: string;
  readonly logger: Logger;
  /** Milliseconds in which the words have to come; 2,000. */
  readonly timeoutMs?: number;
  readonly maxChannels?: number;
}

/** @throws OffhookError layer `channel`: those of `listenUnix` in common. */
export async function listenIntroduced(
  { path, logger, timeoutMs = 2000, maxChannels = 64 }: ListenIntroducedOptions,
  onIntroduction: (introduction: Introduction) => void,
): Promise<ChannelListener> {
  const server = createServer();
  server.maxConnections = maxChannels;
  await listenUnix(server, { path, layer: 'channel' });
  server.on('error', (error) => logger.error({ err: error, path }, 'listening socket failed'));
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    readWords(socket, timeoutMs).then(
      (words) =>
        onIntroduction({
          words,
          open: (peer) => new SocketChannel(socket, peer, withDefaults({})),
          refuse: () => socket.destroy(),
        }),
      (error: unknown) => {
        socket.destroy();
        logger.warn({ err: error, path }, 'a connection did not say what it is');
      },
    );
  });
  return {
    address: `unix:${path}`,
    async close() {
      server.close();
    },
  };
}

/**
 * Opens a channel to such a listener.
 *
 * @throws OffhookError layer `channel`: those of `connectUnix` in common, `too-large`.
 */
export async function connectIntroduced(
  path: string,
  words: unknown,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Channel> {
  const { timeoutMs = 2000, signal } = options;
  const text = Buffer.from(JSON.stringify(words));
  if (text.length > MAX_WORDS) throw tooLarge(text.length);
  const socket = await connectUnix({ path, layer: 'channel', timeoutMs, signal });
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(text.length);
  socket.write(Buffer.concat([length, text]));
  return new SocketChannel(
    socket,
    { transport: 'unix', description: `unix:${path}` },
    withDefaults({}),
  );
}

async function readWords(socket: Socket, ms: number): Promise<unknown> {
  const reader = new SocketReader(socket);
  const what = 'what a connection is';
  const text = await withDeadline({ layer: 'channel', what, ms }, async (signal) => {
    const length = Buffer.from(await reader.read(LENGTH_BYTES, signal)).readUInt16BE();
    if (length > MAX_WORDS) throw tooLarge(length);
    return reader.read(length, signal);
  });
  reader.release();
  return JSON.parse(Buffer.from(text).toString('utf8')) as unknown;
}

function tooLarge(bytes: number): OffhookError {
  return new OffhookError('channel', 'too-large', `${bytes} bytes to say what a channel is`);
}
