import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Logger } from '@offhook/common';
import type { OwnCertificate } from './own-certificate.ts';
import { peerUser } from './peer-user.ts';
import { RELAY_BYTES } from './relay.ts';

export const ENTRANCE_HOST = '127.0.0.1';
/** A desktop with four screens has some thirty channels; a viewer that is replaced overlaps. */
const MAX_CONNECTIONS = 128;

export interface EntranceOptions {
  readonly certificate: OwnCertificate;
  /** Milliseconds in which a TLS handshake has to be over. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly onViewer: (socket: Socket) => void;
}

/** Two loopback ports, one without TLS and one with, that stand for one SPICE server. */
export class Entrance {
  readonly #plain: Server;
  readonly #tls: Server;

  private constructor({ certificate, timeoutMs, logger, onViewer }: EntranceOptions) {
    const check = (socket: Socket) => void turnStrangersAway(socket, logger);
    this.#plain = createServer({ noDelay: true, keepAlive: true, highWaterMark: RELAY_BYTES });
    this.#plain.on('connection', check);
    this.#plain.on('connection', onViewer);
    const { cert, key } = certificate;
    this.#tls = createTlsServer({
      cert,
      key,
      handshakeTimeout: timeoutMs,
      highWaterMark: RELAY_BYTES,
    });
    this.#tls.on('connection', check);
    this.#tls.on('connection', (socket: Socket) => socket.setNoDelay(true));
    this.#tls.on('secureConnection', onViewer);
    for (const server of this.#servers) {
      server.maxConnections = MAX_CONNECTIONS;
      server.on('error', (error) => logger.error({ err: error }, 'viewer proxy failed'));
    }
  }

  /** @throws the system's error when no port is to be had. */
  static async open(options: EntranceOptions): Promise<Entrance> {
    const entrance = new Entrance(options);
    for (const server of entrance.#servers) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject);
      server.listen({ host: ENTRANCE_HOST, port: 0 }, resolve);
      await promise;
      server.off('error', reject);
    }
    return entrance;
  }

  get port(): number {
    return portOf(this.#plain);
  }

  get tlsPort(): number {
    return portOf(this.#tls);
  }

  /** Nobody comes in any more; who is in stays in. */
  close(): void {
    for (const server of this.#servers) server.close();
  }

  get #servers(): readonly Server[] {
    return [this.#plain, this.#tls];
  }
}

/**
 * Other users of this machine reach the loopback address too. Without a ticket they get nowhere, but
 * they are not to keep viewers out or the server busy either.
 */
async function turnStrangersAway(socket: Socket, logger: Logger): Promise<void> {
  const user = await peerUser(socket);
  if (user === undefined || user === process.getuid?.() || user === 0) return;
  logger.warn({ user }, 'another user’s connection to the viewer proxy was turned away');
  socket.destroy();
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
