import { OffhookError, type Clock } from '@offhook/common';
import { BoundedMap } from '../model/bounded-map.ts';

interface Bucket {
  level: number;
  at: number;
}

const MAX_NAMES = 10_000;

/** A token bucket a name: so many requests a second on average, and twice that at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #buckets = new BoundedMap<string, Bucket>(MAX_NAMES);

  constructor(options: { perSecond: number; clock: Clock }) {
    this.#perSecond = options.perSecond;
    this.#clock = options.clock;
  }

  /** @throws OffhookError `cti` `rate-limited` */
  take(name: string): void {
    const now = this.#clock.now();
    const full = this.#perSecond * 2;
    const { level, at } = this.#buckets.get(name) ?? { level: full, at: now };
    const filled = Math.min(full, level + ((now - at) / 1000) * this.#perSecond);
    this.#buckets.set(name, { level: filled < 1 ? filled : filled - 1, at: now });
    if (filled >= 1) return;
    const message = `${name} asks more than ${this.#perSecond} times a second`;
    throw new OffhookError('cti', 'rate-limited', message, { remedy: 'wait a second' });
  }
}
