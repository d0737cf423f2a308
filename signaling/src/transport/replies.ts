import { isIP } from 'node:net';
import { OffhookError } from '@offhook/common';
import type { Arrival } from './server-transactions.ts';
import type { UdpPoint } from './udp-point.ts';
import { parseVia, responseRoute, withoutZone } from './via.ts';
import type { Ways } from './ways.ts';

export interface RepliesOptions {
  readonly ways: Ways;
  readonly udpPoints: () => readonly UdpPoint[];
}

/** Sends responses the way RFC 3261 §18.2.2 and RFC 3581 §4 say. */
export class Replies {
  readonly #options: RepliesOptions;

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  async send({ wire, vias }: Arrival, response: string): Promise<void> {
    const bytes = Buffer.from(response);
    const { transport, remote, local } = wire.flow;
    if (transport !== 'udp' && wire.open) {
      await wire.send(bytes);
      return;
    }
    const via = parseVia(vias[0] ?? '');
    const route =
      via === undefined
        ? { host: remote.address, port: remote.port }
        : responseRoute(via, transport);
    if (route.host === withoutZone(remote.address) && route.port === remote.port && wire.open) {
      await wire.send(bytes);
      return;
    }
    if (isIP(route.host) === 0) {
      throw new OffhookError('signaling', 'no-route', `a response cannot go to ${route.host}`);
    }
    const target = { transport, address: route.host, port: route.port };
    if (transport === 'udp') {
      // From the socket that the request came to: the peer's firewall expects nothing else.
      const point = this.#options
        .udpPoints()
        .find(
          ({ listening }) =>
            listening.port === local.port && sameSocket(listening.address, local.address),
        );
      if (point !== undefined) {
        const way = await point.wire(target);
        await way.send(bytes);
        return;
      }
    }
    const other = await this.#options.ways.open({ target });
    await other.send(bytes);
  }
}

function sameSocket(listening: string, local: string): boolean {
  return listening === local || listening === '0.0.0.0' || listening === '::';
}
