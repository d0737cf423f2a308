import { once } from 'node:events';
import type { Socket } from 'node:net';

import type { SpiceSource } from '@offhook/virtual-channel/spice';

import { openUpstream } from '../../../virtual-channel/src/spice/proxy/upstream.ts';
import { frame } from '../../../virtual-channel/test/spice/fake-server.ts';
import { ECHO, POUR } from './wire.ts';

const DISPLAY = { connectionId: 1, channelType: 2, channelId: 0, channelCaps: [] };
const LINK_MS = 5000;
/** Of an echo: as large as the request to draw something. */
const ECHO_BYTES = 64;

/** A viewer's display channel, and what can be measured with it. */
export class DisplayViewer {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(source: SpiceSource, signal: AbortSignal): Promise<DisplayViewer> {
    const upstream = await openUpstream({ source, timeoutMs: LINK_MS, signal }, DISPLAY);
    await upstream.authenticate(source.password);
    return new DisplayViewer(upstream.socket);
  }

  /** Bytes a second at which at least so many arrive; `perSecond` 0: as fast as they do. */
  async pour(bytes: number, perSecond: number): Promise<number> {
    const order = Buffer.alloc(8);
    order.writeUInt32LE(bytes, 0);
    order.writeUInt32LE(perSecond, 4);
    let received = 0;
    const done = Promise.withResolvers<void>();
    const take = (chunk: Buffer) => {
      received += chunk.length;
      if (received >= bytes) done.resolve();
    };
    this.#socket.on('data', take);
    const begin = performance.now();
    this.#socket.write(frame(POUR, order));
    await done.promise;
    const seconds = (performance.now() - begin) / 1000;
    // What belongs to the last image comes without being counted.
    await this.#silence();
    this.#socket.off('data', take);
    return bytes / seconds;
  }

  /** Milliseconds there and back, once for each of so many. */
  async echo(count: number): Promise<number[]> {
    const message = frame(ECHO, Buffer.alloc(ECHO_BYTES));
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const begin = performance.now();
      this.#socket.write(message);
      for (let got = 0; got < message.length;) {
        const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
        got += chunk.length;
      }
      times.push(performance.now() - begin);
    }
    return times;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** An answer comes behind everything that was sent before it. */
  async #silence(): Promise<void> {
    const end = Promise.withResolvers<void>();
    const message = frame(ECHO, Buffer.from(`the end ${performance.now()}`));
    let tail = Buffer.alloc(0);
    const look = (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-message.length);
      if (tail.equals(message)) end.resolve();
    };
    this.#socket.on('data', look);
    this.#socket.write(message);
    await end.promise;
    this.#socket.off('data', look);
  }
}
