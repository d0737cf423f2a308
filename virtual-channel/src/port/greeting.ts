import type { Socket } from 'node:net';
import { OffhookError } from '@offhook/common';

/**
 * How a program asks the port helper for a service, before the socket becomes the stream: one line with
 * its name, answered by `ok` or `error CODE TEXT`.
 */
const MAX_LINE = 512;

export function refusal({ code, message }: OffhookError): string {
  return `error ${code} ${message.replaceAll(/\s+/g, ' ')}`.slice(0, MAX_LINE - 1);
}

/** @throws OffhookError with what the helper answered. */
export function checkAnswer(line: string): void {
  if (line === 'ok') return;
  const match = /^error ([a-z][a-z0-9-]*) (.+)$/.exec(line);
  const [code, text] = [match?.[1] ?? 'failed', match?.[2] ?? 'the port helper talks nonsense'];
  throw new OffhookError('channel', code, text);
}

/**
 * The first line that comes, without its end. What follows it stays in the socket.
 *
 * @throws OffhookError `channel/closed`, `channel/malformed`; the signal's reason.
 */
export async function readLine(socket: Socket, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let seen = Buffer.alloc(0);
  const onReadable = () => {
    const chunk: unknown = socket.read();
    if (!(chunk instanceof Buffer)) return;
    seen = Buffer.concat([seen, chunk]);
    const end = seen.indexOf('\n');
    if (end >= 0) {
      // Before what follows is put back, or this would read it again, and again.
      socket.off('readable', onReadable);
      if (end + 1 < seen.length) socket.unshift(seen.subarray(end + 1));
      resolve(seen.subarray(0, end).toString('utf8'));
    } else if (seen.length > MAX_LINE) {
      reject(new OffhookError('channel', 'malformed', 'no line came, but something longer'));
    }
  };
  const onEnd = () => reject(new OffhookError('channel', 'closed', 'the other end hung up'));
  const onAbort = () => reject(signal.reason);
  socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onEnd);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onEnd);
    signal.removeEventListener('abort', onAbort);
  }
}
