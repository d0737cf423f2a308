import { OffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import { connectIntroduced, type Channel } from '@offhook/virtual-channel';
import type { LinkIntroduction, LinkReport } from './api.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** A channel to the engine that is opened again, as long as it is wanted, when the engine goes. */
export class EngineLine {
  readonly #path: string;
  readonly #words: LinkIntroduction;
  readonly #clock: Clock;
  readonly #use: (engine: Channel) => void;
  readonly #stop = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #engine: Channel | undefined;

  constructor(options: {
    readonly path: string;
    readonly words: LinkIntroduction;
    readonly clock: Clock;
    /** There is an engine (again). */
    readonly use: (engine: Channel) => void;
  }) {
    this.#path = options.path;
    this.#words = options.words;
    this.#clock = options.clock;
    this.#use = options.use;
    void this.#connect();
  }

  get engine(): Channel | undefined {
    return this.#engine;
  }

  /** Idempotent; what has been written still goes. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort(new OffhookError('channel', 'closed', 'no longer wanted'));
    await this.#engine?.close();
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stop;
    try {
      const engine = await connectIntroduced(this.#path, this.#words, { signal });
      if (signal.aborted) {
        engine.destroy();
        return;
      }
      this.#engine = engine;
      engine.on('data', () => (this.#retryMs = FIRST_RETRY_MS));
      engine.on('close', () => this.#again());
      this.#use(engine);
    } catch {
      // No engine, for now: that is no fault of the link, and the engine's own log says why.
      this.#again();
    }
  }

  #again(): void {
    this.#engine = undefined;
    if (this.#stop.signal.aborted) return;
    this.#timer = this.#clock.after(this.#retryMs, () => void this.#connect());
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }
}

/**
 * Carries the guest's port to the engine and back, byte for byte, as long as the guest has it open. An
 * engine that goes is followed by the next one: both ends of what runs in it notice that.
 */
export function carryPort(
  port: Channel,
  options: {
    readonly path: string;
    readonly words: LinkIntroduction;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): void {
  port.pause();
  const line = new EngineLine({
    ...options,
    use: (engine) => {
      engine.on('data', (chunk) => {
        if (!port.closed && !port.write(chunk.slice())) engine.pause();
      });
      engine.on('drain', () => port.resume());
      engine.on('close', () => port.pause());
      port.resume();
    },
  });
  port.on('data', (chunk) => {
    const { engine } = line;
    // The chunk is the port's own; paused while there is no engine, so nothing is thrown away.
    if (engine !== undefined && !engine.closed && !engine.write(chunk.slice())) port.pause();
  });
  port.on('drain', () => line.engine?.resume());
  port.on('close', (error) => {
    options.logger.debug({ reason: error?.message }, 'port closed');
    void line.close();
  });
}

/** Tells the engine how it stands with the desktop, on every change and to every new engine. */
export class ReportLine {
  readonly #line: EngineLine;
  readonly #report: () => LinkReport;

  constructor(options: {
    readonly path: string;
    readonly clock: Clock;
    readonly report: () => LinkReport;
  }) {
    this.#report = options.report;
    this.#line = new EngineLine({ ...options, words: { kind: 'reports' }, use: () => this.send() });
  }

  send(): void {
    const engine = this.#line?.engine;
    if (engine === undefined || engine.closed) return;
    engine.write(Buffer.from(`${JSON.stringify(this.#report())}\n`));
  }

  close(): Promise<void> {
    return this.#line.close();
  }
}
