import { readFileSync, rmSync } from 'node:fs';
import { describeError, OffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import { desktopName } from '@offhook/virtual-channel/spice';
import type { EngineConfig } from '../config.ts';
import type { LinkReport } from './api.ts';
import { isSpiceAddress, readDesktop } from './desktop.ts';
import { LinkClient, linkId, type LinkPlace } from './link-client.ts';

export type SpiceConfig = NonNullable<EngineConfig['spice']>;

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/** The desktop of the configuration: its link is there as long as the engine, viewer or not. */
export class HeadlessDesktop {
  readonly #text: string;
  readonly #ticket: string | undefined;
  readonly #id: string;
  readonly #address: string;
  readonly #config: SpiceConfig;
  readonly #place: LinkPlace;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onChange: () => void;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #link: LinkClient | undefined;
  #opening: Promise<void> | undefined;
  #error: OffhookError | undefined;
  #closed = false;

  /** @throws OffhookError of layer `config` when the source cannot be used. */
  constructor(options: {
    readonly config: SpiceConfig;
    readonly place: LinkPlace;
    readonly clock: Clock;
    readonly logger: Logger;
    /** `report` is another one. */
    readonly onChange: () => void;
  }) {
    const { source: name, password_file: passwordFile } = options.config;
    this.#config = options.config;
    this.#place = options.place;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#onChange = options.onChange;
    this.#ticket = passwordFile === undefined ? undefined : readTicket(passwordFile);
    this.#text = isSpiceAddress(name) ? name : readText(name, 'spice.source');
    const { source, deleteThisFile } = readDesktop(this.#text, this.#ticket);
    this.#id = linkId(source);
    this.#address = desktopName(source);
    // Its ticket is good for one use, and used from here on.
    if (deleteThisFile) rmSync(name, { force: true });
    this.#open();
  }

  /** What there is to say while its link says nothing. */
  get report(): LinkReport {
    return {
      id: this.#id,
      pid: 0,
      address: this.#address,
      port: this.#config.port,
      state: this.#error === undefined ? 'connecting' : 'waiting',
      message: this.#error?.message ?? '',
      remedy: this.#error?.remedy,
      viewers: 0,
      headless: true,
    };
  }

  /** The link goes too, unless a viewer has it. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#opening;
    await this.#link?.close();
  }

  #open(): void {
    this.#opening = this.#attend().catch((error: unknown) => this.#again(error));
  }

  async #attend(): Promise<void> {
    const link = await LinkClient.open(this.#place, this.#id, this.#config.port);
    try {
      await link.use(this.#text, this.#ticket);
      link.keepHeadless();
    } catch (error) {
      await link.close();
      throw error;
    }
    this.#retryMs = FIRST_RETRY_MS;
    this.#error = undefined;
    this.#link = link;
    link.onClose((error) => this.#again(error));
  }

  #again(reason: unknown): void {
    if (this.#closed) return;
    this.#link = undefined;
    this.#error =
      reason instanceof OffhookError
        ? reason
        : new OffhookError('control', 'link-failed', describeError(reason));
    this.#logger.warn({ reason: this.#error.message }, 'the link to the desktop is gone');
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#retryMs, () => this.#open());
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#onChange();
  }
}

function readTicket(path: string): string {
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
