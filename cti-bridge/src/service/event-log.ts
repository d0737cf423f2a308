import type { LogEntry, Position } from './wire.ts';

/**
 * The last events, numbered from 1. It is what makes a reconnect whole: whoever saw up to a number
 * gets what came after it, or is told that it is no longer there.
 */
export class EventLog {
  readonly epoch: string;
  readonly #limit: number;
  /** A ring: entry `seq` is at `seq % limit`. */
  readonly #ring: LogEntry[] = [];
  #seq = 0;

  constructor(options: { epoch: string; limit: number }) {
    this.epoch = options.epoch;
    this.#limit = options.limit;
  }

  get position(): Position {
    return { epoch: this.epoch, seq: this.#seq };
  }

  append(entry: Omit<LogEntry, 'seq'>): LogEntry {
    this.#seq++;
    const numbered = { seq: this.#seq, ...entry };
    this.#ring[this.#seq % this.#limit] = numbered;
    return numbered;
  }

  /** Everything after that position; undefined when some of it is gone, or was never here. */
  since({ epoch, seq }: Position): readonly LogEntry[] | undefined {
    if (epoch !== this.epoch || seq > this.#seq || this.#seq - seq > this.#limit) return undefined;
    return Array.from({ length: this.#seq - seq }, (_, at) => {
      const entry = this.#ring[(seq + 1 + at) % this.#limit];
      return entry === undefined ? [] : [entry];
    }).flat();
  }
}
