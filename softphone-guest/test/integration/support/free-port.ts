import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** An even UDP port that nobody has just now, with the one above it. */
export async function freeUdpPort(): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const closed = once(socket, 'close');
    socket.close();
    await closed;
    if (port % 2 === 0) return port;
  }
}
