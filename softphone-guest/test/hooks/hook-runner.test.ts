import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock, type Logger } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HookRunner } from '../../src/hooks/hook-runner.ts';

let dir: string;
const warnings: object[] = [];
const logger: Logger = {
  ...silentLogger,
  warn: (fields) => void warnings.push(fields),
};
let runner: HookRunner;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-hooks-'));
  warnings.length = 0;
  runner = new HookRunner(systemClock, logger);
});
afterEach(async () => {
  await runner.close();
  rmSync(dir, { recursive: true, force: true });
});

function run(script: string, more: { timeoutMs?: number; json?: string } = {}): void {
  const command = ['/bin/sh', '-c', script, 'hook', dir];
  runner.run({ event: 'call.ended', command, timeoutMs: 5000, json: '{}', ...more });
}

const text = (name: string) => readFileSync(join(dir, name), 'utf8');

describe('HookRunner', () => {
  it('gives a command the event in its environment and JSON on its standard input', async () => {
    run('{ echo $OFFHOOK_EVENT; cat; } > $1/out.new; mv $1/out.new $1/out', { json: '{"a":1}' });
    await vi.waitFor(() => expect(text('out')).toBe('call.ended\n{"a":1}\n'), 5000);
  });

  it('logs why a command failed, with its own words', async () => {
    run('echo no such thing >&2; exit 3');
    await vi.waitFor(
      () => expect(warnings).toMatchObject([{ reason: 'exit 3', said: 'no such thing' }]),
      5000,
    );
  });

  it('logs a program that is not there', async () => {
    runner.run({ event: 'dtmf', command: ['/no/such'], timeoutMs: 1000, json: '{}' });
    await vi.waitFor(
      () => expect(warnings).toMatchObject([{ reason: expect.stringContaining('ENOENT') }]),
      5000,
    );
  });

  it('ends a command that takes too long', async () => {
    run('exec sleep 60', { timeoutMs: 50 });
    await vi.waitFor(
      () => expect(warnings).toMatchObject([{ reason: 'took longer than 0.05 s' }]),
      5000,
    );
  });

  it('does not mind a command that reads nothing', async () => {
    run('exec 0<&-; touch $1/done', { json: 'x'.repeat(1_000_000) });
    await vi.waitFor(() => expect(existsSync(join(dir, 'done'))).toBe(true), 5000);
    expect(warnings).toEqual([]);
  });

  it('lets a bounded number wait, and tells what it leaves out', () => {
    for (let count = 0; count < 110; count++) run('exec sleep 60');
    expect(warnings).toHaveLength(6);
  });

  it('ends what runs when it is closed', async () => {
    run('exec sleep 60');
    await runner.close();
    expect(warnings).toEqual([]);
  });
});
