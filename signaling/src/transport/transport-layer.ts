import { Emitter, silentLogger, systemClock, type Clock, type OffhookError } from '@offhook/common';
import { Core } from 'sip.js';
import { Locator } from '../dns/locate.ts';
import { systemResolver } from '../dns/system-resolver.ts';
import type { ListenAddress } from '../api.ts';
import { ClientTransactions } from './client-transactions.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { lengthenBranches } from './core-branch.ts';
import { DEFAULT_LIMITS, systemRandom, usableTransports } from './defaults.ts';
import { Inbox } from './inbox.ts';
import { atIntervals, PING, STREAM_KEEP_ALIVE_MS, UDP_KEEP_ALIVE_MS } from './keep-alive.ts';
import type {
  Flow,
  IncomingRequest,
  Limits,
  MessageHandler,
  NextHop,
  Random,
  Router,
  SavedRequest,
  Target,
  TransportEvents,
  TransportLayer,
  TransportLayerOptions,
} from './layer.ts';
import { nodeNetwork } from './node-network.ts';
import { Outbox } from './outbox.ts';
import { Points } from './points.ts';
import { Receiver } from './receiver.ts';
import { Replies } from './replies.ts';
import { ServerTransactions } from './server-transactions.ts';
import { DEFAULT_TIMERS } from './timers.ts';
import { Traffic } from './traffic.ts';
import { Ways } from './ways.ts';
import { layerClosed, type Wire } from './wire.ts';

export { systemRandom };

/** Creates the layer with every listening point bound, or rejects having bound none. */
export async function createTransportLayer(
  options: TransportLayerOptions,
): Promise<TransportLayer> {
  lengthenBranches();
  const layer = new SipTransports(options);
  try {
    await layer.bind(options.listen);
  } catch (error) {
    await layer.close();
    throw error;
  }
  return layer;
}

class SipTransports extends Emitter<TransportEvents> implements TransportLayer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #traffic: Traffic;
  readonly #locator: Locator;
  readonly #connections: Connections;
  readonly #ways: Ways;
  readonly #clients: ClientTransactions;
  readonly #servers: ServerTransactions;
  readonly #outbox: Outbox;
  readonly #receiver: Receiver;
  readonly #points: Points;
  readonly #inbox: Inbox;
  readonly #keepers = new Set<() => void>();
  #closing: Promise<void> | undefined;

  constructor(options: TransportLayerOptions) {
    super();
    const clock = (this.#clock = options.clock ?? systemClock);
    const logger = options.logger ?? silentLogger;
    const random = (this.#random = options.random ?? systemRandom);
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const timers = options.timers ?? DEFAULT_TIMERS;
    const fraction = (): number => random.fraction();
    const newTag = (): string => Buffer.from(random.bytes(10)).toString('hex');
    const network =
      options.network ??
      nodeNetwork({
        tls: options.tls,
        requireClientCertificate: options.requireClientCertificate,
        handshakeTimeoutMs: limits.connectTimeoutMs,
      });
    const traffic = (this.#traffic = new Traffic({ clock, logger, trace: options.trace }));
    const { counters } = traffic;
    this.#inbox = new Inbox(logger);
    this.#points = new Points({
      network,
      clock,
      logger,
      traffic,
      datagram: (data, wire) => this.#datagram(data, wire),
      accept: (transport, socket) => this.#connections.accept(transport, socket),
    });
    this.#locator = new Locator({
      resolver: options.resolver ?? systemResolver(),
      clock,
      fraction,
      usable: usableTransports(options.listen),
    });
    this.#connections = new Connections({
      network,
      clock,
      limits,
      traffic,
      fraction,
      points: () => this.#points.streams,
      events: {
        message: (head, body, connection) => this.#receiver.stream(head, body, connection),
        broken: (event, connection) => this.#receiver.broken(event, connection),
        opened: (connection) => this.#opened(connection),
        closed: (connection, error) => this.#lost(connection, error),
      },
    });
    this.#clients = new ClientTransactions({ clock, timers, counters });
    this.#ways = new Ways({
      clock,
      limits,
      network,
      locator: this.#locator,
      connections: this.#connections,
      udpPoints: () => this.#points.udp,
    });
    const replies = new Replies({ ways: this.#ways, udpPoints: () => this.#points.udp });
    this.#servers = new ServerTransactions({
      clock,
      timers,
      counters,
      limit: limits.transactions,
      reply: (arrival, response) => replies.send(arrival, response),
      onSendError: () => {
        counters.sendFailures++;
      },
    });
    this.#outbox = new Outbox({
      clock,
      timers,
      traffic,
      newTag,
      clients: this.#clients,
      servers: this.#servers,
      ways: this.#ways,
      secret: options.secret ?? random.bytes(32),
      deliver: (head, via) => {
        this.#inbox.response(head, '', { via, flow: undefined, seenAs: undefined, matched: true });
      },
    });
    this.#receiver = new Receiver({
      limits,
      traffic,
      newTag,
      clients: this.#clients,
      servers: this.#servers,
      outbox: this.#outbox,
      inbox: this.#inbox,
      alias: (wire, port) => {
        if (wire instanceof Connection) this.#connections.alias(wire, port);
      },
    });
  }

  get listening(): readonly ListenAddress[] {
    return this.#points.listening;
  }

  get counters(): TransportLayer['counters'] {
    return this.#traffic.counters;
  }

  coreTransport(router?: Router): Core.Transport {
    return {
      protocol: 'UDP',
      send: (message) =>
        this.#closing === undefined
          ? this.#outbox.send(message, router)
          : Promise.reject(new Core.TransportError(layerClosed().message)),
    };
  }

  receive(handler: MessageHandler): void {
    this.#inbox.handler = handler;
  }

  readmit(saved: SavedRequest): IncomingRequest | undefined {
    this.#mustBeOpen();
    const flow: Flow = {
      id: `gone ${saved.transport} ${saved.remote.address} ${saved.remote.port}`,
      transport: saved.transport,
      local: saved.local,
      remote: saved.remote,
      contact: this.#points.contactOf(saved),
    };
    return this.#receiver.readmit(saved.text, flow);
  }

  async resolve(uri: string, signal?: AbortSignal): Promise<readonly Target[]> {
    this.#mustBeOpen();
    return await this.#locator.locate(uri, signal);
  }

  async reach(nextHop: NextHop, signal?: AbortSignal): Promise<Flow> {
    this.#mustBeOpen();
    let last: unknown;
    for (const hop of await this.#ways.hops(nextHop, 0, signal)) {
      signal?.throwIfAborted();
      try {
        return (await this.#ways.open(hop)).flow;
      } catch (error) {
        last = error;
        this.#ways.failed(hop, 60_000);
      }
    }
    throw last;
  }

  keepAlive(flow: Flow, options: { intervalMs?: number; requirePong?: boolean } = {}): () => void {
    this.#mustBeOpen();
    const wire = this.#ways.wireOf(flow);
    const clock = this.#clock;
    const fraction = (): number => this.#random.fraction();
    // NAT bindings for UDP live as short as 30 s; an empty line is no message (RFC 3261 §7.5).
    const stop =
      wire instanceof Connection
        ? wire.keepAlive(options.intervalMs ?? STREAM_KEEP_ALIVE_MS, options.requirePong === true)
        : atIntervals(
            { clock, fraction, intervalMs: options.intervalMs ?? UDP_KEEP_ALIVE_MS },
            () => {
              wire.send(PING).catch(() => undefined);
            },
          );
    this.#keepers.add(stop);
    return () => {
      this.#keepers.delete(stop);
      stop();
    };
  }

  moved(addresses: ReadonlySet<string>): void {
    for (const point of this.#points.udp) point.forgetRoutes();
    this.#connections.moved(addresses);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async bind(addresses: readonly ListenAddress[]): Promise<void> {
    await this.#points.bind(addresses);
  }

  #datagram(data: Uint8Array, wire: Wire): void {
    if (this.#closing !== undefined) return;
    this.#ways.know(wire);
    this.#receiver.datagram(data, wire);
  }

  #opened(connection: Connection): void {
    this.#ways.know(connection);
    this.emit('flowUp', { flow: connection.flow, direction: connection.direction });
  }

  #lost(connection: Connection, error: OffhookError): void {
    this.#clients.wireLost(connection, error);
    if (this.#closing === undefined) this.emit('flowLost', { flow: connection.flow, error });
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw layerClosed();
  }

  async #close(): Promise<void> {
    for (const stop of this.#keepers) stop();
    this.#keepers.clear();
    this.#outbox.close();
    this.#clients.close();
    this.#servers.close();
    this.#connections.close();
    await this.#points.close();
    this.clear();
  }
}
