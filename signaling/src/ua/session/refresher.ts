import type { Clock, Timer } from '@offhook/common';
import { nextTimerEvent, type SessionInterval } from '../dialog/session-timer.ts';

/** Runs the session timer of one dialog (RFC 4028 §10). */
export class Refresher {
  readonly #clock: Clock;
  readonly #act: (action: 'refresh' | 'expire') => void;
  #timer: Timer | undefined;
  #expiry: Timer | undefined;
  #current: SessionInterval | undefined;
  readonly #changed: () => void;
  #since = 0;

  /** `changed` is told when counting starts anew. */
  constructor(clock: Clock, act: (action: 'refresh' | 'expire') => void, changed: () => void) {
    this.#clock = clock;
    this.#act = act;
    this.#changed = changed;
  }

  get current(): SessionInterval | undefined {
    return this.#current;
  }

  /** Wall-clock ms of the last refresh, for a process that goes on from here. */
  get since(): number {
    return this.#since;
  }

  /** A 2xx to an INVITE or UPDATE set or dropped the interval; counting starts again. */
  restart(interval: SessionInterval | undefined, elapsedMs = 0): void {
    this.stop();
    this.#current = interval;
    this.#since = this.#clock.wall() - elapsedMs;
    this.#changed();
    if (interval === undefined) return;
    const { afterMs, action } = nextTimerEvent(interval);
    this.#timer = this.#clock.after(Math.max(0, afterMs - elapsedMs), () => this.#act(action));
    // A refresh of ours that nobody answers must not keep the call for ever.
    if (action === 'refresh') {
      const rest = Math.max(0, interval.interval * 1000 - elapsedMs);
      this.#expiry = this.#clock.after(rest, () => this.#act('expire'));
    }
  }

  stop(): void {
    this.#timer?.cancel();
    this.#expiry?.cancel();
  }
}
