import type { Call } from './model.ts';

/** The call that is missed least: one that only rings, else one on hold, else the oldest. */
export function leastImportant(calls: readonly Call[]): Call | undefined {
  const rank = ({ phase, hold }: Call): number =>
    phase !== 'established' ? 0 : hold.wanted || hold.inForce ? 1 : 2;
  return calls.toSorted((a, b) => rank(a) - rank(b) || a.startedAt - b.startedAt)[0];
}
