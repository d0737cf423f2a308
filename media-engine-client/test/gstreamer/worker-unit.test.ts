import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const worker = join(import.meta.dirname, '../../worker');

it(
  "the worker's own parts pass their unit tests under sanitizers",
  { timeout: 180_000 },
  async () => {
    const { stdout } = await promisify(execFile)('make', ['-C', worker, 'check']);
    const results = stdout.split('\n').filter((line) => /^(not )?ok /.test(line));
    expect(results.length).toBeGreaterThanOrEqual(10);
    expect(results.filter((line) => line.startsWith('not'))).toStrictEqual([]);
  },
);
