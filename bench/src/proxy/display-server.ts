// A SPICE server with a display channel that pours or answers as it is told; prints where it listens.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

import { TicketKey } from '../../../virtual-channel/src/spice/proxy/link-server.ts';
import { makeOwnCertificate } from '../../../virtual-channel/src/spice/proxy/own-certificate.ts';
import { acceptLink, frame } from '../../../virtual-channel/test/spice/fake-server.ts';
import { COMMON_NAME, ECHO, POUR, type ServerPlace } from './wire.ts';

/** What QEMU sends at a time is an image; this is one of 128 x 128 points. */
const IMAGE_BYTES = 64 * 1024;
/** Milliseconds of data that may leave at once: what a network card does with a burst. */
const BURST_MS = 2;

const key = await TicketKey.create();
const certificate = await makeOwnCertificate(COMMON_NAME);
const image = frame(POUR, randomBytes(IMAGE_BYTES));

const plain = createServer({ noDelay: true }, serve);
const tls = createTlsServer({ cert: certificate.cert, key: certificate.key }, serve);
tls.on('connection', (socket: Socket) => socket.setNoDelay(true));
const ports: number[] = [];
for (const server of [plain, tls]) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  ports.push(typeof address === 'object' && address !== null ? address.port : 0);
}
const [port = 0, tlsPort = 0] = ports;
console.log(JSON.stringify({ port, tlsPort, ca: certificate.cert } satisfies ServerPlace));

function serve(socket: Socket): void {
  socket.on('error', () => undefined);
  acceptLink(socket, key).then(
    () => obey(socket),
    () => socket.destroy(),
  );
}

function obey(socket: Socket): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 6 && rest.length >= 6 + rest.readUInt32LE(2)) {
      const body = rest.subarray(6, 6 + rest.readUInt32LE(2));
      if (rest.readUInt16LE(0) === ECHO) socket.write(frame(ECHO, body));
      else void pour(socket, body.readUInt32LE(0), body.readUInt32LE(4));
      rest = rest.subarray(6 + body.length);
    }
  });
}

/** So many bytes at so many a second; 0 for as many as go. */
async function pour(socket: Socket, bytes: number, perSecond: number): Promise<void> {
  const begin = performance.now();
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += image.length) {
    const due = perSecond === 0 ? 0 : (1000 * sent) / perSecond - (performance.now() - begin);
    if (due > BURST_MS) await new Promise((resolve) => setTimeout(resolve, due));
    if (!socket.write(image)) await once(socket, 'drain');
  }
}
