import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { MessageEnds } from './message-ends.ts';

/**
 * Writes one direction of a SPICE channel to a viewer by TLS, in records that spice-gtk can live with:
 * the last one that is sent holds one message, or a part of one, and nothing else.
 *
 * spice-gtk (spice_channel_iterate_read, 0.42) waits for the *socket* after each message. What OpenSSL
 * has decrypted together with it stays where it is until something else arrives, which may be never,
 * because the server waits for the acknowledgement of just that. A SPICE server writes each message in
 * records of its own; who passes bytes on as they come does not.
 */
export class MessageRecords extends Writable {
  readonly #socket: TLSSocket;
  readonly #ends = new MessageEnds();

  constructor(socket: TLSSocket) {
    super({ highWaterMark: socket.writableHighWaterMark });
    this.#socket = socket;
    socket.once('close', () => this.destroy());
    this.on('error', () => socket.destroy());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void) {
    const { start, end } = this.#ends.push(chunk);
    const parts = [chunk.subarray(0, start), chunk.subarray(start, end), chunk.subarray(end)];
    this.#writeEach(
      parts.filter((part) => part.length > 0),
      done,
    );
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  /** One after the other: what waits in the socket together is made one record. */
  #writeEach([part, ...rest]: readonly Buffer[], done: (error?: Error | null) => void): void {
    if (part === undefined) done();
    else
      this.#socket.write(part, (error) => {
        if (error === null || error === undefined) this.#writeEach(rest, done);
        else done(error);
      });
  }
}
