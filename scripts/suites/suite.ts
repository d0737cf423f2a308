import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { countJUnit, type Counts } from './junit.ts';

export interface Suite {
  readonly name: string;
  /** Run by the project's Node. */
  readonly command: (report: string) => readonly string[];
  /** `junit`: the suite writes a report. `exit-code`: it counts as one test that its exit decides. */
  readonly result: 'junit' | 'exit-code';
  readonly deadlineMs: number;
  /** What takes long and can be done while other suites run. Its failure is the suite's to tell. */
  readonly prepare?: () => Promise<unknown>;
}

export interface Outcome extends Counts {
  readonly suite: string;
  readonly seconds: number;
  /** What is wrong beyond failed tests; counted as one failure. */
  readonly problem?: string;
}

const root = dirname(dirname(import.meta.dirname));

/** Runs a suite with its output shown, and reads its report. Never rejects for what the suite does. */
export async function runSuite(suite: Suite): Promise<Outcome> {
  const report = join(root, 'build/reports', `${suite.name}.xml`);
  await mkdir(dirname(report), { recursive: true });
  await rm(report, { force: true });
  console.log(`\n── ${suite.name} ──`);
  const startedAt = performance.now();
  const end = await runCommand(suite, report);
  const verdict =
    suite.result === 'junit'
      ? judgeReport(end, await readCounts(report))
      : judgeExit(end, suite.name);
  return { suite: suite.name, seconds: (performance.now() - startedAt) / 1000, ...verdict };
}

/** How a process ended: its exit code, the signal that killed it, or why it did not run. */
export type End = number | string;

type Verdict = Omit<Outcome, 'suite' | 'seconds'>;

/** A suite passes only if it exits 0 with a report of at least one test that was not skipped. */
export function judgeReport(end: End, counts: Counts | Error): Verdict {
  if (counts instanceof Error) {
    return { passed: 0, failed: 1, skipped: 0, problem: `no report: ${counts.message}` };
  }
  const ran = counts.passed + counts.failed;
  if (ran === 0) return { ...counts, failed: 1, problem: 'ran no test' };
  if (end !== 0 && counts.failed === 0) {
    return { ...counts, failed: 1, problem: `ended with ${end}, though no test failed` };
  }
  return counts;
}

function judgeExit(end: End, name: string): Verdict {
  if (end === 0) return { passed: 1, failed: 0, skipped: 0 };
  return { passed: 0, failed: 1, skipped: 0, problem: `${name} ended with ${end}` };
}

async function readCounts(report: string): Promise<Counts | Error> {
  try {
    return countJUnit(await readFile(report, 'utf8'));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function runCommand(suite: Suite, report: string): Promise<End> {
  const child = spawn(process.execPath, suite.command(report), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let late = false;
  const deadline = setTimeout(() => {
    late = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  }, suite.deadlineMs);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      if (late) resolve(`its deadline of ${suite.deadlineMs / 1000} s`);
      else resolve(code ?? signal ?? 'no exit code');
    });
  });
}
