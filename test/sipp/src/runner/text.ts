import { count, type Result } from './result.ts';
import type { Requirement } from './requirement.ts';
import type { Scenario } from './scenario.ts';

const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

/** One line for a scenario that is done; more for one that failed. */
export function resultLine({ scenario, outcome, ms }: Result): string {
  const head = `${MARKS[outcome.kind]} ${scenario.id.padEnd(40)} ${(ms / 1000).toFixed(1).padStart(5)} s  ${scenario.title}`;
  switch (outcome.kind) {
    case 'passed':
      return head;
    case 'skipped':
      return `${head}\n       ${outcome.reason}`;
    case 'failed':
      return `${head}\n${indent(`${outcome.message}\nlogs: ${outcome.directory}`)}`;
    default:
      return outcome satisfies never;
  }
}

/** What was skipped and why, what failed, and the totals, last. */
export function summary(results: readonly Result[], complaints: readonly string[]): string {
  const reasons = Map.groupBy(
    results.filter(({ outcome }) => outcome.kind === 'skipped'),
    ({ outcome }) => (outcome.kind === 'skipped' ? outcome.reason : ''),
  );
  const failed = results.filter(({ outcome }) => outcome.kind === 'failed');
  return [
    '',
    ...[...reasons].map(([reason, of]) => `${of.length} not run: ${reason}`),
    ...failed.map(({ scenario }) => `failed: ${scenario.id}`),
    ...complaints,
    `${count(results, 'passed')} passed, ${failed.length + complaints.length} failed, ${count(results, 'skipped')} skipped`,
  ].join('\n');
}

/** Which scenarios prove which requirement, as a Markdown table. */
export function requirementTable(
  scenarios: readonly Pick<Scenario, 'id' | 'requirements'>[],
  requirements: Readonly<Record<string, Requirement>>,
): string {
  const rows = Object.entries(requirements).map(([id, { source, text }]) => {
    const by = scenarios
      .filter((scenario) => scenario.requirements.some((one) => one === id))
      .map((scenario) => `\`${scenario.id}\``);
    return `| \`${id}\` | ${source} | ${text} | ${by.join(' ')} |`;
  });
  return ['| requirement | source | what | scenarios |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  );
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `       ${line}`)
    .join('\n');
}
