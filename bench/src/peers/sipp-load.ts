import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OffhookError } from '@offhook/common';
import { freePorts, ManagedProcess, releasePorts } from '@offhook/test-sipp';

const SECONDS = 5;
const HOLD_MS = 1000;

export interface Load {
  /** New calls a second. */
  readonly rate: number;
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
}

/** SIPp's own `uac` scenario: calls `bench` at that rate for five seconds, a second each. */
export async function runLoad(options: { port: number; rate: number }): Promise<Load> {
  const { port, rate } = options;
  const folder = await mkdtemp(join(tmpdir(), 'offhook-bench-sipp-'));
  const own = await freePorts(4);
  const statistics = join(folder, 'statistics.csv');
  const sipp = new ManagedProcess({
    name: 'sipp',
    command: 'timeout',
    args: ['--kill-after=2', '60', 'sipp', '-sn', 'uac', '-s', 'bench', `127.0.0.1:${port}`]
      .concat(['-i', '127.0.0.1', '-p', String(own), '-mi', '127.0.0.1', '-mp', String(own + 2)])
      .concat(['-r', String(rate), '-m', String(rate * SECONDS), '-d', String(HOLD_MS)])
      .concat(['-nostdin', '-trace_stat', '-stf', statistics, '-fd', '1']),
    env: { TERM: 'dumb' },
    cwd: folder,
  });
  try {
    await sipp.exited;
    return { rate, ...readStatistics(await readFile(statistics, 'utf8')) };
  } finally {
    await sipp.stop();
    releasePorts(own, 4);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The cumulative columns of the last line of SIPp's statistics. */
export function readStatistics(text: string): Omit<Load, 'rate'> {
  const lines = text.trim().split('\n');
  const names = lines[0]?.split(';') ?? [];
  const values = lines.at(-1)?.split(';') ?? [];
  const column = (name: string): number => {
    const value = Number(values[names.indexOf(name)]);
    if (lines.length < 2 || Number.isNaN(value)) {
      throw new OffhookError('system', 'no-statistics', `SIPp's statistics have no ${name}`);
    }
    return value;
  };
  return {
    successful: column('SuccessfulCall(C)'),
    failed: column('FailedCall(C)'),
    retransmissions: column('Retransmissions(C)'),
  };
}
