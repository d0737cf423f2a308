import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, vi } from 'vitest';

/** An even UDP port that nobody has just now. */
export async function freeUdpPort(): Promise<number> {
  for (;;) {
    const port = await bind(0);
    if (port !== undefined && port % 2 === 0) return port;
  }
}

/** Waits until somebody has the port. */
export async function untilUdpPortTaken(port: number): Promise<void> {
  await vi.waitFor(async () => expect(await bind(port)).toBeUndefined(), {
    timeout: 5000,
    interval: 20,
  });
}

/** Takes the port and leaves it again; undefined when it is taken. */
async function bind(port: number): Promise<number | undefined> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return socket.address().port;
  } catch {
    return undefined;
  } finally {
    const closed = once(socket, 'close');
    socket.close();
    await closed;
  }
}
