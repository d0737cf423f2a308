import { describeError, OffhookError, type Clock, type Logger } from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import {
  desktopFileFor,
  desktopName,
  listenSpicePort,
  startSpiceProxy,
  type MigrationNews,
  type SpicePortListener,
  type SpiceProxy,
  type SpiceProxyState,
} from '@offhook/virtual-channel/spice';
import type { LinkReport } from './api.ts';
import { readDesktop, type Desktop } from './desktop.ts';
import { carryPort, ReportLine } from './engine-line.ts';

export interface LinkOptions {
  readonly id: string;
  /** Name of the SPICE port. */
  readonly port: string;
  /** Where the engine takes channels of links. */
  readonly enginePath: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onChange: () => void;
}

export interface Admission {
  readonly id: number;
  /** The `.vv` file for the viewer. */
  readonly file: string;
}

/**
 * The SPICE side of one desktop: viewers come through it, the guest's port goes on to the engine. While
 * somebody wants the port without a viewer, it is a client of the desktop itself until one comes.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #reports: ReportLine;
  readonly #admissions = new Map<number, { revoke: () => void }>();
  #desktop: Desktop | undefined;
  #proxy: SpiceProxy | undefined;
  #starting: Promise<SpiceProxy> | undefined;
  #listener: SpicePortListener | undefined;
  /** Which listener it is that counts. */
  #turn = 0;
  #headless = 0;
  #state: SpiceProxyState = { state: 'idle' };
  #error: OffhookError | undefined;
  #nextAdmission = 1;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { enginePath: path, clock } = options;
    this.#reports = new ReportLine({ path, clock, report: () => this.report });
  }

  get report(): LinkReport {
    const { id, port } = this.#options;
    return {
      id,
      pid: process.pid,
      address: this.#address,
      port,
      state: this.#state.state,
      message: this.#error?.message ?? '',
      remedy: this.#error?.remedy,
      viewers: this.#proxy?.viewers ?? 0,
      headless: this.#headless > 0,
    };
  }

  /** @throws OffhookError of layer `config`. */
  use(text: string, ticket?: string): void {
    const desktop = readDesktop(text, ticket);
    this.#desktop = desktop;
    this.#proxy?.useSource(desktop.source);
    this.#listener?.useSource(desktop.source);
    this.#changed();
  }

  /** @throws OffhookError `control/no-desktop` before the first `use`. */
  async admit(): Promise<Admission> {
    const proxy = await this.#startProxy();
    const entrance = proxy.admit();
    const id = this.#nextAdmission++;
    this.#admissions.set(id, entrance);
    return { id, file: desktopFileFor(entrance, this.#desktop?.file) };
  }

  /** Nobody comes in with it any more; the viewer that is in stays in. */
  revoke(id: number): void {
    this.#admissions.get(id)?.revoke();
    this.#admissions.delete(id);
  }

  /** The port is wanted without a viewer too, until the function that is returned is called. */
  keepHeadless(): () => void {
    this.#headless += 1;
    this.#listen();
    this.#changed();
    return () => {
      this.#headless -= 1;
      if (this.#headless === 0 && this.#listener !== undefined) {
        this.#unlisten();
        this.#state = { state: 'idle' };
      }
      this.#changed();
    };
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#unlisten();
    await this.#starting?.then(
      (proxy) => proxy.close(),
      () => undefined,
    );
    await this.#reports.close();
  }

  /** Where the desktop is now: it may have moved since we were told of it. */
  get #address(): string {
    const viewed = (this.#proxy?.viewers ?? 0) > 0 ? this.#proxy?.source : undefined;
    const source = viewed ?? this.#listener?.source ?? this.#desktop?.source;
    return source === undefined ? '' : desktopName(source);
  }

  #startProxy(): Promise<SpiceProxy> {
    const desktop = this.#desktop;
    if (desktop === undefined || this.#closed) {
      throw new OffhookError('control', 'no-desktop', 'the link has not been told its desktop');
    }
    const { port: portName, clock, logger } = this.#options;
    this.#starting ??= startSpiceProxy({
      source: desktop.source,
      portName,
      clock,
      logger,
      onChannel: (channel) => this.#carry(channel),
      onState: (state) => this.#viewerState(state),
      onMigration: (news) => this.#tell(news),
      // The desktop has one client at a time: us, or the viewer with us beside it.
      onViewer: () => this.#unlisten(),
    }).then((proxy) => {
      this.#proxy = proxy;
      // It may have been told another meanwhile.
      if (this.#desktop !== undefined) proxy.useSource(this.#desktop.source);
      return proxy;
    });
    return this.#starting;
  }

  #viewerState(state: SpiceProxyState): void {
    this.#follow(state);
    const alone = (this.#proxy?.viewers ?? 0) === 0;
    if (alone && (state.state === 'idle' || state.state === 'refused')) this.#listen();
  }

  #listen(): void {
    const desktop = this.#desktop;
    const busy = this.#listener !== undefined || (this.#proxy?.viewers ?? 0) > 0;
    if (desktop === undefined || busy || this.#headless === 0 || this.#closed) return;
    const turn = ++this.#turn;
    this.#listener = listenSpicePort({
      // A viewer may have moved with the desktop, or been told another ticket.
      source: this.#proxy?.source ?? desktop.source,
      portName: this.#options.port,
      clock: this.#options.clock,
      onChannel: (channel) => this.#carry(channel),
      // What it says while it is being closed is no longer so.
      onState: (state) => {
        if (turn === this.#turn) this.#follow(state);
      },
      onMigration: (news) => this.#tell(news),
    });
  }

  #unlisten(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#turn += 1;
    void listener?.close();
  }

  #carry(channel: Channel): void {
    const { port, enginePath: path, clock, logger } = this.#options;
    const words = { kind: 'port', address: this.#address, port } as const;
    carryPort(channel, { path, words, clock, logger });
  }

  #follow(state: SpiceProxyState): void {
    this.#state = state;
    const { logger, port } = this.#options;
    if (state.state === 'linked') {
      this.#error = undefined;
      logger.info({ port }, 'linked to the desktop');
    } else if (state.state === 'waiting' || state.state === 'refused') {
      // Tried every few seconds: said once, until it is something else.
      if (this.#error?.code !== state.error.code) {
        logger.warn({ port, reason: describeError(state.error) }, 'not linked to the desktop');
      }
      this.#error = state.error;
    }
    this.#changed();
  }

  #tell(news: MigrationNews): void {
    const { logger, port } = this.#options;
    if (news.kind === 'began') {
      logger.info({ port, to: news.to }, 'the desktop is about to move to another host');
    } else if (news.kind === 'moved') {
      logger.info({ port, to: news.to, lossless: news.lossless }, 'the desktop has moved');
      this.#changed();
    } else {
      const reason = describeError(news.error);
      logger.warn({ port, reason }, 'not linked to the host that the desktop moves to');
    }
  }

  #changed(): void {
    if (this.#closed) return;
    this.#reports.send();
    this.#options.onChange();
  }
}
