import { addCounts } from './junit.ts';
import { runSuite, type Outcome, type Suite } from './suite.ts';

/** Runs the suites one after the other, and prints what became of them; true if nothing failed. */
export async function runSuites(suites: readonly Suite[]): Promise<boolean> {
  const prepared = new Map(
    suites.map((suite) => [suite, suite.prepare?.().catch(() => undefined)] as const),
  );
  const outcomes: Outcome[] = [];
  for (const suite of suites) {
    await prepared.get(suite);
    outcomes.push(await runSuite(suite));
  }
  console.log(`\n${summarise(outcomes).join('\n')}`);
  return outcomes.length > 0 && outcomes.every((outcome) => outcome.failed === 0);
}

/** One line a suite; the last line holds the totals. */
export function summarise(outcomes: readonly Outcome[]): string[] {
  const total = outcomes.reduce(addCounts, { passed: 0, failed: 0, skipped: 0 });
  const width = Math.max(0, ...outcomes.map((outcome) => outcome.suite.length));
  return [
    ...outcomes.map((outcome) => {
      const problem = outcome.problem === undefined ? '' : `  (${outcome.problem})`;
      const time = `${outcome.seconds.toFixed(0)} s`.padStart(6);
      return `${outcome.suite.padEnd(width)} ${time}  ${countLine(outcome)}${problem}`;
    }),
    countLine(total),
  ];
}

function countLine(counts: { passed: number; failed: number; skipped: number }): string {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}
