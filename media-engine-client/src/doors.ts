import type { Clock, Logger } from '@offhook/common';
import { serveMedia, type MediaServer } from '@offhook/media-rpc';
import { listenChannel } from '@offhook/virtual-channel';
import type { Channel, ChannelListener, PeerIdentity, TlsOptions } from '@offhook/virtual-channel';
import { Mux } from '@offhook/virtual-channel/mux';
import { echo } from './echo.ts';
import type { Engine } from './engine.ts';
import type { LinkReport } from './link/api.ts';
import { HeadlessDesktop, type SpiceConfig } from './link/headless-desktop.ts';
import type { LinkPlace } from './link/link-client.ts';
import { Links } from './link/links.ts';

/** Where guests come in: listening addresses, and the channels that came by them. */
export class Doors {
  readonly #engine: Engine;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #listeners: ChannelListener[] = [];
  readonly #servers = new Set<MediaServer>();
  #links: Links | undefined;
  #desktop: HeadlessDesktop | undefined;

  constructor(engine: Engine, logger: Logger, clock: Clock) {
    this.#engine = engine;
    this.#logger = logger;
    this.#clock = clock;
  }

  get addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** @throws OffhookError of layer `channel`. */
  async open(address: string, tls: TlsOptions | undefined): Promise<void> {
    const options = { logger: this.#logger, ...(tls === undefined ? {} : { tls }) };
    this.#listeners.push(await listenChannel(address, options, (channel) => this.serve(channel)));
  }

  /** How it stands with each desktop. */
  get desktops(): readonly LinkReport[] {
    const all = this.#links?.all ?? [];
    const ours = this.#desktop?.report;
    return ours === undefined || all.some(({ id }) => id === ours.id) ? all : [ours, ...all];
  }

  /**
   * Lets the guests of desktops in by the links that carry their ports.
   *
   * @throws OffhookError of layer `channel`.
   */
  async openLinks(path: string, onChange: () => void): Promise<void> {
    this.#links = await Links.open({
      path,
      logger: this.#logger,
      onChange,
      onPort: (channel) => {
        // Several programs of the guest share the port: each stream is one guest's connection.
        const mux = new Mux(channel, {
          clock: this.#clock,
          services: { media: (stream) => this.serve(stream), echo },
        });
        mux.on('down', ({ message }) => this.#logger.debug({ reason: message }, 'port down'));
      },
    });
  }

  /**
   * Keeps a link to a desktop, without a viewer too.
   *
   * @throws OffhookError of layer `config` when the source cannot be used.
   */
  openDesktop(config: SpiceConfig, place: LinkPlace, onChange: () => void): void {
    const [clock, logger] = [this.#clock, this.#logger];
    this.#desktop = new HeadlessDesktop({ config, place, clock, logger, onChange });
  }

  /** Serves guests on a channel that is there already. */
  serve(channel: Channel): MediaServer {
    const logger = this.#logger.child({ peer: channel.peer.description });
    const local = isLocal(channel.peer);
    const peer = limitedPeer(channel.peer);
    const server = serveMedia(channel, {
      instanceId: this.#engine.instance,
      clock: this.#clock,
      logger,
      lease: (asked) => this.#engine.guests.grant(asked),
      engine: (connection) => {
        const instance = connection.guest.instanceId;
        logger.info({ guest: instance }, 'guest connected');
        const { leaseMs, guest } = connection;
        const view = this.#engine.attach({ instance, local, ...peer }, leaseMs, guest.capabilities);
        connection.on('closed', (error) => {
          const reason = error === undefined ? undefined : error.message;
          logger.info({ guest: instance, reason }, 'guest gone');
          void this.#engine.detach(view);
        });
        return view;
      },
    });
    this.#servers.add(server);
    server.on('closed', () => this.#servers.delete(server));
    return server;
  }

  /** Nobody comes in any more, and whoever is in is told goodbye. */
  async close(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
    await Promise.all([...this.#servers].map((server) => server.close()));
    // Last: goodbyes go through them.
    await this.#desktop?.close();
    await this.#links?.close();
  }
}

/** What a guest cannot change by another connection: its certificate, host, desktop or port. */
export function limitedPeer(peer: PeerIdentity): { readonly peer?: string } {
  const { transport, description, certificateSubject } = peer;
  // Only this user's own programs come in here.
  if (transport === 'unix' || transport === 'memory') return {};
  if (certificateSubject !== undefined) return { peer: `certificate ${certificateSubject}` };
  // Behind the comma is which of the streams of one channel it is.
  const [channel = ''] = description.split(', ');
  const where = ['tcp', 'tls'].includes(transport) ? channel.replace(/:\d+$/u, '') : channel;
  return { peer: `${transport} ${where}` };
}

/** The guest's process runs on this machine, and could send anywhere here by itself. */
function isLocal({ transport, description }: PeerIdentity): boolean {
  if (transport === 'unix' || transport === 'memory') return true;
  const address = /^\[?(.*?)\]?:\d+$/u.exec(description)?.[1] ?? '';
  return /^(::ffff:)?127\./u.test(address) || address === '::1';
}
