import { connectUnix, systemClock, withDeadline } from '@offhook/common';
import type { Channel } from '../channel.ts';
import { SocketChannel } from '../socket-channel.ts';
import { checkAnswer, readLine } from './greeting.ts';

export interface ConnectPortOptions {
  /** The helper's socket. */
  readonly socketPath: string;
  readonly service: string;
  /** Milliseconds; 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const MAX_BUFFERED = 4 * 1024 * 1024;

/**
 * A stream to a service at the other end of a virtio port, through the port helper.
 *
 * @throws OffhookError layer `channel`: `not-reachable` when no helper runs, `no-client` when nobody
 * has the other end, `timeout`.
 */
export async function connectPort(options: ConnectPortOptions): Promise<Channel> {
  const { socketPath, service, timeoutMs = 5000, signal } = options;
  const socket = await connectUnix({ path: socketPath, layer: 'channel', timeoutMs, signal });
  try {
    const what = { layer: 'channel', what: 'the port helper', ms: timeoutMs, signal } as const;
    const line = await withDeadline(what, (waiting) => {
      socket.write(`${service}\n`);
      return readLine(socket, waiting);
    });
    checkAnswer(line);
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    throw error;
  }
  const peer = { transport: 'port', description: `port helper ${socketPath}` };
  return new SocketChannel(socket, peer, { clock: systemClock, maxBuffered: MAX_BUFFERED });
}
