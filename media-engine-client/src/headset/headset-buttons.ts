import { spawn, type ChildProcess } from 'node:child_process';
import { watch, type FSWatcher } from 'node:fs';
import {
  Emitter,
  stopProcess,
  exited,
  type Clock,
  type EventSource,
  type Logger,
  type Timer,
} from '@offhook/common';
import { ButtonReader, type Button } from './button.ts';
import { findHeadsets, systemRoots, type InputRoots } from './find.ts';

/** A device comes as a burst: its node, its links, its permissions. */
const SETTLE_MS = 200;
/** A machine that has no input device yet has no directory of them to watch. */
const LOOK_AGAIN_MS = 10_000;

export interface HeadsetButtonsOptions {
  /** `[headset] buttons`. */
  readonly wanted: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly roots?: InputRoots;
}

/**
 * What is pressed at the headsets of this machine, as they come and go (evdev).
 *
 * Each device is read by a `cat` of its own: a read of an input device that blocks would keep one of
 * Node's few threads for good, and could not be ended.
 */
export class HeadsetButtons implements EventSource<{ pressed: Button }> {
  readonly #options: HeadsetButtonsOptions;
  readonly #roots: InputRoots;
  readonly #events = new Emitter<{ pressed: Button }>();
  readonly #readers = new Map<string, ChildProcess>();
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;
  #looking = false;
  #closed = false;

  constructor(options: HeadsetButtonsOptions) {
    this.#options = options;
    this.#roots = options.roots ?? systemRoots;
  }

  on(name: 'pressed', listener: (button: Button) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** Resolves when the devices that are there are listened to. */
  async start(): Promise<void> {
    if (this.#options.wanted === 'off') return;
    await this.#look();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    this.#timer?.cancel();
    this.#events.clear();
    await Promise.all([...this.#readers.values()].map((child) => stopProcess(child)));
  }

  #later(ms: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    if (this.#looking) {
      this.#later(SETTLE_MS);
      return;
    }
    this.#looking = true;
    this.#watch();
    for (const { name, path, readable } of await findHeadsets(this.#options.wanted, this.#roots)) {
      if (readable && !this.#closed && !this.#readers.has(path)) this.#read(name, path);
    }
    this.#looking = false;
    if (this.#watcher === undefined) this.#later(LOOK_AGAIN_MS);
  }

  #watch(): void {
    if (this.#watcher !== undefined || this.#closed) return;
    try {
      this.#watcher = watch(this.#roots.dev, () => this.#later(SETTLE_MS));
      this.#watcher.on('error', () => this.#unwatch());
    } catch {
      // There is no such directory, or no more may be watched: looked for again.
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#later(SETTLE_MS);
  }

  #read(name: string, path: string): void {
    const { logger } = this.#options;
    const reader = new ButtonReader();
    const child = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#readers.set(path, child);
    logger.info({ name, path }, 'headset buttons');
    child.stdout.on('data', (bytes: Buffer) => {
      for (const button of reader.read(bytes)) {
        logger.debug({ name, button }, 'pressed');
        if (!this.#closed) this.#events.emit('pressed', button);
      }
    });
    void this.#untilGone(child, name, path);
  }

  async #untilGone(child: ChildProcess, name: string, path: string): Promise<void> {
    await exited(child);
    this.#readers.delete(path);
    if (this.#closed) return;
    this.#options.logger.info({ name, path }, 'headset gone');
    // Unplugged and plugged in again under the same name, perhaps before anybody looked.
    this.#later(LOOK_AGAIN_MS / 10);
  }
}
