import { Emitter } from '@offhook/common';
import type { Channel, ChannelEvents, PeerIdentity } from './channel.ts';
import { closedError } from './channel-errors.ts';

/** One end of a port, over all its lives. */
export interface PortCarrier {
  readonly buffered: number;
  /** False when it is full. */
  write(bytes: Uint8Array): boolean;
  pause(): void;
  resume(): void;
}

/**
 * One life of a port: from the moment when the other end is opened until it is closed, or the
 * connection goes. Closing it here only ends this life for us: a port has no way to close the other
 * end, and what still comes is dropped.
 */
export class PortStream implements Channel {
  readonly peer: PeerIdentity;
  readonly #port: PortCarrier;
  readonly #events = new Emitter<ChannelEvents>();
  readonly #gone = Promise.withResolvers<void>();
  /** What came before somebody listened; the port is paused meanwhile, so that it stays small. */
  #early: Uint8Array[] = [];
  #listened = false;
  #paused = false;
  #closed = false;

  constructor(port: PortCarrier, peer: PeerIdentity) {
    this.#port = port;
    this.peer = peer;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get buffered(): number {
    return this.#port.buffered;
  }

  on<K extends keyof ChannelEvents>(
    name: K,
    listener: (event: ChannelEvents[K]) => void,
  ): () => void {
    const off = this.#events.on(name, listener);
    if (name === 'data' && !this.#listened) {
      this.#listened = true;
      queueMicrotask(() => this.#flushEarly());
    }
    return off;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed) throw closedError();
    return this.#port.write(bytes);
  }

  pause(): void {
    // The port may carry the next life already.
    if (this.#closed) return;
    this.#paused = true;
    this.#port.pause();
  }

  resume(): void {
    if (this.#closed) return;
    this.#paused = false;
    this.#flushEarly();
    this.#port.resume();
  }

  close(): Promise<void> {
    this.end(undefined);
    return this.#gone.promise;
  }

  destroy(error?: Error): void {
    this.end(error);
  }

  /** The port delivered bytes of the guest. */
  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#listened && !this.#paused && this.#early.length === 0) {
      this.#events.emit('data', bytes);
      return;
    }
    this.#early.push(bytes.slice());
    this.#port.pause();
  }

  drained(): void {
    if (!this.#closed) this.#events.emit('drain', undefined);
  }

  /** The guest closed its end, or the connection went. */
  end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#early = [];
    queueMicrotask(() => {
      this.#port.resume();
      this.#events.emit('close', error);
      this.#events.clear();
      this.#gone.resolve();
    });
  }

  #flushEarly(): void {
    while (!this.#paused && !this.#closed) {
      const chunk = this.#early.shift();
      if (chunk === undefined) {
        this.#port.resume();
        return;
      }
      this.#events.emit('data', chunk);
    }
  }
}
