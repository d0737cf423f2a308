import type { Socket } from 'node:net';
import { Emitter, type Clock, type Timer } from '@offhook/common';
import type { Channel, ChannelEvents, PeerIdentity } from './channel.ts';
import { bufferFullError, channelError, closedError } from './channel-errors.ts';

/** How long accepted bytes have to leave once the channel is closed, milliseconds. */
export const FLUSH_MS = 1000;

export interface SocketChannelOptions {
  readonly clock: Clock;
  /** Bytes. */
  readonly maxBuffered: number;
}

/** A channel over a connected stream socket of Node: Unix, TCP or TLS. */
export class SocketChannel implements Channel {
  readonly peer: PeerIdentity;
  readonly #socket: Socket;
  readonly #options: SocketChannelOptions;
  readonly #events = new Emitter<ChannelEvents>();
  readonly #gone = Promise.withResolvers<void>();
  #flowing = false;
  #paused = false;
  /** `close` or `destroy` was called here. */
  #closing = false;
  #ended = false;
  #reason: Error | undefined;
  #flushTimer: Timer | undefined;

  constructor(socket: Socket, peer: PeerIdentity, options: SocketChannelOptions) {
    this.#socket = socket;
    this.peer = peer;
    this.#options = options;
    socket.on('error', (error) => {
      if (!this.#closing) this.#reason ??= channelError(peer.description, error);
    });
    // Node emits none once the socket is ending.
    socket.on('drain', () => this.#events.emit('drain', undefined));
    // The peer has closed; a peer that does not take our last bytes must not keep us waiting.
    socket.once('end', () => this.#startFlushTimer());
    socket.once('close', () => this.#onClose());
  }

  get closed(): boolean {
    return this.#closing || this.#ended;
  }

  get buffered(): number {
    return this.#socket.writableLength;
  }

  on<K extends keyof ChannelEvents>(
    name: K,
    listener: (event: ChannelEvents[K]) => void,
  ): () => void {
    const off = this.#events.on(name, listener);
    // Until somebody listens the socket keeps its data, and the kernel the peer's.
    if (name === 'data' && !this.#flowing && !this.closed) {
      this.#flowing = true;
      this.#socket.on('data', this.#onData);
      if (this.#paused) this.#socket.pause();
    }
    return off;
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed) throw closedError();
    if (bytes.length === 0) return !this.#socket.writableNeedDrain;
    if (!this.#socket.writable) return true;
    if (this.buffered + bytes.length > this.#options.maxBuffered) {
      this.destroy(bufferFullError(this.peer.description, this.buffered));
      return false;
    }
    return this.#socket.write(bytes);
  }

  pause(): void {
    this.#paused = true;
    if (this.#flowing) this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#flowing) this.#socket.resume();
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.#closing = true;
      this.#startFlushTimer();
      this.#socket.end();
      // Read on: a socket closed over unread bytes resets, and the peer could lose our last ones.
      this.#socket.off('data', this.#onData);
      this.#socket.resume();
    }
    return this.#gone.promise;
  }

  destroy(error?: Error): void {
    if (this.#ended) return;
    this.#reason ??= error;
    this.#closing = true;
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    if (!this.#closing) this.#events.emit('data', chunk);
  };

  #startFlushTimer(): void {
    this.#flushTimer ??= this.#options.clock.after(FLUSH_MS, () => this.#socket.destroy());
  }

  #onClose(): void {
    this.#flushTimer?.cancel();
    this.#ended = true;
    this.#events.emit('close', this.#reason);
    this.#events.clear();
    this.#gone.resolve();
  }
}
