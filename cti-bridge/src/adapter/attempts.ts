/** Gives what it waits for once that is so, else undefined; what it throws ends the wait. */
export type Attempt<T> = () => T | undefined;

/** Waits for what events will say. */
export class Attempts {
  readonly #watchers = new Set<{ look: () => void; reject: (error: unknown) => void }>();

  /** Rejects with the reason of `signal`, or of `close`. */
  async until<T>(attempt: Attempt<T>, signal: AbortSignal): Promise<T> {
    const found = attempt();
    if (found !== undefined) return found;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const abort = () => reject(signal.reason);
    const watcher = {
      look: () => {
        try {
          const now = attempt();
          if (now !== undefined) resolve(now);
        } catch (error) {
          reject(error);
        }
      },
      reject,
    };
    this.#watchers.add(watcher);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await promise;
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Something has changed. */
  look(): void {
    for (const { look } of this.#watchers) look();
  }

  close(error: unknown): void {
    for (const { reject } of this.#watchers) reject(error);
  }
}
