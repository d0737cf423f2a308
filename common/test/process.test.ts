import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { exited, ManualClock, stopProcess } from '../src/index.ts';

const node = (script: string) =>
  spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
const forever = 'setInterval(() => {}, 1e6); console.log("up")';

describe('stopProcess', () => {
  it('lets a child end by SIGTERM', async () => {
    const child = node(forever);
    await once(child.stdout, 'data');
    expect(await stopProcess(child)).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await stopProcess(child)).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it('kills a child that ignores SIGTERM', async () => {
    const clock = new ManualClock();
    const child = node(`process.on('SIGTERM', () => console.log('no')); ${forever}`);
    await once(child.stdout, 'data');
    const end = stopProcess(child, { graceMs: 1000, clock });
    await once(child.stdout, 'data');
    await clock.advance(1000);
    expect(await end).toEqual({ code: null, signal: 'SIGKILL' });
    expect(clock.pending).toBe(0);
  });
});

describe('exited', () => {
  it('resolves for a program that does not exist', async () => {
    expect(await exited(spawn('/nonexistent/program'))).toEqual({ code: null, signal: null });
  });
});
