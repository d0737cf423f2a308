import type { Duplex } from 'node:stream';
import { OffhookError, type Clock, type Timer } from '@offhook/common';
import { StreamFramer, type FrameEvent } from './framer.ts';
import { atIntervals, PING } from './keep-alive.ts';
import type { Flow, Limits } from './layer.ts';
import { layerClosed, sendFailed, type Wire } from './wire.ts';

export interface ConnectionEvents {
  message(head: Uint8Array, body: Uint8Array, connection: Connection): void;
  /** The stream made no sense; the connection closes after this. */
  broken(event: FrameEvent & { type: 'broken' }, connection: Connection): void;
  /** These bytes leave. */
  sent(bytes: Uint8Array): void;
  closed(connection: Connection, error: OffhookError): void;
}

export interface ConnectionOptions {
  readonly flow: Flow;
  readonly direction: 'in' | 'out';
  /** The SIP domain that the peer's certificate was checked for. */
  readonly tlsName: string | undefined;
  readonly stream: Duplex;
  readonly clock: Clock;
  readonly limits: Limits;
  /** In [0, 1): spreads keep-alives (RFC 5626 §4.4.1). */
  readonly fraction: () => number;
  readonly events: ConnectionEvents;
}

/** RFC 5626 §4.4.1: a pong comes within 10 s. */
const PONG_TIMEOUT = 10_000;
const PONG = Buffer.from('\r\n');
/** A peer that does not read gets no pongs piled up. */
const PONG_QUEUE = 1024;

/** One TCP or TLS connection: framing, deadlines, keep-alive. */
export class Connection implements Wire {
  readonly flow: Flow;
  readonly direction: 'in' | 'out';
  readonly tlsName: string | undefined;
  readonly #options: ConnectionOptions;
  readonly #framer: StreamFramer;
  #open = true;
  #lastActive: number;
  #keepers = 0;
  #ponged = false;
  #deadline: Timer | undefined;
  #pongTimer: Timer | undefined;
  #idleTimer: Timer | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.flow = options.flow;
    this.direction = options.direction;
    this.tlsName = options.tlsName;
    this.#framer = new StreamFramer(options.limits);
    this.#lastActive = options.clock.now();
    this.#watchIdle(options.limits.idleMs);
    const { stream } = options;
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.close(this.#lost(error.message)));
    stream.on('end', () => this.close(this.#lost('the peer closed it')));
    stream.on('close', () => this.close(this.#lost('it was closed')));
  }

  get open(): boolean {
    return this.#open;
  }

  send(bytes: Uint8Array): Promise<void> {
    if (!this.#open) return Promise.reject(sendFailed(this.flow, 'the connection has gone'));
    const { stream, limits, clock } = this.#options;
    if (stream.writableLength + bytes.byteLength > limits.sendQueueBytes) {
      const error = this.#lost('the peer does not read');
      this.close(error);
      return Promise.reject(error);
    }
    this.#lastActive = clock.now();
    this.#options.events.sent(bytes);
    return new Promise((resolve, reject) => {
      stream.write(bytes, (error) => {
        if (error) reject(sendFailed(this.flow, error));
        else resolve();
      });
    });
  }

  /**
   * Sends a double CRLF every `intervalMs` until stopped. The pong is demanded if `requirePong`,
   * or once the peer has shown that it sends them.
   */
  keepAlive(intervalMs: number, requirePong: boolean): () => void {
    this.#keepers++;
    const { clock, fraction } = this.#options;
    const stop = atIntervals({ clock, intervalMs, fraction }, () => {
      if (this.#open) this.#ping(requirePong);
      else stop();
    });
    let running = true;
    return () => {
      if (running) this.#keepers--;
      running = false;
      stop();
    };
  }

  /** Idempotent; `error` is what everybody who waits on this connection is told. */
  close(error: OffhookError = layerClosed()): void {
    if (!this.#open) return;
    this.#open = false;
    this.#deadline?.cancel();
    this.#pongTimer?.cancel();
    this.#idleTimer?.cancel();
    const { stream, events } = this.#options;
    stream.removeAllListeners('data');
    stream.on('error', () => undefined);
    // Lets an answer that was just written get out; a peer that does not read is cut off.
    stream.end(() => stream.destroy());
    if (stream.writableLength > 0) this.#options.clock.after(1000, () => stream.destroy());
    events.closed(this, error);
  }

  #receive(chunk: Buffer): void {
    const { clock, events } = this.#options;
    this.#lastActive = clock.now();
    this.#pongTimer?.cancel();
    this.#pongTimer = undefined;
    let complete = false;
    for (const event of this.#framer.push(chunk)) {
      if (!this.#open) return;
      switch (event.type) {
        case 'message':
          complete = true;
          events.message(event.head, event.body, this);
          break;
        case 'ping':
          this.#pong();
          break;
        case 'pong':
          this.#ponged = true;
          break;
        case 'broken':
          events.broken(event, this);
          this.close(this.#lost(event.reason));
          return;
      }
    }
    this.#watchMessage(complete);
  }

  #ping(requirePong: boolean): void {
    const { clock } = this.#options;
    this.send(PING).catch(() => undefined);
    if (!requirePong && !this.#ponged) return;
    this.#pongTimer ??= clock.after(PONG_TIMEOUT, () => this.close(this.#lost('no pong came')));
  }

  #pong(): void {
    const { stream } = this.#options;
    if (stream.writableLength < PONG_QUEUE) this.send(PONG).catch(() => undefined);
  }

  /** A message that has begun must end in time. */
  #watchMessage(complete: boolean): void {
    const { clock, limits } = this.#options;
    if (complete || !this.#framer.midMessage) {
      this.#deadline?.cancel();
      this.#deadline = undefined;
    }
    if (this.#framer.midMessage) {
      this.#deadline ??= clock.after(limits.messageDeadlineMs, () =>
        this.close(this.#lost('a message took too long')),
      );
    }
  }

  #watchIdle(ms: number): void {
    const { clock, limits } = this.#options;
    this.#idleTimer = clock.after(ms, () => {
      const idle = clock.now() - this.#lastActive;
      if (this.#keepers === 0 && idle >= limits.idleMs) this.close(this.#lost('it was idle'));
      else this.#watchIdle(Math.max(1, this.#keepers > 0 ? limits.idleMs : limits.idleMs - idle));
    });
  }

  #lost(why: string): OffhookError {
    const { transport, remote } = this.flow;
    return new OffhookError(
      'signaling',
      'connection-lost',
      `the ${transport} connection with ${remote.address} port ${remote.port} has gone: ${why}`,
    );
  }
}
