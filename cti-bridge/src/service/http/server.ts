import { readFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { OffhookError } from '@offhook/common';
import { WebSocketServer } from 'ws';
import type { Principal } from '../access.ts';
import type { CtiConfig } from '../config.ts';
import { serveRest, type RestOptions } from './rest.ts';
import { RpcConnection } from './rpc.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;
const PING_MS = 20_000;

export interface CtiServer {
  /** `http://127.0.0.1:8090`. */
  readonly url: string;
  /** Cuts every connection; clients come back and go on where they were. */
  dropConnections(): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves REST, event streams and WebSockets (`/v1/rpc`) at one port.
 *
 * @throws OffhookError `cti` `listen-failed`, or `config` for an unreadable certificate
 */
export async function serveCti(
  listen: CtiConfig['listen'],
  options: RestOptions & { readonly subscribers: number },
): Promise<CtiServer> {
  const server = create(listen);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  server.maxConnections = options.subscribers * 2;
  server.on('request', (request, response) => void serveRest(options, request, response));
  server.on('upgrade', (request, socket: Socket, head) => {
    socket.on('error', () => socket.destroy());
    void upgrade(options, sockets, request, socket, head);
  });
  const pinging = setInterval(() => pingAll(sockets), PING_MS);
  await bind(server, listen);
  const { address, port, family } = server.address() as AddressInfo;
  const scheme = listen.cert === undefined ? 'http' : 'https';
  let closing: Promise<void> | undefined;
  const dropConnections = () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
  };
  return {
    url: `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    dropConnections,
    close() {
      clearInterval(pinging);
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      });
      return closing;
    },
  };
}

async function upgrade(
  options: RestOptions & { readonly subscribers: number },
  sockets: WebSocketServer,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://bridge');
  const { authorization } = request.headers;
  let who: Principal | undefined;
  if (pathname !== '/v1/rpc') return refuse(socket, '404 Not Found');
  if (sockets.clients.size >= options.subscribers) return refuse(socket, '503 Service Unavailable');
  if (authorization !== undefined) {
    try {
      who = await options.authenticator.fromHeader(authorization);
    } catch {
      return refuse(socket, '401 Unauthorized');
    }
  }
  const from = request.socket.remoteAddress ?? '';
  sockets.handleUpgrade(request, socket, head, (connected) => {
    const state = connected as typeof connected & { alive: boolean };
    state.alive = true;
    connected.on('pong', () => {
      state.alive = true;
    });
    void new RpcConnection(connected, { ...options, who, from });
  });
}

/** Who has not answered the last ping is gone, whatever TCP thinks. */
function pingAll(sockets: WebSocketServer): void {
  for (const socket of sockets.clients) {
    const state = socket as typeof socket & { alive: boolean };
    if (!state.alive) socket.terminate();
    else socket.ping();
    state.alive = false;
  }
}

function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function create({ cert, key }: CtiConfig['listen']): Server {
  if (cert === undefined || key === undefined) return createHttp();
  try {
    return createHttps({ cert: readFileSync(cert), key: readFileSync(key) });
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `the certificate cannot be used (${cert})`, {
      cause: error,
    });
  }
}

async function bind(server: Server, { address, port }: CtiConfig['listen']): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: address, port }, resolve);
  try {
    await promise;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new OffhookError(
      'cti',
      'listen-failed',
      `cannot listen on ${address}:${port} (${code})`,
      {
        cause: error,
        remedy: 'choose another port in [listen]',
      },
    );
  } finally {
    server.off('error', reject);
  }
}
