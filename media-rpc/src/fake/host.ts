import { silentLogger, systemClock, type Clock, type Logger } from '@offhook/common';
import {
  createMemoryPair,
  listenChannel,
  type Channel,
  type ChannelListener,
  type ListenOptions,
  type MemoryPair,
} from '@offhook/virtual-channel';
import { connectMedia, type ConnectMediaOptions, type MediaConnection } from '../media-client.ts';
import { serveMedia, type MediaServer } from '../media-server.ts';
import { FakeEngine, type FakeEngineOptions } from './fake-engine.ts';

export interface FakeEngineHostOptions extends FakeEngineOptions {
  logger?: Logger;
}

/** The process that a fake engine would live in: takes guests, dies, and comes back. */
export class FakeEngineHost {
  readonly #options: FakeEngineHostOptions;
  readonly #clock: Clock;
  readonly #servers = new Map<MediaServer, Channel>();
  readonly #listeners: ChannelListener[] = [];
  #engine: FakeEngine;
  #lives = 1;

  constructor(options: FakeEngineHostOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#engine = this.#newEngine();
  }

  /** The engine of the present life. */
  get engine(): FakeEngine {
    return this.#engine;
  }

  /** Serves a guest on this channel. */
  attach(channel: Channel): MediaServer {
    const server = serveMedia(channel, {
      engine: () => this.#engine,
      instanceId: this.#engine.instanceId,
      clock: this.#clock,
      logger: this.#options.logger ?? silentLogger,
    });
    this.#servers.set(server, channel);
    server.on('closed', () => this.#servers.delete(server));
    return server;
  }

  /** Serves guests at an address; returns the address with its real port. */
  async listen(address: string, options: ListenOptions = {}): Promise<string> {
    const listener = await listenChannel(address, options, (channel) => this.attach(channel));
    this.#listeners.push(listener);
    return listener.address;
  }

  /** A guest's connection over memory; the pair is there for cutting and freezing it. */
  async connect(
    options: Partial<ConnectMediaOptions> = {},
  ): Promise<{ client: MediaConnection; pair: MemoryPair }> {
    const pair = createMemoryPair({ clock: this.#clock });
    this.attach(pair.right);
    const client = await connectMedia(pair.left, {
      instanceId: 'guest',
      leaseMs: 30_000,
      clock: this.#clock,
      ...options,
    });
    return { client, pair };
  }

  /**
   * SIGKILL and a new start: connections are cut, the instance is another, and the sessions are gone
   * unless a worker has kept them.
   */
  crash(options: { keepSessions?: boolean } = {}): void {
    for (const channel of this.#servers.values()) channel.destroy();
    this.#servers.clear();
    this.#lives++;
    const earlier = this.#engine;
    this.#engine = this.#newEngine();
    if (options.keepSessions === true) this.#engine.adopt(earlier);
    earlier.close();
  }

  /** Stops listening and says goodbye to every guest. Idempotent. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    await Promise.all([...this.#servers.keys()].map((server) => server.close()));
    this.#engine.close();
  }

  #newEngine(): FakeEngine {
    const { logger: _logger, instanceId = 'fake-engine', ...rest } = this.#options;
    return new FakeEngine({
      ...rest,
      clock: this.#clock,
      instanceId: `${instanceId}-${this.#lives}`,
    });
  }
}
