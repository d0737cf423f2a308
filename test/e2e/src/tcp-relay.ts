import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A stretch of network between a client and a server that can be cut and mended. */
export class TcpRelay {
  readonly port: number;
  #target: number;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
  }

  /** Nothing listens at `port` before `mend`. */
  static at(port: number, target: number): TcpRelay {
    return new TcpRelay(port, target);
  }

  /** Connections go through, from now on to that port. */
  async mend(target = this.#target): Promise<void> {
    this.#target = target;
    if (this.#server !== undefined) return;
    const server = createServer({ noDelay: true }, (client) => this.#relay(client));
    this.#server = server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
  }

  /** Ends what goes through, and refuses the next. */
  async cut(): Promise<void> {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.close();
    await once(server, 'close');
  }

  /** Nothing goes through any more, and nobody hears of it; what is sent waits. */
  freeze(): void {
    for (const socket of this.#sockets) socket.pause();
  }

  stop(): Promise<void> {
    return this.cut();
  }

  #relay(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    this.#join(client, server);
    this.#join(server, client);
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
