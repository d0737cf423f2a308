import type { Socket } from 'node:net';
import {
  describeError,
  OffhookError,
  withDeadline,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { Channel } from '../../channel.ts';
import type { MigrationNews } from '../connection.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { ChannelType } from '../messages.ts';
import type { SpiceSource } from '../source.ts';
import { Entrance, ENTRANCE_HOST } from './entrance.ts';
import { makeOwnCertificate, type OwnCertificate } from './own-certificate.ts';
import { relay } from './relay.ts';
import { TicketKey, type ViewerRequest } from './link-server.ts';
import { meetViewer, type Meeting } from './viewer-link.ts';
import { ViewerSession, type MainLeg } from './viewer-session.ts';
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
  /** The desktop moves to another host, while a viewer has it. */
  readonly onMigration?: (news: MigrationNews) => void;
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
  /** Where the desktop is, as far as viewers have been told. */
  readonly source: SpiceSource;
  /** Viewers with a main channel. */
  readonly viewers: number;
  admit(): ViewerEntrance;
  /** A fresh ticket or another address: for all that is linked from now on. */
  useSource(source: SpiceSource): void;
  /** Nobody comes in any more, and whoever is in is cut off. Idempotent. */
  close(): Promise<void>;
}

const COMMON_NAME = 'Offhook viewer proxy';
const CERT_SUBJECT = `CN=${COMMON_NAME}`;

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
  await proxy.open();
  return proxy;
}

/** What an entrance leads to. */
interface Way {
  /** Undefined: whoever comes that way is refused. */
  readonly source: () => SpiceSource | undefined;
  /** A viewer's main channel that has come in: the first of a session, or that of one that moves. */
  readonly serveMain: (viewer: Socket, meeting: Meeting, source: SpiceSource) => Promise<void>;
  /** The server says no to a viewer's main channel, or is not there. */
  readonly refused: (request: ViewerRequest, error: unknown) => void;
}

class Proxy implements SpiceProxy {
  readonly #options: SpiceProxyOptions;
  readonly #key: TicketKey;
  readonly #certificate: OwnCertificate;
  readonly #tickets: ViewerTickets;
  readonly #stop = new AbortController();
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ViewerSession>();
  readonly #serving = new Set<Promise<void>>();
  #entrance: Entrance | undefined;
  #source: SpiceSource;
  #portId: number | undefined;

  constructor(options: SpiceProxyOptions, key: TicketKey, certificate: OwnCertificate) {
    this.#options = options;
    this.#source = options.source;
    this.#key = key;
    this.#certificate = certificate;
    this.#tickets = new ViewerTickets(options.source.password);
  }

  async open(): Promise<void> {
    this.#entrance = await this.#openEntrance({
      source: () => this.#source,
      serveMain: (viewer, meeting, source) => this.#begin(viewer, meeting, source),
      refused: (request, error) => {
        if (isNewSession(request)) this.#refused(error);
      },
    });
  }

  get source(): SpiceSource {
    return this.#withTicket(this.#source);
  }

  get viewers(): number {
    return this.#sessions.size;
  }

  admit(): ViewerEntrance {
    const { port, tlsPort } = this.#mainEntrance();
    const { ticket, revoke } = this.#tickets.issue();
    const entrance = { host: ENTRANCE_HOST, port, ticket, revoke };
    if (this.#source.tlsPort === undefined) return entrance;
    const tls = { port: tlsPort, ca: this.#certificate.cert, hostSubject: CERT_SUBJECT };
    return { ...entrance, tls };
  }

  useSource(source: SpiceSource): void {
    this.#source = source;
    this.#tickets.replace(source.password);
    for (const session of this.#sessions) session.sourceChanged();
  }

  async close(): Promise<void> {
    this.#stop.abort(new OffhookError('channel', 'closed', 'the viewer proxy was closed'));
    this.#entrance?.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#serving);
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? 10_000;
  }

  #mainEntrance(): Entrance {
    if (this.#entrance === undefined) throw new Error('the proxy is not open');
    return this.#entrance;
  }

  #openEntrance(way: Way): Promise<Entrance> {
    return Entrance.open({
      certificate: this.#certificate,
      timeoutMs: this.#timeoutMs,
      logger: this.#options.logger,
      onViewer: (socket) => this.#accept(socket, way),
    });
  }

  /** With the ticket that the person may have typed. */
  readonly #withTicket = (source: SpiceSource): SpiceSource => ({
    ...source,
    password: this.#tickets.password,
  });

  #accept(socket: Socket, way: Way): void {
    socket.on('error', () => undefined);
    this.#hold(socket);
    const serving = this.#serve(socket, way).catch((error: unknown) => {
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

  async #serve(viewer: Socket, way: Way): Promise<void> {
    const source = way.source();
    if (source === undefined)
      throw new OffhookError('channel', 'no-route', 'there is no going there');
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
          source,
          signal: waiting,
          onAdmitted: (request) => {
            if (isNewSession(request)) this.#options.onViewer?.();
          },
          onRefused: way.refused,
        }),
    );
    this.#hold(meeting.server);
    await (meeting.request.channelType === ChannelType.main
      ? way.serveMain(viewer, meeting, source)
      : relay(viewer, meeting.server));
  }

  /** No viewer gets in: the person has to know why, and a viewer can only say that it is so. */
  #refused(cause: unknown): void {
    if (this.#stop.signal.aborted || this.#sessions.size > 0) return;
    this.#options.onState?.({ state: 'refused', error: asOffhookError(cause) });
  }

  async #begin(viewer: Socket, { server }: Meeting, source: SpiceSource): Promise<void> {
    const session = this.#newSession(source);
    this.#sessions.add(session);
    await this.#run(session, { viewer, server, source });
  }

  async #run(session: ViewerSession, leg: MainLeg): Promise<void> {
    if (!(await session.run(leg))) return;
    this.#sessions.delete(session);
    if (this.#sessions.size === 0) this.#options.onState?.({ state: 'idle' });
  }

  #newSession(source: SpiceSource): ViewerSession {
    const { portName, clock, onChannel, onState, onMigration } = this.#options;
    const session: ViewerSession = new ViewerSession(
      {
        portName,
        clock,
        onChannel,
        withTicket: this.#withTicket,
        timeoutMs: Math.min(this.#timeoutMs, 5000),
        certSubject: CERT_SUBJECT,
        likelyPort: this.#portId,
        onPortFound: (id) => (this.#portId = id),
        onState: (state) => {
          // Of two viewers the later one has the desktop.
          if ([...this.#sessions].at(-1) === session) onState?.(state);
        },
        mainEntrance: () => this.#mainEntrance(),
        openEntrance: (to) =>
          this.#openEntrance({
            source: () => to,
            serveMain: (viewer, { server }) =>
              this.#run(session, { viewer, server, source: to ?? source }),
            refused: ({ channelType }, error) => {
              if (channelType === ChannelType.main)
                onMigration?.({ kind: 'stayed', error: asOffhookError(error) });
            },
          }),
        onMoved: (to) => (this.#source = to),
        onMigration: (news) => onMigration?.(news),
      },
      source,
    );
    return session;
  }
}

function asOffhookError(error: unknown): OffhookError {
  return error instanceof OffhookError
    ? error
    : new OffhookError('channel', 'closed', describeError(error), { cause: error });
}

function isNewSession({ channelType, connectionId }: ViewerRequest): boolean {
  return channelType === ChannelType.main && connectionId === 0;
}
