import type { Clock, Logger } from '@offhook/common';
import type { ListenAddress } from '../api.ts';
import { choosePoint, isWildcard } from './addresses.ts';
import type { Endpoint, SavedRequest } from './layer.ts';
import type { Network, StreamServer, StreamSocket } from './network.ts';
import type { Traffic } from './traffic.ts';
import { UdpPoint } from './udp-point.ts';
import type { Wire } from './wire.ts';

export interface PointsOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly traffic: Traffic;
  readonly datagram: (data: Uint8Array, wire: Wire) => void;
  readonly accept: (transport: 'tcp' | 'tls', socket: StreamSocket) => void;
}

/** Everything that the layer listens at. */
export class Points {
  readonly listening: ListenAddress[] = [];
  readonly udp: UdpPoint[] = [];
  readonly streams: { readonly listening: ListenAddress; readonly server: StreamServer }[] = [];
  readonly #options: PointsOptions;

  constructor(options: PointsOptions) {
    this.#options = options;
  }

  async bind(addresses: readonly ListenAddress[]): Promise<void> {
    for (const at of addresses) {
      this.listening.push(await (at.transport === 'udp' ? this.#bindUdp(at) : this.#listen(at)));
    }
  }

  /** What belongs into a Contact for a peer that was met on a flow of an earlier process. */
  contactOf({ transport, local, remote }: SavedRequest): Endpoint {
    const points =
      transport === 'udp'
        ? this.udp
        : this.streams.filter(({ listening }) => listening.transport === transport);
    const point = choosePoint<{ readonly listening: ListenAddress }>(
      points,
      remote.address,
      local.address,
    );
    if (point === undefined) return local;
    const { address, port } = point.listening;
    return { address: isWildcard(address) ? local.address : address, port };
  }

  async close(): Promise<void> {
    await Promise.all([
      ...this.udp.map((point) => point.close()),
      ...this.streams.map(({ server }) => server.close()),
    ]);
  }

  async #bindUdp(at: ListenAddress): Promise<ListenAddress> {
    const { network, clock, logger, traffic, datagram } = this.#options;
    const point = await UdpPoint.bind(network, clock, at, {
      datagram,
      sent: (bytes, wire) => traffic.sent(wire.flow, bytes),
      error: (error) => logger.debug({ error: error.message }, 'a UDP socket reported an error'),
    });
    this.udp.push(point);
    return point.listening;
  }

  async #listen(at: ListenAddress): Promise<ListenAddress> {
    const transport = at.transport === 'tls' ? 'tls' : 'tcp';
    const server = await this.#options.network.listen(at, (socket) =>
      this.#options.accept(transport, socket),
    );
    const listening = { ...at, port: server.local.port };
    this.streams.push({ listening, server });
    return listening;
  }
}
