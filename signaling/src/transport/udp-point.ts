import type { Clock } from '@offhook/common';
import type { ListenAddress } from '../api.ts';
import type { Endpoint, Flow } from './layer.ts';
import type { Network, UdpSocket } from './network.ts';
import { isWildcard } from './addresses.ts';
import { layerClosed, sendFailed, type Wire } from './wire.ts';

export interface UdpPointEvents {
  /** A datagram and the way back to its sender. */
  datagram(data: Uint8Array, wire: Wire): void;
  /** These bytes leave. */
  sent(bytes: Uint8Array, wire: Wire): void;
  error(error: Error): void;
}

/** Remote endpoints whose `Flow` is remembered, so that it stays the same object. */
const MAX_FLOWS = 4096;
/** How long the route's local address is believed; addresses come and go (VPN). In ms. */
const SOURCE_KEPT_MS = 10_000;

/** One bound UDP socket. */
export class UdpPoint {
  readonly listening: ListenAddress;
  readonly #socket: UdpSocket;
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #events: UdpPointEvents;
  readonly #wires = new Map<string, { readonly wire: Wire; until: number }>();
  #closed = false;

  static async bind(
    network: Network,
    clock: Clock,
    at: ListenAddress,
    events: UdpPointEvents,
  ): Promise<UdpPoint> {
    let point: UdpPoint | undefined;
    const socket = await network.bindUdp(at, {
      message: (data, from) => {
        if (point !== undefined) point.#receive(data, from);
      },
      error: (error) => events.error(error),
    });
    point = new UdpPoint(network, clock, at, socket, events);
    return point;
  }

  private constructor(
    network: Network,
    clock: Clock,
    at: ListenAddress,
    socket: UdpSocket,
    events: UdpPointEvents,
  ) {
    this.#network = network;
    this.#clock = clock;
    this.#socket = socket;
    this.#events = events;
    this.listening = { ...at, port: socket.local.port };
  }

  #receive(data: Uint8Array, from: Endpoint): void {
    if (this.#closed) return;
    const events = this.#events;
    const known = this.#known(from);
    if (known !== undefined) {
      events.datagram(data, known);
    } else if (isWildcard(this.listening.address)) {
      // The local address of the flow is wanted before anybody sees the message.
      this.wire(from).then(
        (wire) => events.datagram(data, wire),
        (error: unknown) => events.error(error instanceof Error ? error : new Error(String(error))),
      );
    } else {
      events.datagram(data, this.#remember(from, this.listening.address));
    }
  }

  /** The way to a remote endpoint. */
  async wire(remote: Endpoint): Promise<Wire> {
    if (this.#closed) throw layerClosed();
    const known = this.#known(remote);
    if (known !== undefined) return known;
    const { address } = this.listening;
    if (!isWildcard(address)) return this.#remember(remote, address);
    const source = await this.#network.sourceAddress(remote).catch((error: unknown) => {
      throw sendFailed(`${remote.address} port ${remote.port} over udp`, error);
    });
    return this.#remember(remote, source);
  }

  /** The local address of a route is looked up again. */
  forgetRoutes(): void {
    if (!isWildcard(this.listening.address)) return;
    for (const known of this.#wires.values()) known.until = 0;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wires.clear();
    await this.#socket.close();
  }

  #known(remote: Endpoint): Wire | undefined {
    const known = this.#wires.get(keyOf(remote));
    return known !== undefined && known.until > this.#clock.now() ? known.wire : undefined;
  }

  #remember(remote: Endpoint, localAddress: string): Wire {
    const known = this.#wires.get(keyOf(remote));
    const until = isWildcard(this.listening.address)
      ? this.#clock.now() + SOURCE_KEPT_MS
      : Number.POSITIVE_INFINITY;
    if (known?.wire.flow.local.address === localAddress) {
      known.until = until;
      return known.wire;
    }
    const local = { address: localAddress, port: this.listening.port };
    const flow: Flow = {
      id: `udp ${local.address} ${local.port} ${remote.address} ${remote.port}`,
      transport: 'udp',
      local,
      remote,
      contact: local,
    };
    const wire: Wire = {
      flow,
      open: true,
      send: (bytes) => this.#send(bytes, wire),
    };
    if (this.#wires.size >= MAX_FLOWS) {
      const oldest = this.#wires.keys().next();
      if (oldest.done !== true) this.#wires.delete(oldest.value);
    }
    this.#wires.set(keyOf(remote), { wire, until });
    return wire;
  }

  #send(bytes: Uint8Array, wire: Wire): Promise<void> {
    if (this.#closed) return Promise.reject(layerClosed());
    const { flow } = wire;
    this.#events.sent(bytes, wire);
    return new Promise((resolve, reject) => {
      this.#socket.send(bytes, flow.remote, (error) => {
        if (error === undefined) resolve();
        else reject(sendFailed(flow, error));
      });
    });
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
