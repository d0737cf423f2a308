import { createSocket, type Socket } from 'node:dgram';
import { freePorts } from './ports.ts';
import { seeded } from './random.ts';

export interface UdpRelayOptions {
  readonly address: string;
  /** Where what comes in at the front goes. */
  readonly target: { readonly address: string; readonly port: number };
  /** Share of packets that vanish in each direction, 0…1. */
  readonly loss: number;
  /** The same seed loses the same packets of the same traffic. */
  readonly seed: number;
  /** More than this many in a row are never lost, so that a run cannot outlast its timers. */
  readonly maxBurst?: number;
}

interface Line {
  dropped: number;
  passed: number;
  burst: number;
}

/**
 * A lossy piece of network between two UDP peers. The front faces whoever calls; the back faces
 * the target; either side sees the relay as its peer.
 */
export class UdpRelay {
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #options: UdpRelayOptions;
  readonly #random: () => number;
  readonly #lines = { forth: line(), back: line() };
  #client: { address: string; port: number } | undefined;

  private constructor(front: Socket, back: Socket, options: UdpRelayOptions) {
    this.#front = front;
    this.#back = back;
    this.#options = options;
    this.#random = seeded(options.seed);
    front.on('message', (bytes, from) => {
      // Empty lines come from whoever looks whether the port is open, and are no traffic.
      if (/^[\r\n]*$/.test(bytes.toString('latin1'))) return;
      this.#client = { address: from.address, port: from.port };
      this.#pass(this.#lines.forth, back, bytes, options.target);
    });
    back.on('message', (bytes) => this.#pass(this.#lines.back, front, bytes, this.#client));
    for (const socket of [front, back]) socket.on('error', () => undefined);
  }

  static async open(options: UdpRelayOptions): Promise<UdpRelay> {
    const first = await freePorts(2);
    return new UdpRelay(
      await bind(options.address, first),
      await bind(options.address, first + 1),
      options,
    );
  }

  /** Where the caller sends to. */
  get port(): number {
    return this.#front.address().port;
  }

  /** From where the target is sent to: the caller, as the target sees it. */
  get backPort(): number {
    return this.#back.address().port;
  }

  get dropped(): number {
    return this.#lines.forth.dropped + this.#lines.back.dropped;
  }

  get passed(): number {
    return this.#lines.forth.passed + this.#lines.back.passed;
  }

  close(): void {
    for (const socket of [this.#front, this.#back]) {
      try {
        socket.close();
      } catch {
        // Closed before.
      }
    }
  }

  #pass(
    line: Line,
    through: Socket,
    bytes: Buffer,
    to: { address: string; port: number } | undefined,
  ): void {
    if (to === undefined) return;
    const mayDrop = line.burst < (this.#options.maxBurst ?? 2);
    if (mayDrop && this.#random() < this.#options.loss) {
      line.dropped++;
      line.burst++;
      return;
    }
    line.burst = 0;
    line.passed++;
    through.send(bytes, to.port, to.address);
  }
}

function line(): Line {
  return { dropped: 0, passed: 0, burst: 0 };
}

function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4' });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ port, address, exclusive: true }, () => resolve(socket));
  });
}

/** The next seed from there with which one of the first three packets is lost. */
export function seedThatLoses(loss: number, from: number): number {
  for (let seed = from; ; seed++) {
    const random = seeded(seed);
    if ([random(), random(), random()].some((value) => value < loss)) return seed;
  }
}
