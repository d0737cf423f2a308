import type { Clock } from '@offhook/common';
import type { Endpoint } from '../../../src/transport/layer.ts';
import type { Network, UdpEvents, UdpSocket } from '../../../src/transport/network.ts';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly delayMs?: number;
  /** Whether this datagram gets lost. */
  readonly lose?: (data: string, from: Endpoint, to: Endpoint) => boolean;
}

/** UDP between layers in one process: a delay, loss, and ports where nobody listens. */
export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions;
  readonly #sockets = new Map<string, UdpEvents>();
  #nextPort = 10_000;
  /** Every datagram that was sent, lost or not. */
  readonly log: { readonly from: Endpoint; readonly to: Endpoint; readonly text: string }[] = [];

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  /** A machine on it. Connections are refused. */
  host(): Network {
    return {
      bindUdp: async (at, events) => this.#bind({ address: at.address, port: at.port }, events),
      listen: () => Promise.reject(new Error('there are no connections here')),
      connect: () => Promise.reject(new Error('connection refused')),
      sourceAddress: async () => '127.0.0.1',
      probe: async (remote) => !this.#sockets.has(keyOf(remote)),
    };
  }

  /** A plain socket for a test to speak SIP by hand. */
  socket(at: Endpoint, receive: (text: string, from: Endpoint) => void): UdpSocket {
    return this.#bind(at, {
      message: (data, from) => receive(Buffer.from(data).toString('utf8'), from),
      error: () => undefined,
    });
  }

  #bind(at: Endpoint, events: UdpEvents): UdpSocket {
    const local = { address: at.address, port: at.port === 0 ? this.#nextPort++ : at.port };
    this.#sockets.set(keyOf(local), events);
    return {
      local,
      send: (data, to, done) => {
        this.#carry(data, local, to);
        done(undefined);
      },
      close: async () => {
        this.#sockets.delete(keyOf(local));
      },
    };
  }

  #carry(data: Uint8Array, from: Endpoint, to: Endpoint): void {
    const copy = Buffer.from(data);
    const text = copy.toString('utf8');
    this.log.push({ from, to, text });
    if (this.#options.lose?.(text, from, to) === true) return;
    this.#options.clock.after(this.#options.delayMs ?? 1, () => {
      this.#sockets.get(keyOf(to))?.message(copy, from);
    });
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
