import { createServer, type Socket } from 'node:net';
import type { z } from 'zod';
import { ControlConnection } from './control-connection.ts';
import { OffhookError } from './errors.ts';
import type { Logger } from './log.ts';
import { listenUnix } from './unix-socket.ts';

/** One method of a control socket. Rejections with an OffhookError cross to the client as they are. */
export interface ControlMethod<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly params: P;
  readonly result: R;
  /** The signal is aborted when the client takes the request back, or goes. */
  handle(
    params: z.output<P>,
    context: { readonly signal: AbortSignal },
  ): z.input<R> | Promise<z.input<R>>;
}

export type ControlMethods = Readonly<Record<string, ControlMethod>>;

/** Identity; it makes the types of `handle` follow from the schemas beside it. */
export function controlMethod<P extends z.ZodType, R extends z.ZodType>(
  method: ControlMethod<P, R>,
): ControlMethod<P, R> {
  return method;
}

export interface ServeControlOptions {
  /** At most 107 bytes. */
  path: string;
  methods: ControlMethods;
  logger: Logger;
  /** Bytes that may wait for a client that does not read, before it is disconnected. 1 MiB. */
  maxQueued?: number;
  /** Connections at a time. 64. */
  maxClients?: number;
}

export interface ControlServer {
  readonly path: string;
  /** Whether a client has subscribed to the event, so that it need not be made for nobody. */
  wants(event: string): boolean;
  /** Sends an event to every client that subscribed to it. */
  publish(event: string, params: unknown): void;
  /** Stops listening, aborts what is being handled and ends every connection. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a table of methods on a Unix socket (see control-protocol.ts for the wire).
 *
 * @throws OffhookError layer `control`: `in-use` when a living daemon has the socket,
 * `path-too-long`, `not-a-socket`, `insecure-directory`, `permission-denied`, `listen-failed`.
 */
export async function serveControl(options: ServeControlOptions): Promise<ControlServer> {
  const { path, methods, logger, maxQueued = 1024 * 1024, maxClients = 64 } = options;
  const connections = new Set<ControlConnection>();
  const server = createServer();
  await listenUnix(server, { path, layer: 'control' });

  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    const full = connections.size >= maxClients;
    const connection = new ControlConnection(socket, { methods, logger, maxQueued });
    connections.add(connection);
    socket.once('close', () => connections.delete(connection));
    if (full) {
      connection.refuse(
        new OffhookError('control', 'too-many-clients', `${maxClients} clients already`),
      );
    }
  });
  // Running out of descriptors must not end the daemon; the client is simply not served.
  server.on('error', (error) => logger.error({ err: error }, 'control socket failed'));

  let closing: Promise<void> | undefined;
  return {
    path,
    wants: (event) => [...connections].some((connection) => connection.wants(event)),
    publish(event, params) {
      const listeners = [...connections].filter((connection) => connection.wants(event));
      if (listeners.length === 0) return;
      const line = `${JSON.stringify({ jsonrpc: '2.0', method: event, params })}\n`;
      for (const connection of listeners) connection.send(line);
    },
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.end();
      });
      return closing;
    },
  };
}
