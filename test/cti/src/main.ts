// npm run test:cti: every adapter of the CTI bridge against its PBX, and the table of what works.
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { complianceTable, RESULTS, writeTable, writtenTable } from './table.ts';

const ROOT = join(import.meta.dirname, '../../..');
const USAGE = `usage: npm run test:cti -- [options]
  --junit FILE   writes a JUnit report
  --write        writes the table of what works into docs/cti.md
  --filter TEXT  only tests whose name contains TEXT; the table is then left alone`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      junit: { type: 'string' },
      write: { type: 'boolean', default: false },
      filter: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  await rm(RESULTS, { recursive: true, force: true });
  const report =
    values.junit === undefined
      ? []
      : ['--reporter=default', '--reporter=junit', `--outputFile.junit=${values.junit}`];
  const filter = values.filter === undefined ? [] : ['-t', values.filter];
  const code = await vitest(['run', '--project=cti', ...report, ...filter]);
  if (code !== 0 || values.filter !== undefined) return code;
  const table = await complianceTable();
  if (values.write) await writeTable(table);
  else if (table !== (await writtenTable())) {
    console.error(`docs/cti.md says something else than what was found (--write):\n\n${table}`);
    return 1;
  }
  return 0;
}

function vitest(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => child.kill(name));
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.error(USAGE);
  process.exitCode = 2;
}
