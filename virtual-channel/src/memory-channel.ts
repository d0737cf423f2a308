import { Emitter, systemClock, type Clock, type Timer } from '@offhook/common';
import type { Channel, ChannelEvents, PeerIdentity } from './channel.ts';
import { bufferFullError, closedError } from './channel-errors.ts';
import { FLUSH_MS } from './socket-channel.ts';

export interface MemoryPairOptions {
  clock?: Clock;
  /** Bytes above which `write` returns false; 64 KiB. */
  highWaterMark?: number;
  /** Bytes; 4 MiB. */
  maxBuffered?: number;
  /** Cuts what is delivered into other chunks than were written. */
  split?: (bytes: Uint8Array) => readonly Uint8Array[];
}

/** Two ends of one channel inside a process. */
export interface MemoryPair {
  readonly left: Channel;
  readonly right: Channel;
  /** Nothing moves between the ends any more, and neither hears of it: a stopped process. */
  freeze(): void;
  thaw(): void;
}

interface Shared {
  readonly clock: Clock;
  readonly highWaterMark: number;
  readonly maxBuffered: number;
  readonly split: (bytes: Uint8Array) => readonly Uint8Array[];
  frozen: boolean;
}

/** A channel between two parts of one process, for tests and for an engine in the same process. */
export function createMemoryPair(options: MemoryPairOptions = {}): MemoryPair {
  const shared: Shared = {
    clock: options.clock ?? systemClock,
    highWaterMark: options.highWaterMark ?? 64 * 1024,
    maxBuffered: options.maxBuffered ?? 4 * 1024 * 1024,
    split: options.split ?? ((bytes) => [bytes]),
    frozen: false,
  };
  const left = new MemoryEnd('left', shared);
  const right = new MemoryEnd('right', shared);
  left.other = right;
  right.other = left;
  return {
    left,
    right,
    freeze() {
      shared.frozen = true;
    },
    thaw() {
      shared.frozen = false;
      left.schedule();
      right.schedule();
    },
  };
}

class MemoryEnd implements Channel {
  readonly peer: PeerIdentity;
  other: MemoryEnd | undefined;
  readonly #shared: Shared;
  readonly #events = new Emitter<ChannelEvents>();
  readonly #gone = Promise.withResolvers<void>();
  /** What the other end wrote and nobody here has taken yet. */
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #listening = false;
  #paused = false;
  #scheduled = false;
  #overflowed = false;
  #closing = false;
  #otherGone = false;
  #ended = false;
  #reason: Error | undefined;
  #flushTimer: Timer | undefined;

  constructor(name: string, shared: Shared) {
    this.peer = { transport: 'memory', description: `memory:${name}` };
    this.#shared = shared;
  }

  get closed(): boolean {
    return this.#closing || this.#ended;
  }

  get buffered(): number {
    return this.other?.unread ?? 0;
  }

  get unread(): number {
    return this.#inboxBytes;
  }

  on<K extends keyof ChannelEvents>(
    name: K,
    listener: (event: ChannelEvents[K]) => void,
  ): () => void {
    if (name === 'data') this.#listening = true;
    this.schedule();
    return this.#events.on(name, listener);
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed) throw closedError();
    if (this.buffered + bytes.length > this.#shared.maxBuffered) {
      this.destroy(bufferFullError(this.peer.description, this.buffered));
      return false;
    }
    this.other?.receive(bytes);
    if (this.buffered > this.#shared.highWaterMark) this.#overflowed = true;
    return !this.#overflowed;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.schedule();
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.#closing = true;
      this.#dropInbox();
      this.#flushTimer = this.#shared.clock.after(FLUSH_MS, () => this.#finish());
      this.schedule();
    }
    return this.#gone.promise;
  }

  destroy(error?: Error): void {
    if (this.#ended) return;
    this.#reason ??= error;
    this.#closing = true;
    queueMicrotask(() => this.#finish());
  }

  receive(bytes: Uint8Array): void {
    if (this.closed || bytes.length === 0) return;
    this.#inbox.push(...this.#shared.split(bytes));
    this.#inboxBytes += bytes.length;
    this.schedule();
  }

  /** Looks in a microtask, never in the caller's turn, what can be delivered. */
  schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#ended) return;
    while (this.#canDeliver()) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      this.#inboxBytes -= chunk.length;
      this.#events.emit('data', chunk);
    }
    if (this.#inboxBytes === 0) this.other?.taken();
    if (this.#shared.frozen) return;
    const flushed = this.#closing && this.buffered === 0;
    const overThere = this.#otherGone && this.#inboxBytes === 0;
    if (flushed || overThere) this.#finish();
  }

  #canDeliver(): boolean {
    return this.#listening && !this.#paused && !this.#shared.frozen && !this.#closing;
  }

  /** The other end has taken everything that was written here. */
  taken(): void {
    if (this.#closing) this.schedule();
    if (!this.#overflowed || this.closed) return;
    this.#overflowed = false;
    this.#events.emit('drain', undefined);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#flushTimer?.cancel();
    this.#dropInbox();
    this.other?.peerGone();
    this.#events.emit('close', this.#reason);
    this.#events.clear();
    this.#gone.resolve();
  }

  /** Whatever is still on its way by now is lost. */
  peerGone(): void {
    this.#otherGone = true;
    this.#dropInbox();
    this.schedule();
  }

  #dropInbox(): void {
    this.#inbox = [];
    this.#inboxBytes = 0;
  }
}
