// npm run test:faults -- [--only F5] [--all] [--list] [--seed N] [--junit FILE]
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { outcomeLine, rowFigures } from './figures.ts';
import { junit } from './junit.ts';
import type { Part, Slack } from './row.ts';
import { parts } from './rows/index.ts';
import { soakPart } from './soak/part.ts';
import { runPart, type Outcome } from './run-part.ts';

const USAGE = `usage: npm run test:faults -- [options]
  --only F5       only this row, or this part of it (F5-srtp); may be repeated
  --all           the long parts too, which only the benchmark has otherwise
  --soak N        only N random faults with calls up (60 after the table's rows otherwise);
                  --only is a regular expression for the names of the faults then
  --calls N       how many calls the soak has (default 4)
  --seed N        what is random goes by it (default: random; printed)
  --junit FILE    writes a JUnit report
  --logs DIR      where the logs of failed parts are kept (default build/faults)
  --strict        the targets as they are; without it a busy machine may be slower
  --json          prints the rows' figures as one line, last
  --list          names the parts`;

/** How many faults continuous integration has. */
const SHORT_SOAK = 60;
/** The machine of continuous integration does other things as well; the benchmark has none of it. */
const SLACK: Slack = { gapMs: 200, control: 5 };
const ROOT = join(import.meta.dirname, '../../..');

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      soak: { type: 'string' },
      calls: { type: 'string', default: '4' },
      seed: { type: 'string' },
      junit: { type: 'string' },
      logs: { type: 'string', default: join(ROOT, 'build/faults') },
      strict: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const chosen = parts.filter((part) => fits(part, values));
  if (values.list) {
    for (const { row, name, what } of chosen) console.log(`${`${row}-${name}`.padEnd(20)} ${what}`);
    return 0;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  console.log(`faults: seed ${seed}`);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));
  // Sockets live in there, and their paths must be short.
  const directory = await mkdtemp(join(tmpdir(), 'offhook-faults-'));
  const outcomes: Outcome[] = [];
  const tried = [...(values.soak === undefined ? chosen : []), ...soaks(values)];
  for (const part of tried) {
    const say = (line: string) => console.log(line);
    const options = {
      directory,
      kept: values.logs,
      signal: stop.signal,
      seed,
      say,
      ...(values.strict ? {} : { slack: SLACK }),
    };
    const outcome = await runPart(part, options);
    outcomes.push(outcome);
    console.log(outcomeLine(outcome));
  }
  await rm(directory, { recursive: true, force: true });
  if (values.junit !== undefined) {
    await mkdir(dirname(values.junit), { recursive: true });
    await writeFile(values.junit, junit(outcomes));
  }
  const bad = outcomes.filter(({ verdict }) => !isGood(verdict)).length;
  console.log(`faults: ${outcomes.length - bad} of ${outcomes.length} good`);
  if (values.json) console.log(JSON.stringify(rowFigures(outcomes)));
  return bad > 0 || outcomes.length === 0 ? 1 : 0;
}

/** Continuous integration has a short one behind the parts. */
function soaks(values: {
  soak?: string | undefined;
  calls: string;
  only: readonly string[];
}): readonly Part[] {
  if (values.soak === undefined && values.only.length > 0) return [];
  const faults = values.soak === undefined ? SHORT_SOAK : Number(values.soak);
  return [soakPart({ faults, calls: Number(values.calls), only: values.only[0] })];
}

function fits(part: Part, { only, all }: { only: readonly string[]; all: boolean }): boolean {
  if (only.length === 0) return all || part.core;
  return only.some((text) => part.row === text || `${part.row}-${part.name}` === text);
}

/** What a machine lacks is told, and is no failure. */
function isGood(verdict: Outcome['verdict']): boolean {
  if (verdict.kind === 'measured') return verdict.shortfalls.length === 0;
  return verdict.kind === 'not-run';
}

let code = 2;
try {
  code = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
}
// What a part that failed has left open must not keep the run from its end.
process.exit(code);
