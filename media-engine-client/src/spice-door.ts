import { readFileSync, rmSync } from 'node:fs';
import { describeError, OffhookError, type Clock, type Logger } from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import {
  listenSpicePort,
  parseDesktopFile,
  parseSpiceUri,
  type MigrationNews,
  type SpiceLinkState,
  type SpicePortListener,
  type SpiceSource,
} from '@offhook/virtual-channel/spice';
import type { EngineConfig } from './config.ts';

export type SpiceConfig = NonNullable<EngineConfig['spice']>;

/** How it stands with the desktop, for `status` and `doctor`. */
export interface SpiceStatus {
  readonly address: string;
  readonly port: string;
  readonly state: SpiceLinkState['state'];
  /** Why it is not linked; empty while nothing has failed. */
  readonly message: string;
  readonly remedy?: string | undefined;
}

export interface SpiceDoorOptions {
  readonly config: SpiceConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The guest opened its end of the port. */
  readonly onChannel: (channel: Channel) => void;
  /** `status` is another one. */
  readonly onChange: () => void;
}

/** The desktop's SPICE port as a place where a guest comes in. */
export class SpiceDoor {
  readonly #port: string;
  readonly #listener: SpicePortListener;
  readonly #logger: Logger;
  #state: SpiceLinkState = { state: 'connecting' };
  /** The last failure; a new attempt alone takes nothing of it back. */
  #error: OffhookError | undefined;

  /** @throws OffhookError of layer `config` when the source cannot be used. */
  constructor({ config, clock, logger, onChannel, onChange }: SpiceDoorOptions) {
    this.#port = config.port;
    this.#logger = logger;
    this.#listener = listenSpicePort({
      source: readSpiceSource(config),
      portName: config.port,
      clock,
      onChannel,
      onState: (state) => {
        this.#follow(state);
        onChange();
      },
      onMigration: (news) => this.#tell(news),
    });
  }

  get status(): SpiceStatus {
    return {
      address: this.#listener.address,
      port: this.#port,
      state: this.#state.state,
      message: this.#error?.message ?? '',
      remedy: this.#error?.remedy,
    };
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  #tell(news: MigrationNews): void {
    const port = this.#port;
    if (news.kind === 'began') {
      this.#logger.info({ port, to: news.to }, 'the desktop is about to move to another host');
    } else if (news.kind === 'moved') {
      this.#logger.info({ port, to: news.to, lossless: news.lossless }, 'the desktop has moved');
    } else {
      const reason = describeError(news.error);
      this.#logger.warn({ port, reason }, 'not linked to the host that the desktop moves to');
    }
  }

  #follow(state: SpiceLinkState): void {
    this.#state = state;
    if (state.state === 'connecting') return;
    if (state.state === 'linked') {
      this.#error = undefined;
      this.#logger.info({ port: this.#port }, 'linked to the desktop');
      return;
    }
    // Tried every few seconds: said once, until it is something else.
    if (this.#error?.code !== state.error.code) {
      const reason = describeError(state.error);
      this.#logger.warn({ port: this.#port, reason }, 'not linked to the desktop');
    }
    this.#error = state.error;
  }
}

/**
 * The desktop that a configuration names: a SPICE address, or remote-viewer's `.vv` file, which is
 * removed when it asks for that, because its ticket is good for one use.
 *
 * @throws OffhookError of layer `config`.
 */
function readSpiceSource({ source, password_file }: SpiceConfig): SpiceSource {
  const password = password_file === undefined ? undefined : readPassword(password_file);
  if (source.startsWith('spice:')) return parseSpiceUri(source, password);
  const file = parseDesktopFile(readText(source, 'spice.source'));
  if (file.deleteThisFile) rmSync(source, { force: true });
  return password === undefined ? file.source : { ...file.source, password };
}

function readPassword(path: string): string {
  return readText(path, 'spice.password_file').replace(/\r?\n$/u, '');
}

function readText(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `${key}: ${path} cannot be read`, {
      cause: error,
    });
  }
}
