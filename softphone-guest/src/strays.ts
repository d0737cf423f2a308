import type { Clock, Logger, Timer } from '@offhook/common';
import type { SessionState } from '@offhook/media-rpc';

export interface StraysOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a call has turned up that it belongs to. */
  readonly found: (id: string) => boolean;
  readonly close: (id: string) => void;
}

/**
 * Media sessions that nobody here knows, because the journal was lost: they have the time of a lease
 * to be found, as if we were away, and then are closed.
 */
export class Strays {
  readonly #options: StraysOptions;
  readonly #timers = new Map<string, Timer>();

  constructor(options: StraysOptions) {
    this.#options = options;
  }

  keep({ id, label }: SessionState, leaseMs: number): void {
    const { clock, logger, found, close } = this.#options;
    if (this.#timers.has(id)) return;
    logger.warn(
      { session: id, label, leaseMs },
      'a call that the journal has lost is kept a while',
    );
    const timer = clock.after(leaseMs, () => {
      this.#timers.delete(id);
      if (!found(id)) close(id);
    });
    this.#timers.set(id, timer);
  }

  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
