import {
  Emitter,
  isOffhookError,
  OffhookError,
  withDeadline,
  type EventSource,
} from '@offhook/common';
import type { Channel } from '../channel.ts';
import { ByteQueue } from './byte-queue.ts';
import { decodeBody, encodeBody, type Fields, type Layout } from './layout.ts';
import { linkError } from './link-errors.ts';
import {
  AUTH_MECHANISM_SPICE,
  decodeLinkReply,
  encodeLinkRequest,
  encryptTicket,
  LINK_HEADER_BYTES,
  announcedLength,
  type LinkRequest,
} from './link.ts';
import { baseFromClient, baseFromServer, CommonCap } from './messages.ts';

/** SpiceMiniDataHeader: u16 type, u32 size. */
const MINI_HEADER_BYTES = 6;
/** What the main and port channels send is far smaller; a larger one costs the connection. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export interface SpiceMessage {
  readonly type: number;
  /** Valid until the listener returns. */
  readonly body: Uint8Array;
}

export interface SpiceChannelEvents {
  /** Every message but those that this class answers itself (SET_ACK, PING). */
  message: SpiceMessage;
  /** The connection is gone, once, last of all. */
  close: Error | undefined;
}

export interface LinkOptions extends LinkRequest {
  readonly password: string;
  /** Milliseconds for the whole link stage. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One SPICE channel after its link stage: mini headers, the acknowledgement window and pings
 * (spice.proto `BaseChannel`).
 */
export class SpiceChannel implements EventSource<SpiceChannelEvents> {
  readonly type: number;
  readonly id: number;
  /** Capabilities of the server for this kind of channel, bit numbers. */
  readonly caps: readonly number[];
  readonly #transport: Channel;
  readonly #incoming: ByteQueue;
  readonly #events = new Emitter<SpiceChannelEvents>((error) => this.#listenerFailed(error));
  #started = false;
  #window = 0;
  #unacknowledged = 0;
  #failure: Error | undefined;

  private constructor(
    transport: Channel,
    incoming: ByteQueue,
    options: LinkOptions,
    caps: readonly number[],
  ) {
    this.#transport = transport;
    this.#incoming = incoming;
    this.type = options.channelType;
    this.id = options.channelId;
    this.caps = caps;
    transport.on('data', (chunk) => this.#receive(chunk));
    transport.on('drain', () => this.#drained?.());
    transport.on('close', (error) => {
      this.#events.emit('close', this.#failure ?? error);
      this.#events.clear();
    });
  }

  /**
   * Links over a connection that has just been opened; closes it on failure.
   *
   * @throws OffhookError layer `channel`: `spice-…` by link and authentication code,
   * `spice-invalid-reply`, `timeout`, `closed`.
   */
  static async link(transport: Channel, options: LinkOptions): Promise<SpiceChannel> {
    const reader = new LinkReader(transport);
    try {
      const caps = await withDeadline(
        {
          layer: 'channel',
          what: `the SPICE link with ${transport.peer.description}`,
          ms: options.timeoutMs,
          signal: options.signal,
        },
        () => exchangeLink(transport, reader, options),
      );
      const channel = new SpiceChannel(transport, reader.rest(), options, caps);
      transport.pause();
      return channel;
    } catch (error) {
      transport.destroy();
      throw error;
    }
  }

  /** Called when the transport can take more, after `send` returned false. */
  #drained: (() => void) | undefined;
  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** Messages begin with the first `message` listener, in the next microtask; none is lost. */
  on<K extends keyof SpiceChannelEvents>(
    name: K,
    listener: (event: SpiceChannelEvents[K]) => void,
  ): () => void {
    if (name === 'message' && !this.#started) {
      this.#started = true;
      queueMicrotask(() => {
        this.#transport.resume();
        this.#receive(new Uint8Array(0));
      });
    }
    return this.#events.on(name, listener);
  }

  /** By TLS. */
  get secure(): boolean {
    return this.#transport.peer.transport === 'tls';
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  get buffered(): number {
    return this.#transport.buffered;
  }

  /** False when the caller should wait for drain. What is sent when the peer has gone is lost. */
  send<L extends Layout>(
    message: { readonly type: number; readonly body: L },
    fields: Fields<L>,
  ): boolean {
    // It may have closed in this turn, and say so in the next.
    if (this.closed) return false;
    const body = encodeBody(message.body, fields);
    const bytes = new Uint8Array(MINI_HEADER_BYTES + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, message.type, true);
    view.setUint32(2, body.length, true);
    bytes.set(body, MINI_HEADER_BYTES);
    return this.#transport.write(bytes);
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  destroy(error?: Error): void {
    this.#failure ??= error;
    this.#transport.destroy(error);
  }

  /** What a listener cannot read costs the connection, not the process. */
  #listenerFailed(error: unknown): void {
    if (isOffhookError(error)) {
      this.destroy(error);
      return;
    }
    queueMicrotask(() => {
      throw error;
    });
  }

  #receive(chunk: Uint8Array): void {
    this.#incoming.push(chunk);
    if (!this.#started) return;
    try {
      for (;;) {
        const header = this.#incoming.peek(MINI_HEADER_BYTES);
        if (header === undefined || this.closed) return;
        const view = new DataView(header.buffer, header.byteOffset, MINI_HEADER_BYTES);
        const type = view.getUint16(0, true);
        const size = view.getUint32(2, true);
        if (size > MAX_MESSAGE_BYTES) {
          throw new OffhookError(
            'channel',
            'spice-malformed',
            `SPICE message ${type} announces ${size} bytes`,
          );
        }
        const message = this.#incoming.take(MINI_HEADER_BYTES + size);
        if (message === undefined) return;
        this.#handle(type, message.subarray(MINI_HEADER_BYTES));
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #handle(type: number, body: Uint8Array): void {
    if (type === baseFromServer.setAck.type) {
      const { generation, window } = decodeBody('SET_ACK', baseFromServer.setAck.body, body);
      this.#window = window;
      this.#unacknowledged = 0;
      this.send(baseFromClient.ackSync, { generation });
      return;
    }
    if (this.#window > 0 && ++this.#unacknowledged >= this.#window) {
      this.#unacknowledged = 0;
      this.send(baseFromClient.ack, {});
    }
    if (type === baseFromServer.ping.type) {
      const { id, timestamp } = decodeBody('PING', baseFromServer.ping.body, body);
      this.send(baseFromClient.pong, { id, timestamp });
      return;
    }
    this.#events.emit('message', { type, body });
  }
}

async function exchangeLink(
  transport: Channel,
  reader: LinkReader,
  options: LinkOptions,
): Promise<readonly number[]> {
  transport.write(encodeLinkRequest(options));
  const reply = decodeLinkReply(
    await reader.read(announcedLength(await reader.read(LINK_HEADER_BYTES))),
  );
  if (reply.error !== 0) throw linkError(reply.error, 'link reply');
  if (!reply.commonCaps.includes(CommonCap.miniHeader)) {
    throw new OffhookError(
      'channel',
      'spice-no-mini-header',
      'the SPICE server is too old: it has no mini headers',
    );
  }
  if (reply.commonCaps.includes(CommonCap.authSelection)) {
    if (!reply.commonCaps.includes(CommonCap.authSpice)) {
      throw new OffhookError(
        'channel',
        'spice-sasl-only',
        'the SPICE server only takes SASL authentication, which Offhook does not speak',
        { remedy: 'use tickets: no sasl=on at QEMU, no spice_sasl in libvirt’s qemu.conf' },
      );
    }
    transport.write(AUTH_MECHANISM_SPICE);
  }
  transport.write(encryptTicket(reply.publicKey, options.password));
  const result = await reader.read(4);
  const code = new DataView(result.buffer, result.byteOffset, 4).getUint32(0, true);
  if (code !== 0) throw linkError(code, 'authentication');
  return reply.channelCaps;
}

/** Reads exact counts of bytes during the link stage; hands over what came beyond. */
class LinkReader {
  readonly #queue = new ByteQueue();
  readonly #off: (() => void)[];
  #wanted: { count: number; resolve: (bytes: Uint8Array) => void } | undefined;
  #reject: ((error: Error) => void) | undefined;
  #closed: Error | undefined;

  constructor(transport: Channel) {
    const where = transport.peer.description;
    this.#off = [
      transport.on('data', (chunk) => {
        this.#queue.push(chunk);
        this.#serve();
      }),
      transport.on('close', (error) => {
        this.#closed =
          error ?? new OffhookError('channel', 'closed', `${where} closed during the SPICE link`);
        this.#reject?.(this.#closed);
      }),
    ];
  }

  read(count: number): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    if (this.#closed !== undefined) reject(this.#closed);
    this.#wanted = { count, resolve };
    this.#reject = reject;
    this.#serve();
    return promise;
  }

  rest(): ByteQueue {
    for (const off of this.#off) off();
    return this.#queue;
  }

  #serve(): void {
    const bytes = this.#wanted === undefined ? undefined : this.#queue.take(this.#wanted.count);
    if (bytes === undefined) return;
    this.#wanted?.resolve(bytes.slice());
    this.#wanted = undefined;
  }
}
