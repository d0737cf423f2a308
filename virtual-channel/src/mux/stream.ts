import { Emitter, OffhookError, type Clock, type Timer } from '@offhook/common';
import type { Channel, ChannelEvents, PeerIdentity } from '../channel.ts';
import { bufferFullError, closedError } from '../channel-errors.ts';
import { FLUSH_MS } from '../socket-channel.ts';
import { MAX_DATA, type StreamMessage } from './frames.ts';

/** Bytes that one side of a stream may send before the other has taken any. */
const WINDOW = 128 * 1024;
const HIGH_WATER = 64 * 1024;

export interface StreamHost {
  readonly clock: Clock;
  /** Bytes that may wait in one stream. */
  readonly maxBuffered: number;
  /** A message that is no data: sent at once. */
  send(message: StreamMessage): void;
  /** The stream may have something to send. */
  wake(): void;
  /** The stream is over. */
  forget(stream: number): void;
}

/** One stream of a multiplexer: a channel inside a channel, with a window of its own. */
export class MuxStream implements Channel {
  readonly id: number;
  readonly peer: PeerIdentity;
  readonly #host: StreamHost;
  readonly #events = new Emitter<ChannelEvents>();
  readonly #gone = Promise.withResolvers<void>();
  #outbox: Uint8Array[] = [];
  #outboxBytes = 0;
  #credit = WINDOW;
  #wantsDrain = false;
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  /** Taken by the listener, and not given back to the peer as credit yet. */
  #taken = 0;
  #listening = false;
  #paused = false;
  #scheduled = false;
  #closing = false;
  #peerClosed = false;
  #ended = false;
  #flushTimer: Timer | undefined;

  constructor(id: number, peer: PeerIdentity, host: StreamHost) {
    this.id = id;
    this.peer = peer;
    this.#host = host;
  }

  get closed(): boolean {
    return this.#closing || this.#ended;
  }

  get buffered(): number {
    return this.#outboxBytes;
  }

  on<K extends keyof ChannelEvents>(
    name: K,
    listener: (event: ChannelEvents[K]) => void,
  ): () => void {
    if (name === 'data') this.#listening = true;
    this.#schedule();
    return this.#events.on(name, listener);
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed) throw closedError();
    if (this.#outboxBytes + bytes.length > this.#host.maxBuffered) {
      this.destroy(bufferFullError(this.peer.description, this.#outboxBytes));
      return false;
    }
    if (bytes.length > 0) {
      this.#outbox.push(bytes);
      this.#outboxBytes += bytes.length;
      this.#host.wake();
    }
    if (this.#outboxBytes > HIGH_WATER) this.#wantsDrain = true;
    return !this.#wantsDrain;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.#closing = true;
      this.#dropInbox();
      this.#flushTimer = this.#host.clock.after(FLUSH_MS, () => this.#leave('not-taken'));
      this.#afterSending();
    }
    return this.#gone.promise;
  }

  destroy(error?: Error): void {
    if (this.#ended || (this.#closing && this.#outboxBytes === 0)) return;
    this.#closing = true;
    this.#host.send({ type: 'reset', stream: this.id, code: 'destroyed' });
    this.end(error);
  }

  /** The next piece that the peer has room for. */
  takeOutgoing(): Uint8Array | undefined {
    const first = this.#outbox[0];
    const size = Math.min(first?.length ?? 0, this.#credit, MAX_DATA);
    if (first === undefined || size === 0) return undefined;
    if (size === first.length) this.#outbox.shift();
    else this.#outbox[0] = first.subarray(size);
    this.#outboxBytes -= size;
    this.#credit -= size;
    this.#afterSending();
    return first.subarray(0, size);
  }

  /** @throws OffhookError when the peer sends more than it was allowed. */
  receive(bytes: Uint8Array): void {
    if (this.#inboxBytes + this.#taken + bytes.length > WINDOW) {
      throw new OffhookError('channel', 'window-exceeded', 'the peer sends more than was allowed');
    }
    if (this.closed) {
      // Nobody reads it; the peer may go on until it hears of the end.
      this.#give(bytes.length);
      return;
    }
    this.#inbox.push(Uint8Array.from(bytes));
    this.#inboxBytes += bytes.length;
    this.#schedule();
  }

  addCredit(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, WINDOW);
    this.#host.wake();
  }

  /** The peer has sent all it will, and takes no more. */
  peerClosed(): void {
    this.#peerClosed = true;
    this.#schedule();
  }

  /** Over at once, without a word to the peer. */
  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#flushTimer?.cancel();
    this.#dropInbox();
    this.#outbox = [];
    this.#outboxBytes = 0;
    this.#host.forget(this.id);
    queueMicrotask(() => {
      this.#events.emit('close', error);
      this.#events.clear();
      this.#gone.resolve();
    });
  }

  #afterSending(): void {
    if (this.#outboxBytes > 0) return;
    if (this.#closing) {
      // In a microtask: the piece that was taken last is still to be sent.
      queueMicrotask(() => this.#leave(undefined));
    } else if (this.#wantsDrain) {
      this.#wantsDrain = false;
      queueMicrotask(() => {
        if (!this.closed) this.#events.emit('drain', undefined);
      });
    }
  }

  #leave(code: string | undefined): void {
    if (this.#ended) return;
    const stream = this.id;
    this.#host.send(
      code === undefined ? { type: 'close', stream } : { type: 'reset', stream, code },
    );
    this.end(undefined);
  }

  /** Looks in a microtask, never in the caller's turn, what can be delivered. */
  #schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#listening && !this.#paused && !this.closed) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      this.#inboxBytes -= chunk.length;
      this.#give(chunk.length);
      this.#events.emit('data', chunk);
    }
    if (this.#peerClosed && (this.#inboxBytes === 0 || this.#closing)) this.end(undefined);
  }

  #give(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < WINDOW / 4 || this.#ended) return;
    this.#host.send({ type: 'credit', stream: this.id, bytes: this.#taken });
    this.#taken = 0;
  }

  #dropInbox(): void {
    const dropped = this.#inboxBytes;
    this.#inbox = [];
    this.#inboxBytes = 0;
    if (!this.#ended) this.#give(dropped);
  }
}
