import type { Socket } from 'node:net';
import { OffhookError } from '@offhook/common';

/** Reads exact counts of bytes; what lies beyond them stays in the socket for whoever is next. */
export class SocketReader {
  readonly #socket: Socket;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    for (const event of EVENTS) socket.on(event, this.#onEvent);
  }

  /**
   * @throws OffhookError `channel/closed` when the peer ends before that; the signal's reason.
   */
  async read(count: number, signal: AbortSignal): Promise<Uint8Array> {
    if (count === 0) return new Uint8Array(0);
    for (;;) {
      signal.throwIfAborted();
      const bytes = this.#socket.read(count) as Buffer | null;
      if (bytes?.length === count) return bytes;
      if (bytes !== null || this.#socket.readableEnded || this.#socket.destroyed) {
        throw new OffhookError(
          'channel',
          'closed',
          'the peer closed in the middle of what it had to say',
        );
      }
      await this.#somethingNew(signal);
    }
  }

  /** The socket is its next user's. */
  release(): void {
    for (const event of EVENTS) this.#socket.off(event, this.#onEvent);
  }

  async #somethingNew(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', this.#onEvent, { once: true });
    await promise;
    signal.removeEventListener('abort', this.#onEvent);
  }

  readonly #onEvent = (): void => this.#wake?.();
}

const EVENTS = ['readable', 'end', 'close'] as const;
