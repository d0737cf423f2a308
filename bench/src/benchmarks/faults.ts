import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { outcomeLine, parts, rowFigures, runPart, type Outcome } from '@offhook/test-faults';

import type { Benchmark, BenchmarkContext } from '../benchmark.ts';
import type { Figures } from '../report.ts';

/** A machine that does something else meanwhile makes figures worse, never better. */
const TRIES = 2;

/** F1–F14: what becomes of a call when something breaks, as the far end hears it. */
export const faults: Benchmark = {
  id: 'faults',
  what: 'calls that survive: F1–F14',
  run,
};

async function run({ say, signal }: BenchmarkContext): Promise<Figures> {
  // Sockets live in there, and their paths must be short.
  const directory = await mkdtemp(join(tmpdir(), 'offhook-faults-'));
  const kept = join(import.meta.dirname, '../../../build/faults');
  const outcomes: Outcome[] = [];
  try {
    for (const part of parts.filter(({ inTable }) => inTable)) {
      let outcome = await runPart(part, { directory, kept, signal, seed: 1, say });
      for (let tries = 1; tries < TRIES && falls(outcome) && !signal.aborted; tries++) {
        say(`faults: ${outcomeLine(outcome)}; again`);
        outcome = await runPart(part, { directory, kept, signal, seed: 1 + tries, say });
      }
      say(`faults: ${outcomeLine(outcome)}`);
      outcomes.push(outcome);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return rowFigures(outcomes);
}

/** It was measured, and was not good enough. */
function falls({ verdict }: Outcome): boolean {
  return (
    verdict.kind === 'failed' || (verdict.kind === 'measured' && verdict.shortfalls.length > 0)
  );
}
