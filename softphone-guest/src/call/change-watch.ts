import type { Clock } from '@offhook/common';

/** Lets others wait until something that changes has come to where they want it. */
export class ChangeWatch {
  readonly #clock: Clock;
  readonly #watchers = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It has changed. */
  tell(): void {
    for (const watch of this.#watchers) watch();
  }

  /** Resolves when `done` holds (true), or at the deadline or abort (false). */
  until(done: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    if (done()) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const finish = () => {
      timer.cancel();
      this.#watchers.delete(watch);
      signal?.removeEventListener('abort', finish);
      resolve(done());
    };
    const watch = () => {
      if (done()) finish();
    };
    const timer = this.#clock.after(ms, finish);
    this.#watchers.add(watch);
    signal?.addEventListener('abort', finish, { once: true });
    return promise;
  }
}
