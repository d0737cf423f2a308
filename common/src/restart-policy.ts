import type { ProcessExit } from './process.ts';

/** What is remembered of a process that is started again and again. */
export interface RestartState {
  /** Deaths in a row, none of which came after a good while. */
  readonly failures: number;
}

export type RestartDecision =
  | { readonly action: 'restart'; readonly afterMs: number; readonly state: RestartState }
  /** It ended because it was to end, or cannot run at all: no other try comes to more. */
  | { readonly action: 'stop'; readonly code: number }
  | { readonly action: 'give-up'; readonly failures: number };

export const neverFailed: RestartState = { failures: 0 };

/** A process that has lived so long was well: what killed it is something new. */
const GOOD_WHILE_MS = 60_000;
const MAX_FAILURES = 8;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 5000;
/** Bad usage or configuration (see `exitCode`). */
const USAGE = 2;

/** What follows the end of a supervised process: at once the first time, then with growing pauses. */
export function afterExit(
  state: RestartState,
  { code }: ProcessExit,
  livedMs: number,
): RestartDecision {
  if (code === 0 || code === USAGE) return { action: 'stop', code };
  const failures = livedMs >= GOOD_WHILE_MS ? 1 : state.failures + 1;
  if (failures > MAX_FAILURES) return { action: 'give-up', failures };
  const pause = FIRST_PAUSE_MS * 2 ** (failures - 2);
  const afterMs = failures === 1 ? 0 : Math.min(pause, LAST_PAUSE_MS);
  return { action: 'restart', afterMs, state: { failures } };
}
