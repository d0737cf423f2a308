/** A typed event source: `on` returns the function that unsubscribes. */
export interface EventSource<Events extends object> {
  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void;
}

/** What a listener threw (`cause`), where its emitter was told of nobody to report it to. */
export class ListenerError extends Error {
  override readonly name = 'ListenerError';

  constructor(cause: unknown) {
    super('a listener of an event failed', { cause });
  }
}

/**
 * A small typed emitter. A listener that throws does not stop the others: its error goes to
 * `onListenerError`, because an observer must never break what it observes. By default it becomes
 * an uncaught `ListenerError`: tests fail on it, and a daemon logs it (see `guardProcess`).
 */
export class Emitter<Events extends object> implements EventSource<Events> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();
  readonly #onListenerError: (error: unknown) => void;

  constructor(
    onListenerError: (error: unknown) => void = (error) => queueMicrotask(() => rethrow(error)),
  ) {
    this.#onListenerError = onListenerError;
  }

  on<K extends keyof Events>(name: K, listener: (event: Events[K]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    // A copy: a listener may subscribe or unsubscribe others.
    const listeners = [...(this.#listeners.get(name) ?? [])];
    for (const listener of listeners) {
      try {
        (listener as (event: Events[K]) => void)(event);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  /** Drops every listener. */
  clear(): void {
    this.#listeners.clear();
  }
}

function rethrow(error: unknown): never {
  throw new ListenerError(error);
}
