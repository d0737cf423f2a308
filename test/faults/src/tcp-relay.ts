import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP line that can be cut, frozen and mended. What it carries it does not understand. */
export class TcpRelay {
  readonly #server: Server;
  readonly #target: { readonly address: string; readonly port: number };
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #down = false;
  #frozen = false;
  #connections = 0;

  private constructor(server: Server, target: { address: string; port: number }) {
    this.#server = server;
    this.#target = target;
    server.on('connection', (inner) => this.#accept(inner));
  }

  static async open(target: { address: string; port: number }): Promise<TcpRelay> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TcpRelay(server, target);
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay is closed');
    return address.port;
  }

  /** How many connections there have been. */
  get connections(): number {
    return this.#connections;
  }

  /** Resets every connection; new ones are reset, too, until `mend`. */
  cut(): void {
    this.#down = true;
    this.reset();
  }

  /** Resets what is connected now. */
  reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
  }

  /** Passes nothing on, without a word to either end: as a frozen process in between does. */
  freeze(): void {
    this.#frozen = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  mend(): void {
    this.#down = false;
    this.#frozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(inner: Socket): void {
    this.#connections++;
    inner.on('error', () => undefined);
    if (this.#down) {
      inner.resetAndDestroy();
      return;
    }
    const outer = connect({ ...this.#target, host: this.#target.address, noDelay: true });
    outer.on('error', () => undefined);
    const pair = [inner, outer] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [outer, inner] as const]) {
      from.on('data', (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => {
        if (!this.#frozen) from.resume();
      });
      from.on('end', () => to.end());
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      if (this.#frozen) from.pause();
    }
  }
}
