import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { OffhookError, type Clock } from '@offhook/common';
import type { Channel } from '../../channel.ts';
import type { MigrationNews } from '../connection.ts';
import { decodeBody, encodeBody } from '../layout.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { baseFromServer, ChannelType, mainFromClient, mainFromServer } from '../messages.ts';
import { readDestination, type DestinationInfo } from '../migration/destination.ts';
import { encodeChannelsList, readChannelsList, type ChannelRef } from '../session.ts';
import type { SpiceSource } from '../source.ts';
import type { SpiceMessage } from '../spice-channel.ts';
import { ENTRANCE_HOST, type Entrance } from './entrance.ts';
import { MessageFilter } from './message-filter.ts';
import { relay } from './relay.ts';
import { SessionPort } from './session-port.ts';

export interface ViewerSessionOptions {
  readonly portName: string;
  /** A server with the ticket that is good now. */
  readonly withTicket: (source: SpiceSource) => SpiceSource;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** What the TLS certificate of entrances says. */
  readonly certSubject: string;
  /** Which of the desktop's ports was ours the last time. */
  readonly likelyPort: number | undefined;
  readonly onPortFound: (id: number) => void;
  readonly onChannel: (channel: Channel) => void;
  readonly onState: (state: SpiceLinkState) => void;
  /** A way in for this session's viewer to another server; to none, which refuses, if there is none. */
  readonly openEntrance: (source: SpiceSource | undefined) => Promise<Entrance>;
  /** The way in for new sessions. */
  readonly mainEntrance: () => Entrance;
  /** The desktop is at that server from now on. */
  readonly onMoved: (source: SpiceSource) => void;
  readonly onMigration: (news: MigrationNews) => void;
}

/** A main channel of the viewer and the server's. */
export interface MainLeg {
  readonly viewer: Socket;
  readonly server: Socket;
  readonly source: SpiceSource;
}

const { migrate } = baseFromServer;
const rows = mainFromServer;
const FROM_SERVER = [
  migrate,
  rows.init,
  rows.channelsList,
  rows.migrateBegin,
  rows.migrateBeginSeamless,
  rows.migrateCancel,
  rows.migrateEnd,
  rows.migrateSwitchHost,
].map(({ type }) => type);
const { migrateConnected, migrateConnectedSeamless, migrateConnectError } = mainFromClient;
const FROM_VIEWER = [migrateConnected, migrateConnectedSeamless, migrateConnectError].map(
  ({ type }) => type,
);

const PASS_ON = undefined;

/**
 * A viewer's main channel, and our port beside it. The port is taken out of the list of channels that
 * the viewer sees; which of the ports is ours only shows when they are opened, so the list waits. When
 * the desktop moves to another host, the viewer is sent to another entrance of ours, and the port goes
 * along.
 */
export class ViewerSession {
  readonly #options: ViewerSessionOptions;
  #sessionId = 0;
  #source: SpiceSource;
  #port: SessionPort | undefined;
  #legs = 0;
  /** Where the desktop goes, and the viewer's way there. */
  #move: { readonly to: SpiceSource | undefined; readonly entrance: Entrance } | undefined;
  /** The way to where it has gone. */
  #entrance: Entrance | undefined;

  constructor(options: ViewerSessionOptions, source: SpiceSource) {
    this.#options = options;
    this.#source = source;
  }

  /**
   * Passes a main channel on, the first or that at a server where the desktop goes. Resolves when it is
   * gone: with true when it was the last one, and our port is gone too.
   */
  async run(leg: MainLeg): Promise<boolean> {
    this.#legs += 1;
    await relay(leg.viewer, leg.server, {
      toViewer: new MessageFilter(FROM_SERVER, (message) => this.#fromServer(leg, message)),
      toServer: new MessageFilter(FROM_VIEWER, (message) => this.#fromViewer(message)),
    });
    this.#legs -= 1;
    if (this.#legs > 0) return false;
    this.#port?.close();
    this.#move?.entrance.close();
    this.#entrance?.close();
    return true;
  }

  sourceChanged(): void {
    this.#port?.sourceChanged();
  }

  async #fromServer(leg: MainLeg, { type, body }: SpiceMessage): Promise<Uint8Array | undefined> {
    switch (type) {
      case rows.init.type:
        this.#sessionId = decodeBody('MAIN_INIT', rows.init.body, body).sessionId;
        return PASS_ON;
      case rows.channelsList.type:
        return this.#withoutOurs(readChannelsList(body));
      case rows.migrateBegin.type: {
        const info = decodeBody('MIGRATE_BEGIN', rows.migrateBegin.body, body);
        return encodeBody(rows.migrateBegin.body, await this.#begin(leg, info));
      }
      case rows.migrateBeginSeamless.type: {
        const layout = rows.migrateBeginSeamless.body;
        const info = decodeBody('MIGRATE_BEGIN_SEAMLESS', layout, body);
        const rewritten = await this.#begin(leg, info);
        return encodeBody(layout, { ...rewritten, sourceVersion: info.sourceVersion });
      }
      case rows.migrateSwitchHost.type: {
        const info = decodeBody('MIGRATE_SWITCH_HOST', rows.migrateSwitchHost.body, body);
        return encodeBody(rows.migrateSwitchHost.body, this.#switchHost(leg, info));
      }
      case rows.migrateCancel.type:
        this.#stay();
        return PASS_ON;
      case rows.migrateEnd.type:
        this.#arrive(false);
        return PASS_ON;
      default:
        // MIGRATE of the main channel: a seamless move, in which each channel goes over by itself.
        this.#arrive(true);
        return PASS_ON;
    }
  }

  /** The viewer stands at the destination, or does not; our port has to be there with it. */
  async #fromViewer({ type }: SpiceMessage): Promise<Uint8Array | undefined> {
    const to = this.#move?.to;
    if (type === migrateConnectError.type || to === undefined) this.#port?.stay();
    else await this.#port?.prepare(this.#options.withTicket(to));
    return PASS_ON;
  }

  async #withoutOurs(channels: readonly ChannelRef[]): Promise<Uint8Array | undefined> {
    const ours = this.#port?.id ?? (await this.#openPort(channels));
    if (ours === undefined) return PASS_ON;
    return encodeChannelsList(
      channels.filter(({ type, id }) => type !== ChannelType.port || id !== ours),
    );
  }

  async #openPort(channels: readonly ChannelRef[]): Promise<number | undefined> {
    const { likelyPort, onPortFound, portName, withTicket, ...rest } = this.#options;
    const likely = (ref: ChannelRef) => (ref.id === likelyPort ? 0 : 1);
    this.#port?.close();
    this.#port = new SessionPort({
      ...rest,
      name: portName,
      source: () => withTicket(this.#source),
      sessionId: this.#sessionId,
      channels: channels.toSorted((left, right) => likely(left) - likely(right)),
    });
    const id = await this.#port.open();
    if (id !== undefined) onPortFound(id);
    return id;
  }

  async #begin(leg: MainLeg, info: DestinationInfo): Promise<DestinationInfo> {
    this.#stay();
    const { onMigration, openEntrance } = this.#options;
    const to = this.#destination(leg, info);
    this.#move = { to, entrance: await openEntrance(to) };
    if (to !== undefined) onMigration({ kind: 'began', to: to.host });
    return this.#toward(leg, this.#move.entrance);
  }

  #switchHost(leg: MainLeg, info: DestinationInfo): DestinationInfo {
    const to = this.#destination(leg, info);
    this.#stay();
    if (to !== undefined) {
      this.#options.onMoved(to);
      this.#options.onMigration({ kind: 'moved', to: to.host, lossless: false });
    }
    return this.#toward(leg, this.#options.mainEntrance());
  }

  /** Undefined where there is no going: the viewer finds that out by trying. */
  #destination({ server, source }: MainLeg, info: DestinationInfo): SpiceSource | undefined {
    try {
      return readDestination(info, source, server instanceof TLSSocket);
    } catch (error) {
      if (!(error instanceof OffhookError)) throw error;
      this.#options.onMigration({ kind: 'stayed', error });
      return undefined;
    }
  }

  /** What the viewer is told instead: with TLS if it came with TLS. */
  #toward({ viewer }: MainLeg, entrance: Entrance): DestinationInfo {
    const secure = viewer instanceof TLSSocket;
    return {
      port: secure ? 0 : entrance.port,
      securePort: secure ? entrance.tlsPort : 0,
      host: Buffer.from(`${ENTRANCE_HOST}\0`),
      certSubject: Buffer.from(secure ? `${this.#options.certSubject}\0` : '\0'),
    };
  }

  #arrive(lossless: boolean): void {
    const move = this.#move;
    if (move?.to === undefined) return;
    this.#move = undefined;
    this.#entrance?.close();
    this.#entrance = move.entrance;
    this.#source = move.to;
    this.#options.onMoved(move.to);
    const prepared = this.#port?.prepared ?? false;
    this.#options.onMigration({ kind: 'moved', to: move.to.host, lossless: lossless && prepared });
    if (!lossless) this.#port?.replace();
  }

  #stay(): void {
    this.#port?.stay();
    this.#move?.entrance.close();
    this.#move = undefined;
  }
}
