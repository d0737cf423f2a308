import { isIP } from 'node:net';
import { OffhookError, type Clock } from '@offhook/common';
import type { ListenAddress } from '../api.ts';
import { choosePoint } from './addresses.ts';
import { Connection, type ConnectionEvents } from './connection.ts';
import type { Endpoint, Flow, Limits, Target } from './layer.ts';
import type { Network, StreamSocket } from './network.ts';
import type { Traffic } from './traffic.ts';
import { withoutZone } from './via.ts';
import { layerClosed, sendFailed } from './wire.ts';

export interface ConnectionsOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly traffic: Traffic;
  readonly fraction: () => number;
  /** Points that listen for streams, to say where a peer may connect to. */
  readonly points: () => readonly { readonly listening: ListenAddress }[];
  readonly events: Omit<ConnectionEvents, 'sent'> & {
    opened(connection: Connection): void;
  };
}

type StreamTransport = 'tcp' | 'tls';

/** Every connection, in and out: found again by where it leads (RFC 3261 §18, RFC 5923). */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #all = new Set<Connection>();
  readonly #opening = new Map<string, Promise<Connection>>();
  /** What a peer's Via with `alias` said about its connection (RFC 5923). */
  readonly #aliases = new Map<string, Connection>();
  #serial = 0;
  readonly #closing = new AbortController();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  /** A connection that a request to the target can use; opened if there is none. */
  async get(target: Target, timeoutMs?: number): Promise<Connection> {
    const known = this.find(target);
    if (known !== undefined) return known;
    const key = targetKey(target);
    let opening = this.#opening.get(key);
    if (opening === undefined) {
      opening = this.#connect(target, timeoutMs ?? this.#options.limits.connectTimeoutMs);
      this.#opening.set(key, opening);
      const forget = (): unknown => this.#opening.delete(key);
      opening.then(forget, forget);
    }
    return await opening;
  }

  find(target: Target): Connection | undefined {
    for (const connection of this.#all) {
      if (connection.open && leadsTo(connection, target)) return connection;
    }
    // Only where nobody's identity was asked for: with TLS the name must have been checked.
    const alias = target.transport === 'tcp' ? this.#aliases.get(endpointKey(target)) : undefined;
    return alias?.open === true ? alias : undefined;
  }

  accept(transport: StreamTransport, socket: StreamSocket): void {
    const { limits, traffic } = this.#options;
    if (this.#closing.signal.aborted || this.#count('in') >= limits.connections) {
      traffic.counters.connectionsRefused++;
      socket.stream.on('error', () => undefined);
      socket.stream.destroy();
      return;
    }
    this.#add(transport, socket, 'in', undefined);
  }

  /** The peer at the other end also listens there and wants this connection used (RFC 5923 §5). */
  alias(connection: Connection, port: number): void {
    if (connection.direction !== 'in' || connection.flow.transport !== 'tcp') return;
    const { address } = connection.flow.remote;
    this.#aliases.set(endpointKey({ address, port }), connection);
  }

  /** Ends those from an address that the machine has not got any more. */
  moved(addresses: ReadonlySet<string>): void {
    for (const connection of this.#all) {
      if (!addresses.has(withoutZone(connection.flow.local.address))) connection.close();
    }
  }

  close(): void {
    this.#closing.abort(layerClosed());
    for (const connection of this.#all) connection.close();
  }

  /** Each direction has its own share: whoever connects to us cannot keep us from our registrar. */
  #count(direction: 'in' | 'out'): number {
    let count = 0;
    for (const connection of this.#all) if (connection.direction === direction) count++;
    return count;
  }

  async #connect(target: Target, timeoutMs: number): Promise<Connection> {
    const { network, clock, limits } = this.#options;
    const where = `${target.address} port ${target.port} over ${target.transport}`;
    if (this.#closing.signal.aborted) throw layerClosed();
    if (this.#count('out') + this.#opening.size >= limits.connections) {
      throw new OffhookError(
        'signaling',
        'too-many-connections',
        `no connection is left for ${where}`,
      );
    }
    const late = new AbortController();
    const timer = clock.after(timeoutMs, () =>
      late.abort(new Error(`no connection within ${timeoutMs} ms`)),
    );
    try {
      const socket = await network.connect(
        target,
        AbortSignal.any([late.signal, this.#closing.signal]),
      );
      if (this.#closing.signal.aborted) {
        socket.stream.destroy();
        throw layerClosed();
      }
      return this.#add(target.transport as StreamTransport, socket, 'out', target.tlsName);
    } catch (error) {
      throw sendFailed(where, error);
    } finally {
      timer.cancel();
    }
  }

  #add(
    transport: StreamTransport,
    { stream, local, remote }: StreamSocket,
    direction: 'in' | 'out',
    tlsName: string | undefined,
  ): Connection {
    const { clock, limits, fraction, events, traffic } = this.#options;
    const listening = choosePoint(
      this.#options.points().filter((point) => point.listening.transport === transport),
      remote.address,
      local.address,
    );
    const contact: Endpoint =
      listening === undefined ? local : { address: local.address, port: listening.listening.port };
    const flow: Flow = { id: `${transport} ${++this.#serial}`, transport, local, remote, contact };
    const connection = new Connection({
      flow,
      direction,
      tlsName,
      stream,
      clock,
      limits,
      fraction,
      events: {
        message: events.message,
        broken: events.broken,
        sent: (bytes) => traffic.sent(flow, bytes),
        closed: (gone, error) => this.#closed(gone, error),
      },
    });
    this.#all.add(connection);
    events.opened(connection);
    return connection;
  }

  #closed(connection: Connection, error: OffhookError): void {
    this.#all.delete(connection);
    for (const [key, aliased] of this.#aliases) {
      if (aliased === connection) this.#aliases.delete(key);
    }
    this.#options.events.closed(connection, error);
  }
}

function leadsTo({ flow, tlsName, direction }: Connection, target: Target): boolean {
  const sameEnd =
    flow.transport === target.transport &&
    flow.remote.port === target.port &&
    flow.remote.address === target.address;
  if (!sameEnd || flow.transport === 'tcp') return sameEnd;
  if (direction === 'out') return tlsName === target.tlsName;
  // The far end of an incoming connection: nothing else can be reached at that port, and only a
  // numeric address that nobody vouches for leads there.
  return target.tlsName === undefined || isIP(target.tlsName) !== 0;
}

function targetKey(target: Target): string {
  return `${target.transport} ${endpointKey(target)} ${target.tlsName ?? ''}`;
}

function endpointKey({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
