import type { OffhookError } from '@offhook/common';
import type { Channel, FrameWriter } from '@offhook/virtual-channel';
import { linkError } from './link-errors.ts';

/** Bytes that may wait for the peer before the link is given up. */
const MAX_QUEUED = 1024 * 1024;
/** Messages on their way unacknowledged, beyond which droppable ones stay at home. */
const DROP_WINDOW = 256;

/**
 * The sending half of a link: frames of one turn leave in one write, and what nobody takes is
 * bounded. Heartbeats acknowledge messages, because megabytes can be on their way where the
 * channel cannot see them.
 */
export class Outbox {
  readonly #channel: Channel;
  readonly #frames: FrameWriter;
  readonly #fail: (error: OffhookError) => void;
  readonly #offDrain: () => void;
  #batch: Buffer[] = [];
  #sent = 0;
  #acknowledged = 0;
  #congested = false;

  constructor(channel: Channel, frames: FrameWriter, fail: (error: OffhookError) => void) {
    this.#channel = channel;
    this.#frames = frames;
    this.#fail = fail;
    this.#offDrain = channel.on('drain', () => {
      this.#congested = false;
    });
  }

  /** JSON-RPC messages in this life of the link. */
  get sent(): number {
    return this.#sent;
  }

  /** A new life of the link: its messages are counted anew. */
  restart(): void {
    this.#sent = 0;
    this.#acknowledged = 0;
  }

  /** How many of our messages the peer has got. */
  acknowledged(count: number): void {
    this.#acknowledged = Math.min(count, this.#sent);
  }

  message(message: object, droppable: boolean): boolean {
    if (droppable && (this.#congested || this.#sent - this.#acknowledged > DROP_WINDOW)) {
      return false;
    }
    this.control(message);
    this.#sent++;
    return true;
  }

  control(message: object): void {
    this.#batch.push(this.#frames.encode(JSON.stringify(message)));
    if (this.#batch.length === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    const [first, ...rest] = this.#batch;
    this.#batch = [];
    if (first === undefined || this.#channel.closed) return;
    const bytes = rest.length === 0 ? first : Buffer.concat([first, ...rest]);
    const waiting = this.#channel.buffered;
    if (waiting > 0 && waiting + bytes.length > MAX_QUEUED) {
      this.#fail(linkError.queueFull(waiting));
      return;
    }
    if (!this.#channel.write(bytes)) this.#congested = true;
  }

  stop(): void {
    this.#batch = [];
    this.#offDrain();
  }
}
