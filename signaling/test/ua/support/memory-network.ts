import type { ListenAddress } from '../../../src/api.ts';
import type { Endpoint } from '../../../src/transport/layer.ts';
import type { Network, UdpEvents, UdpSocket } from '../../../src/transport/network.ts';

/** UDP between sockets of one process; a datagram takes a millisecond, of virtual time in tests. */
export class MemoryNetwork implements Network {
  readonly #sockets = new Map<string, UdpEvents>();
  #port = 40_000;
  readonly #inside = new Map<string, Endpoint>();
  readonly #outside = new Map<string, Endpoint>();
  /** Datagrams for which this is true vanish. */
  lose: (from: Endpoint, to: Endpoint, text: string) => boolean = () => false;

  /** From now on the world knows `inside` as `outside`. */
  translate(inside: Endpoint, outside: Endpoint): void {
    this.#outside.set(keyOf(inside), outside);
    this.#inside.set(keyOf(outside), inside);
  }

  bindUdp(at: ListenAddress, events: UdpEvents): Promise<UdpSocket> {
    const local = { address: at.address, port: at.port === 0 ? (this.#port += 1) : at.port };
    const key = keyOf(local);
    this.#sockets.set(key, events);
    return Promise.resolve({
      local,
      send: (data, to, done) => {
        const copy = Buffer.from(data);
        done(undefined);
        if (this.lose(local, to, copy.toString())) return;
        const from = this.#outside.get(key) ?? local;
        const goal = this.#inside.get(keyOf(to)) ?? to;
        setTimeout(() => this.#sockets.get(keyOf(goal))?.message(copy, from), 1);
      },
      close: () => {
        this.#sockets.delete(key);
        return Promise.resolve();
      },
    });
  }

  listen(): never {
    throw new Error('only UDP here');
  }

  connect(): Promise<never> {
    return Promise.reject(new Error('only UDP here'));
  }

  sourceAddress(): Promise<string> {
    return Promise.resolve('192.0.2.1');
  }

  probe(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
