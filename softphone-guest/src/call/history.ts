import type { SessionStats } from '@offhook/media-rpc';
import type { Call } from './model.ts';

/** A call that is over, with the last figures of its audio. */
export interface HistoryEntry {
  readonly call: Call;
  readonly stats: SessionStats | undefined;
}

/** The last calls, newest first; the oldest is forgotten when there are too many. */
export class CallHistory {
  readonly #limit: number;
  readonly #entries: HistoryEntry[] = [];

  readonly #onAdded: (entry: HistoryEntry) => void;

  /** `earlier`: newest first. `onAdded` is for whoever keeps it. */
  constructor(
    limit: number,
    earlier: readonly HistoryEntry[] = [],
    onAdded: (entry: HistoryEntry) => void = () => undefined,
  ) {
    this.#limit = limit;
    this.#entries.push(...earlier.slice(0, limit));
    this.#onAdded = onAdded;
  }

  add(entry: HistoryEntry): void {
    this.#onAdded(entry);
    this.#entries.unshift(entry);
    this.#entries.length = Math.min(this.#entries.length, this.#limit);
  }

  list(limit = this.#limit): readonly HistoryEntry[] {
    return this.#entries.slice(0, limit);
  }

  find(id: string): HistoryEntry | undefined {
    return this.#entries.find((entry) => entry.call.id === id);
  }
}
