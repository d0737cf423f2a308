import type { LogEntry, Position } from '../service/wire.ts';

/**
 * The last events, by their numbers, which have no gaps. It is what makes a reconnect whole: whoever
 * saw up to a number gets what came after it, or is told that it is no longer there.
 */
export class EventLog<E extends { readonly entry: LogEntry }> {
  readonly epoch: string;
  readonly #limit: number;
  /** A ring: entry `seq` is at `seq % limit`. */
  readonly #ring: E[] = [];
  /** The last number, and the one before the first that is kept. */
  #seq: number;
  #before: number;

  constructor(options: { epoch: string; limit: number; seq?: number; entries?: readonly E[] }) {
    const { epoch, limit, seq = 0, entries = [] } = options;
    this.epoch = epoch;
    this.#limit = limit;
    this.#seq = seq - entries.length;
    this.#before = this.#seq;
    for (const one of entries) this.append(one);
  }

  get position(): Position {
    return { epoch: this.epoch, seq: this.#seq };
  }

  append(one: E): void {
    this.#seq++;
    this.#ring[this.#seq % this.#limit] = one;
    this.#before = Math.max(this.#before, this.#seq - this.#limit);
  }

  all(): readonly E[] {
    return this.since({ epoch: this.epoch, seq: this.#before }) ?? [];
  }

  /** Everything after that position; undefined when some of it is gone, or was never here. */
  since({ epoch, seq }: Position): readonly E[] | undefined {
    if (epoch !== this.epoch || seq > this.#seq || seq < this.#before) return undefined;
    return Array.from({ length: this.#seq - seq }, (_, at) => {
      const one = this.#ring[(seq + 1 + at) % this.#limit];
      return one === undefined ? [] : [one];
    }).flat();
  }
}
