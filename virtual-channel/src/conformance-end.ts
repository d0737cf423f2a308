import { OffhookError, withDeadline } from '@offhook/common';
import type { Channel, ChannelEvents } from './channel.ts';

/** One end of a channel under test. */

export const MAX_BUFFERED = 1024 * 1024;
const DEADLINE_MS = 8000;

/** Keeps what one end has told. */
export class Recorder {
  size = 0;
  drains = 0;
  /** Events after `close`; there must be none. */
  readonly late: string[] = [];
  readonly #chunks: Uint8Array[] = [];
  readonly #close = Promise.withResolvers<Error | undefined>();
  #over = false;

  get closed(): Promise<Error | undefined> {
    return this.#close.promise;
  }

  watch(channel: Channel): void {
    channel.on('drain', () => {
      this.#note('drain');
      this.drains++;
    });
    channel.on('close', (reason) => {
      this.#note('close');
      this.#over = true;
      this.#close.resolve(reason);
    });
  }

  read(channel: Channel): void {
    channel.on('data', (chunk) => {
      this.#note('data');
      this.size += chunk.length;
      // A real copy: `slice` of a Buffer is a view, and the chunk is not ours to keep.
      this.#chunks.push(Uint8Array.from(chunk));
    });
  }

  data(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  bytes(count: number): Promise<void> {
    return until(() => this.size >= count);
  }

  #note(event: keyof ChannelEvents): void {
    if (this.#over) this.late.push(event);
  }
}

/** Writes as the contract asks: on after `drain`. */
export async function send(channel: Channel, bytes: Uint8Array, piece: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += piece) {
    if (channel.write(bytes.slice(at, at + piece))) continue;
    const room = Promise.withResolvers<void>();
    const off = channel.on('drain', room.resolve);
    await within('drain', room.promise);
    off();
  }
}

/** Writes until bytes stay with the channel because the peer takes none; returns how many in all. */
export async function fill(channel: Channel): Promise<number> {
  const piece = new Uint8Array(64 * 1024);
  let sent = 0;
  for (let stuck = 0; stuck < 20;) {
    if (channel.buffered < MAX_BUFFERED / 2) {
      stuck = 0;
      channel.write(piece);
      sent += piece.length;
    } else {
      stuck++;
    }
    await turn();
  }
  return sent;
}

export function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * seed + (index >> 8)) & 0xff);
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function codeThrownBy(action: () => void): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OffhookError) return `${error.layer} ${error.code}`;
    throw error;
  }
  return 'nothing thrown';
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

export function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return withDeadline({ layer: 'channel', what, ms: DEADLINE_MS }, () => promise);
}
