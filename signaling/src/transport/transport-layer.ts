import { randomBytes, randomInt } from 'node:crypto';
import {
  Emitter,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type OffhookError,
} from '@offhook/common';
import { Core } from 'sip.js';
import { Locator } from '../dns/locate.ts';
import { systemResolver } from '../dns/system-resolver.ts';
import type { ListenAddress, TransportName } from '../api.ts';
import { ClientTransactions } from './client-transactions.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { LazyCoreMessage, parseForCore } from './core-parse.ts';
import { lengthenBranches } from './core-branch.ts';
import { headerValue, type ResponseHead } from './head.ts';
import type {
  Flow,
  Limits,
  MessageHandler,
  NextHop,
  Random,
  Router,
  Target,
  TransportEvents,
  TransportLayer,
  TransportLayerOptions,
} from './layer.ts';
import type { Network, StreamServer } from './network.ts';
import { nodeNetwork } from './node-network.ts';
import { Outbox } from './outbox.ts';
import { branchIn, Receiver } from './receiver.ts';
import { Replies } from './replies.ts';
import { ServerTransactions } from './server-transactions.ts';
import { DEFAULT_TIMERS } from './timers.ts';
import { Traffic } from './traffic.ts';
import { UdpPoint } from './udp-point.ts';
import { Ways } from './ways.ts';
import { layerClosed, type Wire } from './wire.ts';

export const DEFAULT_LIMITS: Limits = {
  headerBytes: 64 * 1024,
  bodyBytes: 256 * 1024,
  datagramBytes: 65_535,
  connections: 256,
  sendQueueBytes: 1024 * 1024,
  messageDeadlineMs: 15_000,
  connectTimeoutMs: 8000,
  idleMs: 600_000,
  udpRequestBytes: 1300,
  transactions: 20_000,
};

const UDP_KEEP_ALIVE_MS = 25_000;
const STREAM_KEEP_ALIVE_MS = 30_000;
const CRLF_PING = Buffer.from('\r\n\r\n');

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
};

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
  readonly #logger: Logger;
  readonly #random: Random;
  readonly #network: Network;
  readonly #traffic: Traffic;
  readonly #locator: Locator;
  readonly #connections: Connections;
  readonly #ways: Ways;
  readonly #clients: ClientTransactions;
  readonly #servers: ServerTransactions;
  readonly #outbox: Outbox;
  readonly #receiver: Receiver;
  readonly #listening: ListenAddress[] = [];
  readonly #udp: UdpPoint[] = [];
  readonly #streams: { readonly listening: ListenAddress; readonly server: StreamServer }[] = [];
  readonly #keepers = new Set<() => void>();
  #handler: MessageHandler | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: TransportLayerOptions) {
    super();
    const clock = (this.#clock = options.clock ?? systemClock);
    const logger = (this.#logger = options.logger ?? silentLogger);
    const random = (this.#random = options.random ?? systemRandom);
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const timers = options.timers ?? DEFAULT_TIMERS;
    const fraction = (): number => random.fraction();
    const newTag = (): string => Buffer.from(random.bytes(10)).toString('hex');
    this.#network =
      options.network ??
      nodeNetwork({
        tls: options.tls,
        requireClientCertificate: options.requireClientCertificate,
        handshakeTimeoutMs: limits.connectTimeoutMs,
      });
    const network = this.#network;
    const traffic = (this.#traffic = new Traffic({ clock, logger, trace: options.trace }));
    const { counters } = traffic;
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
      points: () => this.#streams,
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
      udpPoints: () => this.#udp,
    });
    const replies = new Replies({ ways: this.#ways, udpPoints: () => this.#udp });
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
      secret: random.bytes(32),
      deliver: (text, head, via) => this.#deliverLocal(text, head, via),
    });
    this.#receiver = new Receiver({
      limits,
      logger,
      traffic,
      newTag,
      clients: this.#clients,
      servers: this.#servers,
      outbox: this.#outbox,
      handler: () => this.#handler,
      alias: (wire, port) => {
        if (wire instanceof Connection) this.#connections.alias(wire, port);
      },
    });
  }

  get listening(): readonly ListenAddress[] {
    return this.#listening;
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
    this.#handler = handler;
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
    const stop =
      wire instanceof Connection
        ? wire.keepAlive(options.intervalMs ?? STREAM_KEEP_ALIVE_MS, options.requirePong === true)
        : this.#keepBinding(wire, options.intervalMs ?? UDP_KEEP_ALIVE_MS);
    this.#keepers.add(stop);
    return () => {
      this.#keepers.delete(stop);
      stop();
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async bind(addresses: readonly ListenAddress[]): Promise<void> {
    for (const at of addresses) {
      if (at.transport === 'udp') {
        const point = await UdpPoint.bind(this.#network, this.#clock, at, {
          datagram: (data, wire) => this.#datagram(data, wire),
          sent: (bytes, wire) => this.#traffic.sent(wire.flow, bytes),
          error: (error) => {
            this.#logger.debug({ error: error.message }, 'a UDP socket reported an error');
          },
        });
        this.#udp.push(point);
        this.#listening.push(point.listening);
      } else {
        const { transport } = at;
        const server = await this.#network.listen(at, (socket) =>
          this.#connections.accept(transport, socket),
        );
        const listening = { ...at, port: server.local.port };
        this.#streams.push({ listening, server });
        this.#listening.push(listening);
      }
    }
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

  /** NAT bindings for UDP live as short as 30 s; an empty line is no message (RFC 3261 §7.5). */
  #keepBinding(wire: Wire, intervalMs: number): () => void {
    let stopped = false;
    let timer = this.#clock.after(0, () => undefined);
    const arm = (): void => {
      timer = this.#clock.after(intervalMs * (0.8 + 0.2 * this.#random.fraction()), () => {
        if (stopped) return;
        wire.send(CRLF_PING).catch(() => undefined);
        arm();
      });
    };
    timer.cancel();
    arm();
    return () => {
      stopped = true;
      timer.cancel();
    };
  }

  #deliverLocal(text: string, head: ResponseHead, via: string): void {
    const end = text.indexOf('\r\n\r\n');
    const body = text.slice(end + 4);
    const core = new LazyCoreMessage(() => parseForCore(head, via, body, false));
    try {
      this.#handler?.response({
        head,
        body,
        branch: branchIn(via),
        flow: undefined,
        seenAs: undefined,
        matched: true,
        get message() {
          return core.get() as Core.IncomingResponseMessage;
        },
      });
    } catch (error) {
      const cseq = headerValue(head, 'cseq');
      this.#logger.error({ cseq, error: String(error) }, 'handling a failure to send failed');
    }
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
    await Promise.all([
      ...this.#udp.map((point) => point.close()),
      ...this.#streams.map(({ server }) => server.close()),
    ]);
    this.clear();
  }
}

/** Connections can always be opened; UDP needs a socket. The order is that of RFC 3263 §4.1. */
function usableTransports(listen: readonly ListenAddress[]): readonly TransportName[] {
  const udp = listen.length === 0 || listen.some(({ transport }) => transport === 'udp');
  return udp ? ['udp', 'tcp', 'tls'] : ['tcp', 'tls'];
}
