import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import {
  describeError,
  OffhookError,
  withDeadline,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { Channel } from '../../channel.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { ChannelType } from '../messages.ts';
import type { SpiceSource } from '../source.ts';
import { makeOwnCertificate, type OwnCertificate } from './own-certificate.ts';
import { relay } from './relay.ts';
import { TicketKey } from './link-server.ts';
import { meetViewer, type Meeting } from './viewer-link.ts';
import { ViewerSession } from './viewer-session.ts';
import { ViewerTickets } from './viewer-tickets.ts';

export type SpiceProxyState =
  | SpiceLinkState
  /** No viewer is there: nothing is asked of the server. */
  | { readonly state: 'idle' };

export interface SpiceProxyOptions {
  readonly source: SpiceSource;
  readonly portName: string;
  /** The guest opened its end of the port. */
  readonly onChannel: (channel: Channel) => void;
  readonly onState?: (state: SpiceProxyState) => void;
  /** A viewer that may come in is about to take the desktop over. */
  readonly onViewer?: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds for each connection and link; 10,000. */
  readonly timeoutMs?: number;
}

/** How one viewer gets in, until `revoke`: what a `.vv` file says of it. */
export interface ViewerEntrance {
  readonly host: string;
  readonly port: number;
  /** Instead of `port` where the desktop itself has a TLS port. */
  readonly tls?: { readonly port: number; readonly ca: string; readonly hostSubject: string };
  readonly ticket: string;
  readonly revoke: () => void;
}

export interface SpiceProxy {
  /** Viewers with a main channel. */
  readonly viewers: number;
  admit(): ViewerEntrance;
  /** A fresh ticket or another address: for all that is linked from now on. */
  useSource(source: SpiceSource): void;
  /** Nobody comes in any more, and whoever is in is cut off. Idempotent. */
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const COMMON_NAME = 'Offhook viewer proxy';
/** A desktop with four screens has some thirty channels; a viewer that is replaced overlaps. */
const MAX_CONNECTIONS = 128;

/**
 * A SPICE server on the loopback address that stands for a desktop: an unmodified viewer connects
 * here, and all but the port of that name goes through to the desktop and back as it is.
 */
export async function startSpiceProxy(options: SpiceProxyOptions): Promise<SpiceProxy> {
  const [key, certificate] = await Promise.all([
    TicketKey.create(),
    makeOwnCertificate(COMMON_NAME),
  ]);
  const proxy = new Proxy(options, key, certificate);
  await proxy.listen();
  return proxy;
}

class Proxy implements SpiceProxy {
  readonly #options: SpiceProxyOptions;
  readonly #key: TicketKey;
  readonly #certificate: OwnCertificate;
  readonly #tickets: ViewerTickets;
  readonly #plain: Server;
  readonly #tls: Server;
  readonly #stop = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ViewerSession>();
  readonly #serving = new Set<Promise<void>>();
  #source: SpiceSource;
  #portId: number | undefined;

  constructor(options: SpiceProxyOptions, key: TicketKey, certificate: OwnCertificate) {
    this.#options = options;
    this.#source = options.source;
    this.#key = key;
    this.#certificate = certificate;
    this.#tickets = new ViewerTickets(options.source.password);
    this.#plain = createServer({ noDelay: true, keepAlive: true });
    this.#plain.on('connection', (socket: Socket) => this.#accept(socket));
    const { cert, key: privateKey } = certificate;
    this.#tls = createTlsServer({ cert, key: privateKey, handshakeTimeout: this.#timeoutMs });
    this.#tls.on('connection', (socket: Socket) => socket.setNoDelay(true));
    this.#tls.on('secureConnection', (socket) => this.#accept(socket));
    for (const server of [this.#plain, this.#tls]) {
      server.maxConnections = MAX_CONNECTIONS;
      server.on('error', (error) => options.logger.error({ err: error }, 'viewer proxy failed'));
    }
  }

  async listen(): Promise<void> {
    for (const server of [this.#plain, this.#tls]) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject);
      server.listen({ host: HOST, port: 0 }, resolve);
      await promise;
      server.off('error', reject);
    }
  }

  get viewers(): number {
    return this.#sessions.size;
  }

  admit(): ViewerEntrance {
    const { ticket, revoke } = this.#tickets.issue();
    const entrance = { host: HOST, port: portOf(this.#plain), ticket, revoke };
    if (this.#source.tlsPort === undefined) return entrance;
    const ca = this.#certificate.cert;
    const hostSubject = `CN=${COMMON_NAME}`;
    return { ...entrance, tls: { port: portOf(this.#tls), ca, hostSubject } };
  }

  useSource(source: SpiceSource): void {
    this.#source = source;
    this.#tickets.replace(source.password);
    for (const session of this.#sessions) session.sourceChanged();
  }

  async close(): Promise<void> {
    this.#stop.abort(new OffhookError('channel', 'closed', 'the viewer proxy was closed'));
    for (const server of [this.#plain, this.#tls]) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#serving);
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 10_000;
  }

  /** With the ticket that the person may have typed. */
  readonly #currentSource = (): SpiceSource => ({
    ...this.#source,
    password: this.#tickets.password,
  });

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    this.#hold(socket);
    const serving = this.#serve(socket).catch((error: unknown) => {
      // What it has been told is to reach it.
      socket.destroySoon();
      if (this.#stop.signal.aborted) return;
      this.#options.logger.warn({ reason: describeError(error) }, 'a viewer’s channel failed');
    });
    this.#serving.add(serving);
    void serving.finally(() => this.#serving.delete(serving));
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  async #serve(viewer: Socket): Promise<void> {
    const { signal } = this.#stop;
    const what = 'the SPICE link of a viewer';
    // Theirs and ours: each connection, link and ticket to the server has the same time again.
    const meeting = await withDeadline(
      { layer: 'channel', what, ms: 3 * this.#timeoutMs, signal },
      (waiting) =>
        meetViewer(viewer, {
          key: this.#key,
          tickets: this.#tickets,
          timeoutMs: this.#timeoutMs,
          source: this.#currentSource,
          signal: waiting,
          onAdmitted: ({ channelType }) => {
            if (channelType === ChannelType.main) this.#options.onViewer?.();
          },
          onRefused: (request, error) => {
            if (request.channelType === ChannelType.main) this.#refused(error);
          },
        }),
    );
    this.#hold(meeting.server);
    await (meeting.request.channelType === ChannelType.main
      ? this.#serveMain(viewer, meeting)
      : relay(viewer, meeting.server));
  }

  /** No viewer gets in: the person has to know why, and a viewer can only say that it is so. */
  #refused(cause: unknown): void {
    if (this.#stop.signal.aborted || this.#sessions.size > 0) return;
    const error =
      cause instanceof OffhookError
        ? cause
        : new OffhookError('channel', 'closed', describeError(cause), { cause });
    this.#options.onState?.({ state: 'refused', error });
  }

  async #serveMain(viewer: Socket, { server }: Meeting): Promise<void> {
    const { portName, clock, logger, onChannel } = this.#options;
    const session: ViewerSession = new ViewerSession({
      portName,
      clock,
      logger,
      source: this.#currentSource,
      timeoutMs: Math.min(this.#timeoutMs, 5000),
      likelyPort: this.#portId,
      onPortFound: (id) => (this.#portId = id),
      onChannel,
      onState: (state) => {
        // Of two viewers the later one has the desktop.
        if ([...this.#sessions].at(-1) === session) this.#options.onState?.(state);
      },
    });
    this.#sessions.add(session);
    try {
      await session.run(viewer, server);
    } finally {
      this.#sessions.delete(session);
      if (this.#sessions.size === 0) this.#options.onState?.({ state: 'idle' });
    }
  }
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
