// npm run bench -- [NAME…] [--json] [--sessions N] [--svg FILE]: measures Offhook beside its peers, in the same run.
import { parseArgs } from 'node:util';

import { describeError } from '@offhook/common';

import type { Benchmark } from './benchmark.ts';
import { conference } from './benchmarks/conference.ts';
import { cti } from './benchmarks/cti.ts';
import { echo } from './benchmarks/echo.ts';
import { faults } from './benchmarks/faults.ts';
import { hairpin } from './benchmarks/hairpin.ts';
import { p2 } from './benchmarks/p2-latency.ts';
import { p6 } from './benchmarks/p6-answer.ts';
import { p7 } from './benchmarks/p7-cpu.ts';
import { p8 } from './benchmarks/p8-memory.ts';
import { p9 } from './benchmarks/p9-calls-per-second.ts';
import { p10 } from './benchmarks/p10-start.ts';
import { proxy } from './benchmarks/proxy.ts';
import { screen } from './benchmarks/screen.ts';
import { describeMachine, table, type Figures } from './report.ts';

const benchmarks: readonly Benchmark[] = [
  p2,
  p6,
  p7,
  p8,
  p9,
  p10,
  screen,
  conference,
  echo,
  cti,
  proxy,
  faults,
  hairpin,
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    sessions: { type: 'string' },
    svg: { type: 'string' },
  },
});
const sessions = values.sessions === undefined ? undefined : Number(values.sessions);
const unknown = positionals.filter((name) => !benchmarks.some((one) => matches(one, name)));
if (unknown.length > 0) {
  const known = benchmarks.map(({ id, what }) => `  ${id.padEnd(4)} ${what}`).join('\n');
  console.error(`no such benchmark: ${unknown.join(', ')}\nthere are:\n${known}`);
  process.exitCode = 2;
} else if (sessions !== undefined && !(Number.isInteger(sessions) && sessions > 0)) {
  console.error(`--sessions ${values.sessions}: must be a whole number from 1 on`);
  process.exitCode = 2;
} else {
  await measure(
    benchmarks.filter(
      (one) => positionals.length === 0 || positionals.some((name) => matches(one, name)),
    ),
  );
}

async function measure(chosen: readonly Benchmark[]): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const figures: Figures = {};
  for (const { id, what, run } of chosen) {
    if (stop.signal.aborted) break;
    say(`${id}: ${what}`);
    try {
      Object.assign(
        figures,
        await run({ say, signal: stop.signal, options: { sessions, svg: values.svg } }),
      );
    } catch (error) {
      say(`${id}: failed: ${describeError(error)}`);
      process.exitCode = 1;
    }
  }
  console.log(table(figures).join('\n'));
  if (values.json) console.log(JSON.stringify({ machine: describeMachine(), targets: figures }));
}

function matches(benchmark: Benchmark, name: string): boolean {
  const names = [benchmark.id, benchmark.beside ?? benchmark.id];
  return names.some((one) => one.toLowerCase() === name.toLowerCase());
}

function say(line: string): void {
  console.error(line);
}
