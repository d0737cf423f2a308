import type { Clock } from '@offhook/common';

/**
 * Remembers keys for at least `ms` and at most twice as long, in two generations: no timer, no
 * scan. `capacity` bounds a flood: the older generation is given up early.
 */
export class RecentKeys {
  readonly #ms: number;
  readonly #clock: Clock;
  readonly #capacity: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #turnedAt: number;

  constructor(ms: number, clock: Clock, capacity = 100_000) {
    this.#ms = ms;
    this.#clock = clock;
    this.#capacity = capacity;
    this.#turnedAt = clock.now();
  }

  /** Whether the key was seen lately; remembers it. */
  seen(key: string): boolean {
    const age = this.#clock.now() - this.#turnedAt;
    if (age >= this.#ms || this.#young.size >= this.#capacity) {
      this.#old = age >= 2 * this.#ms ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnedAt = this.#clock.now();
    }
    const known = this.#young.has(key) || this.#old.has(key);
    this.#young.add(key);
    return known;
  }
}
