// npm run fuzz -- [NAME …] [--runs N] [--seed S]: tests with inputs that nobody would send, many of them.
//   NAME   of NAME.fuzz.test.ts: spice, mux, port, sip, cti; all of them by default
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const RUNS = '1000000';
/** Milliseconds for each property: a day. */
const DEADLINE_MS = 86_400_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: RUNS }, seed: { type: 'string' } },
});
const numbers = [values.runs, values.seed ?? '0'];
if (!numbers.every((text) => /^\d+$/.test(text))) {
  console.error('fuzz: --runs and --seed take a number');
  process.exitCode = 2;
} else {
  const names =
    positionals.length === 0 ? ['.fuzz.test.'] : positionals.map((name) => `/${name}.fuzz.`);
  const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--project=unit', `--testTimeout=${DEADLINE_MS}`, ...names],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        OFFHOOK_FUZZ_RUNS: values.runs,
        ...(values.seed === undefined ? {} : { OFFHOOK_FUZZ_SEED: values.seed }),
      },
    },
  );
  child.once('exit', (code) => (process.exitCode = code ?? 1));
}
