import { randomBytes } from 'node:crypto';
import { Emitter, OffhookError, type Clock, type EventSource, type Timer } from '@offhook/common';
import type { Channel } from '../channel.ts';
import { FrameReader, FrameWriter } from '../framing.ts';
import {
  decodeMessage,
  encodeHello,
  encodeMessage,
  isServiceName,
  MAX_MESSAGE,
  MUX_VERSION,
  NONCE_BYTES,
  type MuxHello,
  type MuxMessage,
  type StreamMessage,
} from './frames.ts';
import { receiveMuxHello, type MuxHandshake } from './handshake.ts';
import { MuxStream, type StreamHost } from './stream.ts';

export interface MuxEvents {
  /** The peer is there: streams can be opened. */
  up: undefined;
  /** All streams have closed. `up` may follow, unless the channel is closed. */
  down: OffhookError;
}

export interface MuxOptions {
  readonly clock: Clock;
  /** What the peer can open here, by name; the handler gets the stream. One end only has these. */
  readonly services?: Readonly<Record<string, (stream: Channel) => void>>;
  /** Streams at a time; 32. */
  readonly maxStreams?: number;
  /** Bytes that may wait in one stream; 1 MiB. */
  readonly maxBuffered?: number;
  /** Hexadecimal, 16 bytes. */
  readonly nonce?: () => string;
}

const FIRST_HELLO_AGAIN_MS = 250;
const LAST_HELLO_AGAIN_MS = 2000;

/**
 * Several streams over one channel that can lose bytes, or give us those of a peer that is gone. When
 * that shows, all streams close with the reason, and the two ends begin anew on the same channel.
 * One end opens streams by the name of a service, the other has the services.
 */
export class Mux implements EventSource<MuxEvents> {
  readonly #channel: Channel;
  readonly #options: MuxOptions;
  readonly #events = new Emitter<MuxEvents>();
  readonly #reader: FrameReader;
  readonly #writer = new FrameWriter({ maxPayload: MAX_MESSAGE });
  readonly #nonce: () => string;
  /** In the order in which they may send next. */
  readonly #streams = new Map<number, MuxStream>();
  readonly #host: StreamHost;
  #handshake: MuxHandshake;
  #sent = 0;
  #received = 0;
  #nextStream = 1;
  #roomy = true;
  #pumping = false;
  #timer: Timer | undefined;
  #over = false;

  constructor(channel: Channel, options: MuxOptions) {
    this.#channel = channel;
    this.#options = options;
    this.#nonce = options.nonce ?? (() => randomBytes(NONCE_BYTES).toString('hex'));
    this.#host = {
      clock: options.clock,
      maxBuffered: options.maxBuffered ?? 1024 * 1024,
      send: (message) => this.#send(message),
      wake: () => this.#pump(),
      forget: (id) => this.#streams.delete(id),
    };
    this.#reader = new FrameReader({
      maxPayload: MAX_MESSAGE,
      onFrame: (payload) => this.#frame(payload),
    });
    channel.on('data', (chunk) => this.#reader.push(chunk));
    channel.on('drain', () => {
      this.#roomy = true;
      this.#pump();
    });
    channel.on('close', (reason) => this.#channelClosed(reason));
    this.#handshake = { nonce: this.#nonce(), peer: undefined, up: false };
    this.#greet();
    this.#greetAgain(FIRST_HELLO_AGAIN_MS);
    channel.resume();
  }

  get up(): boolean {
    return this.#handshake.up && !this.#over;
  }

  get streams(): number {
    return this.#streams.size;
  }

  on<K extends keyof MuxEvents>(name: K, listener: (event: MuxEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * A stream to a service of the peer. Refused ones close with `unknown-service` or
   * `too-many-streams`.
   *
   * @throws OffhookError layer `channel`: `not-connected` when it is not up, `too-many-streams`.
   */
  open(service: string): Channel {
    if (!this.up) throw new OffhookError('channel', 'not-connected', 'the other end is not there');
    if (!isServiceName(service)) {
      throw new OffhookError('channel', 'unknown-service', `"${service}" is no name of a service`);
    }
    if (this.#streams.size >= this.#maxStreams) throw tooMany();
    const stream = this.#add(this.#nextStream, service);
    this.#nextStream += 1;
    this.#send({ type: 'open', stream: stream.id, service });
    return stream;
  }

  /** Closes every stream, and the channel. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.close()));
    await this.#channel.close();
  }

  get #maxStreams(): number {
    return this.#options.maxStreams ?? 32;
  }

  #add(id: number, service: string): MuxStream {
    const { transport, description } = this.#channel.peer;
    const peer = { transport, description: `${description}, ${service} ${id}` };
    const stream = new MuxStream(id, peer, this.#host);
    this.#streams.set(id, stream);
    return stream;
  }

  #frame(payload: Buffer): void {
    const message = decodeMessage(payload);
    if (this.#over || message === undefined) return;
    if (message.type === 'hello') {
      this.#hello(message);
    } else if (this.#handshake.up) {
      const expected = this.#received;
      this.#received = (expected + 1) % 2 ** 32;
      if (message.seq === expected) this.#take(message);
      else this.#restart(bytesLost());
    }
  }

  #hello(hello: MuxHello): void {
    if (hello.echo === this.#handshake.nonce && hello.version !== MUX_VERSION) {
      const text = `the other end speaks version ${hello.version} of the multiplexer, we ${MUX_VERSION}`;
      this.#channel.destroy(new OffhookError('channel', 'mux-version', text));
      return;
    }
    const step = receiveMuxHello(this.#handshake, hello, this.#nonce);
    this.#handshake = step.state;
    if (step.event === 'peer-restarted') this.#fall(peerRestarted());
    if (step.greet) this.#greet();
    if (step.event === 'up') {
      this.#timer?.cancel();
      [this.#sent, this.#received] = [0, 0];
      this.#events.emit('up', undefined);
    }
  }

  #take(message: Exclude<MuxMessage, MuxHello>): void {
    if (message.type === 'open') {
      this.#opened(message.stream, message.service);
      return;
    }
    const stream = this.#streams.get(message.stream);
    // It may have ended here while that was on its way.
    if (stream === undefined) return;
    if (message.type === 'credit') {
      stream.addCredit(message.bytes);
    } else if (message.type === 'close') {
      stream.peerClosed();
    } else if (message.type === 'reset') {
      stream.end(resetError(message.code));
    } else {
      try {
        stream.receive(message.bytes);
      } catch (error) {
        if (error instanceof OffhookError) stream.destroy(error);
        else throw error;
      }
    }
  }

  #opened(id: number, service: string): void {
    const { services = {} } = this.#options;
    const handler = Object.hasOwn(services, service) ? services[service] : undefined;
    const refuse = (code: string) => this.#send({ type: 'reset', stream: id, code });
    if (handler === undefined) refuse('unknown-service');
    else if (this.#streams.has(id)) this.#restart(bytesLost());
    else if (this.#streams.size >= this.#maxStreams) refuse('too-many-streams');
    else handler(this.#add(id, service));
  }

  #send(message: StreamMessage): void {
    if (!this.up || this.#channel.closed) return;
    const frame = this.#writer.encode(encodeMessage(this.#sent, message));
    this.#sent = (this.#sent + 1) % 2 ** 32;
    this.#roomy = this.#channel.write(frame);
  }

  /** One piece of each stream in turn, while the channel takes them. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    let sent = true;
    while (sent) {
      sent = false;
      for (const stream of this.#streams.values()) {
        if (!this.#roomy || !this.up) break;
        const bytes = stream.takeOutgoing();
        if (bytes === undefined) continue;
        this.#send({ type: 'data', stream: stream.id, bytes });
        sent = true;
      }
    }
    this.#pumping = false;
  }

  #greet(): void {
    if (this.#channel.closed) return;
    const { nonce, peer } = this.#handshake;
    this.#roomy = this.#channel.write(this.#writer.encode(encodeHello(nonce, peer)));
  }

  /** Until it is up: a hello may have been lost. What nobody takes is not made more. */
  #greetAgain(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => {
      if (this.#over || this.#handshake.up) return;
      if (this.#channel.buffered === 0) this.#greet();
      this.#greetAgain(Math.min(2 * ms, LAST_HELLO_AGAIN_MS));
    });
  }

  #restart(reason: OffhookError): void {
    this.#handshake = { nonce: this.#nonce(), peer: this.#handshake.peer, up: false };
    this.#fall(reason);
    this.#greet();
  }

  #fall(reason: OffhookError): void {
    for (const stream of this.#streams.values()) stream.end(reason);
    this.#greetAgain(FIRST_HELLO_AGAIN_MS);
    this.#events.emit('down', reason);
  }

  #channelClosed(cause: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    const reason =
      cause instanceof OffhookError
        ? cause
        : new OffhookError('channel', 'closed', 'the channel below was closed', { cause });
    for (const stream of this.#streams.values()) stream.end(reason);
    this.#events.emit('down', reason);
    this.#events.clear();
  }
}

function tooMany(): OffhookError {
  return new OffhookError('channel', 'too-many-streams', 'too many streams are open');
}

function bytesLost(): OffhookError {
  return new OffhookError('channel', 'bytes-lost', 'bytes were lost on the way');
}

function peerRestarted(): OffhookError {
  return new OffhookError('channel', 'peer-restarted', 'the other end has started anew');
}

/** Why the peer ended a stream; without a reason when it just wanted to. */
function resetError(code: string): OffhookError | undefined {
  if (code === 'destroyed' || code === 'not-taken') return undefined;
  return new OffhookError('channel', code, `the other end refused the stream: ${code}`);
}
