import { join } from 'node:path';
import { Lane } from './lane.ts';
import type { Outcome, Result } from './result.ts';
import { runScenario } from './run-scenario.ts';
import type { Need, Scenario } from './scenario.ts';

export interface RunOptions {
  readonly directory: string;
  /** Where the logs of failed scenarios are put, to be read afterwards. */
  readonly kept: string;
  /** Those of passed ones too. */
  readonly keepAll: boolean;
  /** Lanes at a time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** Why a scenario with that need cannot run; undefined when it can. */
  readonly missing: (need: Need) => Promise<string | undefined>;
  readonly onResult: (result: Result) => void;
}

/**
 * Runs scenarios: the slow ones, which only wait, all at once on a lane of their own; the others
 * one after another on `jobs` lanes.
 */
export async function runAll(
  scenarios: readonly Scenario[],
  options: RunOptions,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const report = (result: Result): void => {
    results.push(result);
    options.onResult(result);
  };
  const queue = scenarios.filter((scenario) => !scenario.slow);
  const slow = scenarios.filter((scenario) => scenario.slow);
  const lanes = Array.from({ length: Math.min(options.jobs, queue.length) }, (_, index) =>
    drain(
      queue,
      new Lane(join(options.directory, `lane${index + 1}`), options.signal),
      options,
      report,
    ),
  );
  await Promise.all([...lanes, together(slow, options, report)]);
  return results;
}

async function drain(
  queue: Scenario[],
  lane: Lane,
  options: RunOptions,
  report: (result: Result) => void,
): Promise<void> {
  try {
    for (;;) {
      const scenario = queue.shift();
      if (scenario === undefined) return;
      report(await one(scenario, lane, options, false));
    }
  } finally {
    await lane.reset();
  }
}

async function together(
  scenarios: readonly Scenario[],
  options: RunOptions,
  report: (result: Result) => void,
): Promise<void> {
  if (scenarios.length === 0) return;
  const lane = new Lane(join(options.directory, 'slow'), options.signal);
  try {
    await Promise.all(
      scenarios.map(async (scenario) => report(await one(scenario, lane, options, true))),
    );
  } finally {
    await lane.reset();
  }
}

async function one(
  scenario: Scenario,
  lane: Lane,
  options: RunOptions,
  shared: boolean,
): Promise<Result> {
  const from = performance.now();
  const outcome = await attempt(scenario, lane, options, shared);
  return { scenario, outcome, ms: performance.now() - from };
}

async function attempt(
  scenario: Scenario,
  lane: Lane,
  options: RunOptions,
  shared: boolean,
): Promise<Outcome> {
  for (const need of scenario.needs) {
    const reason = await options.missing(need);
    if (reason !== undefined) return { kind: 'skipped', reason };
  }
  if (options.signal.aborted) return { kind: 'skipped', reason: 'the run was stopped' };
  return runScenario(scenario, lane, { ...options, shared });
}
