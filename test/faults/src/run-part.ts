import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Scope, within } from '@offhook/test-sipp';
import { shortfalls, type Part, type Slack, type Verdict } from './row.ts';

const CLEAN_UP_MS = 20_000;

export interface RunOptions {
  readonly directory: string;
  /** Where the logs of what failed are put, to be read afterwards. */
  readonly kept: string;
  readonly signal: AbortSignal;
  readonly seed: number;
  /** None if absent: then every target is to be met as it is. */
  readonly slack?: Slack;
  readonly say: (line: string) => void;
}

export interface Outcome {
  readonly part: Part;
  readonly verdict: Verdict;
  readonly ms: number;
}

/** Breaks one thing, once. Never rejects. */
export async function runPart(part: Part, options: RunOptions): Promise<Outcome> {
  const from = performance.now();
  const verdict = await attempt(part, options);
  return { part, verdict, ms: performance.now() - from };
}

async function attempt(part: Part, options: RunOptions): Promise<Verdict> {
  const reason = await part.missing?.();
  if (reason !== undefined) return { kind: 'not-run', reason };
  if (options.signal.aborted) return { kind: 'not-run', reason: 'the run was stopped' };
  const directory = join(options.directory, `${part.row}-${part.name}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const scope = new Scope();
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(part.deadline)]);
  const { seed, say } = options;
  let verdict: Verdict;
  try {
    const measure = await within(
      `${part.row} ${part.name}`,
      part.deadline,
      part.run({ directory, signal, seed, scope, say }),
    );
    const short = shortfalls(part.target, measure, options.slack);
    verdict = { kind: 'measured', measure, shortfalls: short };
  } catch (error) {
    verdict = { kind: 'failed', message: describe(error) };
  }
  try {
    await within('the clean-up', CLEAN_UP_MS, scope.close());
  } catch (error) {
    verdict = { kind: 'failed', message: `clean-up: ${describe(error)}` };
  }
  if (verdict.kind === 'failed' || (verdict.kind === 'measured' && verdict.shortfalls.length > 0)) {
    const kept = join(options.kept, `${part.row}-${part.name}`);
    await rm(kept, { recursive: true, force: true });
    // Sockets cannot be copied.
    await cp(directory, kept, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  }
  return verdict;
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
