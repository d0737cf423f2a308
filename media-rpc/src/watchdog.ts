import type { Clock, Timer } from '@offhook/common';

export interface WatchdogOptions {
  readonly clock: Clock;
  /** Milliseconds between our own signs of life. */
  readonly beatMs: number;
  /** Milliseconds without one of the peer's, after which it counts as gone. */
  readonly silenceMs: number;
  readonly beat: () => void;
  readonly silent: (ms: number) => void;
}

/** A timer this late means that this process stood still, not the peer. Milliseconds. */
const LATE_MS = 500;

/** Gives signs of life and watches for the peer's, because a frozen peer closes nothing. */
export class Watchdog {
  readonly #options: WatchdogOptions;
  #heardAt = 0;
  #beatTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    this.heard();
    this.#scheduleBeat();
    this.#watch(this.#options.silenceMs);
  }

  /** Cheap: called for every message. */
  heard(): void {
    this.#heardAt = this.#options.clock.now();
  }

  stop(): void {
    this.#beatTimer?.cancel();
    this.#silenceTimer?.cancel();
  }

  #scheduleBeat(): void {
    this.#beatTimer = this.#options.clock.after(this.#options.beatMs, () => {
      this.#scheduleBeat();
      this.#options.beat();
    });
  }

  #watch(ms: number): void {
    const { clock, silenceMs, beatMs, silent } = this.#options;
    const due = clock.now() + ms;
    this.#silenceTimer = clock.after(ms, () => {
      const now = clock.now();
      const left = this.#heardAt + silenceMs - now;
      if (left > 0) this.#watch(left);
      else if (now - due > LATE_MS) {
        // What the peer sent meanwhile has still to be read.
        this.#heardAt = Math.max(this.#heardAt, now + beatMs - silenceMs);
        this.#watch(beatMs);
      } else silent(silenceMs);
    });
  }
}
