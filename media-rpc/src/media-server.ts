import {
  Emitter,
  silentLogger,
  systemClock,
  type Clock,
  type EventSource,
  type Logger,
} from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import type { MediaEngine } from './engine.ts';
import { Link, type LinkPeer } from './link.ts';
import { RequestServer } from './request-server.ts';

/** A guest that has said HELLO. Another life of it is another connection. */
export interface GuestConnection extends EventSource<{ closed: Error | undefined }> {
  readonly guest: LinkPeer;
  /** Milliseconds granted in our HELLO; `lease.set` is the engine's own affair. */
  readonly leaseMs: number;
  readonly closed: boolean;
}

export interface ServeMediaOptions {
  /**
   * Called for each guest that comes up on the channel; what it returns serves that guest until
   * the connection's `closed`.
   */
  engine: (connection: GuestConnection) => MediaEngine;
  /** This engine's instance: another one after each start. */
  instanceId: string;
  /** Milliseconds granted for those asked for (undefined: the guest has not said yet). */
  lease?: (askedMs: number | undefined) => number;
  clock?: Clock;
  logger?: Logger;
  capabilities?: readonly string[];
  /** Milliseconds in which a guest has to greet; 5,000. `Infinity` for a port that is always open. */
  handshakeMs?: number;
  heartbeatMs?: number;
  silenceMs?: number;
  /** For tests of other versions. */
  protocol?: { readonly min: number; readonly max: number };
}

export interface MediaServerEvents {
  connected: GuestConnection;
  /** The channel is closed, and no guest will come on it any more. Once, last of all. */
  closed: Error | undefined;
}

export interface MediaServer extends EventSource<MediaServerEvents> {
  /** The guest that is there now. */
  readonly connection: GuestConnection | undefined;
  /** Says goodbye to the guest and closes the channel. Idempotent. */
  close(): Promise<void>;
}

/** Milliseconds granted at most unless the engine has a policy of its own. */
const DEFAULT_LEASE_MS = 60_000;

/**
 * Serves guests on a channel: one after the other, when a guest is started again behind a channel
 * that stays open. The channel belongs to the server.
 */
export function serveMedia(channel: Channel, options: ServeMediaOptions): MediaServer {
  return new LinkedServer(channel, options);
}

class Connection implements GuestConnection {
  readonly guest: LinkPeer;
  readonly leaseMs: number;
  readonly #events: Emitter<{ closed: Error | undefined }>;
  #closed = false;

  constructor(guest: LinkPeer, leaseMs: number, onListenerError: (error: unknown) => void) {
    this.guest = guest;
    this.leaseMs = leaseMs;
    this.#events = new Emitter(onListenerError);
  }

  get closed(): boolean {
    return this.#closed;
  }

  on(name: 'closed', listener: (error: Error | undefined) => void): () => void {
    return this.#events.on(name, listener);
  }

  end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.emit('closed', error);
    this.#events.clear();
  }
}

class LinkedServer implements MediaServer {
  readonly #options: ServeMediaOptions;
  readonly #logger: Logger;
  readonly #link: Link;
  readonly #events: Emitter<MediaServerEvents>;
  #current: { readonly connection: Connection; readonly requests: RequestServer } | undefined;
  #closed = false;

  constructor(channel: Channel, options: ServeMediaOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#events = new Emitter(this.#listenerFailed);
    const lease = this.#lease();
    this.#link = new Link(channel, {
      role: 'engine',
      instanceId: options.instanceId,
      capabilities: options.capabilities,
      leaseMs: lease,
      clock: options.clock ?? systemClock,
      logger: this.#logger,
      protocol: options.protocol,
      heartbeatMs: options.heartbeatMs,
      silenceMs: options.silenceMs,
      handshakeMs: options.handshakeMs,
    });
    this.#link.on('up', (guest) => this.#up(guest, lease(guest.leaseMs)));
    this.#link.on('message', (message) => this.#current?.requests.receive(message));
    this.#link.on('down', (error) => {
      this.#down(error);
      if (this.#link.over) this.#end(error);
    });
  }

  get connection(): GuestConnection | undefined {
    return this.#current?.connection;
  }

  on<K extends keyof MediaServerEvents>(
    name: K,
    listener: (event: MediaServerEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  async close(): Promise<void> {
    const closing = this.#link.close();
    this.#down(undefined);
    this.#end(undefined);
    await closing;
  }

  readonly #listenerFailed = (error: unknown): void => {
    this.#logger.error({ err: error }, 'media connection listener failed');
  };

  #lease(): (askedMs: number | undefined) => number {
    return (
      this.#options.lease ?? ((asked) => Math.min(asked ?? DEFAULT_LEASE_MS, DEFAULT_LEASE_MS))
    );
  }

  #up(guest: LinkPeer, leaseMs: number): void {
    const connection = new Connection(guest, leaseMs, this.#listenerFailed);
    let engine: MediaEngine;
    try {
      engine = this.#options.engine(connection);
    } catch (error) {
      this.#logger.error({ err: error }, 'no engine for a guest');
      void this.close();
      return;
    }
    const requests = new RequestServer(engine, this.#logger, this.#link);
    this.#current = { connection, requests };
    this.#events.emit('connected', connection);
  }

  #down(error: Error | undefined): void {
    const current = this.#current;
    this.#current = undefined;
    current?.requests.stop();
    current?.connection.end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.emit('closed', error);
    this.#events.clear();
  }
}
