import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Output } from '../src/cli.ts';
import { afterExit, neverFailed } from '../src/restart-policy.ts';
import { supervise } from '../src/supervise.ts';

const killed = { code: null, signal: 'SIGKILL' } as const;

describe('a process that has died', () => {
  it('is started again at once the first time, then with growing pauses, then no more', () => {
    const pauses: number[] = [];
    let decision = afterExit(neverFailed, killed, 100);
    while (decision.action === 'restart') {
      pauses.push(decision.afterMs);
      decision = afterExit(decision.state, killed, 100);
    }
    expect(decision).toEqual({ action: 'give-up', failures: 9 });
    expect(pauses).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000]);
  });

  it('is started at once when it had been well for a minute', () => {
    expect(afterExit({ failures: 7 }, killed, 60_000)).toEqual({
      action: 'restart',
      afterMs: 0,
      state: { failures: 1 },
    });
  });

  it.each([0, 2])('is left alone when it meant to end with %d', (code) => {
    expect(afterExit(neverFailed, { code, signal: null }, 10)).toEqual({ action: 'stop', code });
  });
});

describe('a supervisor', () => {
  function run(script: string, signal = new AbortController().signal) {
    let [out, err] = ['', ''];
    const output: Output = { out: (text) => (out += text), err: (text) => (err += text) };
    const done = supervise({
      name: 'it',
      command: process.execPath,
      args: ['-e', script],
      output,
      signal,
    });
    return { done, out: () => out, err: () => err };
  }

  it('starts what dies again, and passes on that it is ready once', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'offhook-supervise-'));
    const count = JSON.stringify(`${dir}/count`);
    const { done, out, err } = run(
      `const fs = require('fs'); fs.appendFileSync(${count}, 'x'); console.log('ready');
       if (fs.readFileSync(${count}).length < 3) process.kill(process.pid, 'SIGKILL');`,
    );
    expect(await done).toBe(0);
    expect(out()).toBe('ready\n');
    expect(err()).toBe(
      'it: died (SIGKILL), and is started again\nit: died (SIGKILL), and is started again\n',
    );
    rmSync(dir, { recursive: true });
  });

  it('ends with what it supervises when it is told to', async () => {
    const stop = new AbortController();
    const { done, out, err } = run(
      `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000); console.log('up')`,
      stop.signal,
    );
    await vi.waitFor(() => expect(out()).toBe('up\n'));
    stop.abort();
    expect([await done, err()]).toEqual([0, '']);
  });
});
