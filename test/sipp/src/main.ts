import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { missing } from './infra/needs.ts';
import { closePeers } from './interop/peers.ts';
import { complaints as complaintsOf, coverage } from './runner/coverage.ts';
import { junit } from './runner/junit.ts';
import { requirements } from './runner/requirements.ts';
import { runAll, type RunOptions } from './runner/run-all.ts';
import type { Result } from './runner/result.ts';
import type { Scenario } from './runner/scenario.ts';
import { requirementTable, resultLine, summary } from './runner/text.ts';
import { scenarios } from './scenarios/index.ts';

const USAGE = `usage: npm run test:sipp -- [options]
  --filter TEXT   only scenarios whose id or requirement contains TEXT; may be repeated
  --group NAME    only sipp, or only interop
  --jobs N        engines and phones at a time (default 3)
  --junit FILE    writes a JUnit report
  --logs DIR      where the logs of failed scenarios are kept (default build/sipp)
  --keep          keeps the logs of passed ones too
  --list          names the scenarios
  --table         prints which scenario proves which requirement, as Markdown`;

const ROOT = join(import.meta.dirname, '../../..');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      filter: { type: 'string', multiple: true, default: [] },
      group: { type: 'string' },
      jobs: { type: 'string', default: '3' },
      junit: { type: 'string' },
      logs: { type: 'string', default: join(ROOT, 'build/sipp') },
      keep: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      table: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.table) {
    console.log(requirementTable(scenarios, requirements));
    return 0;
  }
  const chosen = scenarios.filter((scenario) => fits(scenario, values));
  if (values.list) {
    for (const { id, title } of chosen) console.log(`${id.padEnd(44)} ${title}`);
    return 0;
  }
  const wrong = complaintsOf(coverage(scenarios, requirements));
  const results = await run(chosen, {
    jobs: Number(values.jobs),
    kept: values.logs,
    keepAll: values.keep,
  });
  if (values.junit !== undefined) {
    await mkdir(dirname(values.junit), { recursive: true });
    await writeFile(values.junit, junit(results, wrong));
  }
  console.log(summary(results, wrong));
  return wrong.length > 0 || results.some(({ outcome }) => outcome.kind === 'failed') ? 1 : 0;
}

function fits(
  { id, group, requirements: cited }: Scenario,
  { filter, group: wanted }: { filter: readonly string[]; group?: string | undefined },
): boolean {
  if (wanted !== undefined && wanted !== group) return false;
  if (filter.length === 0) return true;
  return filter.some((text) => id.includes(text) || cited.some((one) => one.includes(text)));
}

async function run(
  chosen: readonly Scenario[],
  options: Pick<RunOptions, 'jobs' | 'kept' | 'keepAll'>,
): Promise<readonly Result[]> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  await rm(options.kept, { recursive: true, force: true });
  // Sockets live in there, and their paths must be short.
  const directory = await mkdtemp(join(tmpdir(), 'offhook-sipp-'));
  const results: Result[] = [];
  for (const group of ['sipp', 'interop'] as const) {
    results.push(
      ...(await runAll(
        chosen.filter((scenario) => scenario.group === group),
        {
          directory,
          ...options,
          signal: stop.signal,
          missing,
          onResult: (result) => console.log(resultLine(result)),
        },
      )),
    );
  }
  await closePeers();
  await rm(directory, { recursive: true, force: true });
  return results;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}
