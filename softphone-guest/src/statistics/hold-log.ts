import type { Call } from '../call/model.ts';
import type { HoldPeriod } from './schema.ts';

/** Of one call. */
const MAX_PERIODS = 100;

/** When calls were on hold, and by whom. */
export class HoldLog {
  readonly #calls = new Map<string, HoldPeriod[]>();

  /** `now`: wall clock, ms since the epoch. */
  observe(call: Call, now: number): void {
    const { id, phase, hold, remoteHeld } = call;
    const over = phase === 'ending' || phase === 'ended';
    this.#note(id, 'local', hold.inForce && !over, now);
    this.#note(id, 'remote', remoteHeld && !over, now);
  }

  of(id: string): readonly HoldPeriod[] {
    return this.#calls.get(id) ?? [];
  }

  forget(id: string): void {
    this.#calls.delete(id);
  }

  #note(id: string, by: HoldPeriod['by'], held: boolean, now: number): void {
    const periods = this.#calls.get(id) ?? [];
    const open = periods.findIndex((period) => period.by === by && period.to === null);
    const running = periods[open];
    if (held === (running !== undefined)) return;
    const at = new Date(now).toISOString();
    const next =
      running === undefined
        ? [...periods, { by, from: at, to: null }]
        : periods.with(open, { ...running, to: at });
    this.#calls.set(id, next.slice(-MAX_PERIODS));
  }
}
