import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  exited,
  ManualClock,
  stopProcess,
  Supervisor,
  type SupervisorEvents,
} from '../src/index.ts';

const node = (script: string) =>
  spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
const forever = 'setInterval(() => {}, 1e6); console.log("up")';

function next<K extends keyof SupervisorEvents>(
  supervisor: Supervisor,
  name: K,
): Promise<SupervisorEvents[K]> {
  return new Promise((resolve) => {
    const off = supervisor.on(name, (event) => {
      off();
      resolve(event);
    });
  });
}

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

describe('Supervisor', () => {
  it('starts a child again with growing delays, and gives up at the limit', async () => {
    const clock = new ManualClock();
    const supervisor = new Supervisor({
      name: 'child',
      spawn: () => node('process.exit(3)'),
      clock,
      maxRestarts: 3,
      firstDelayMs: 100,
      maxDelayMs: 250,
    });
    const failed = next(supervisor, 'failed');
    const delays: unknown[] = [];
    let coming = next(supervisor, 'exited');
    supervisor.start();
    for (let round = 0; round < 4; round++) {
      const exit = await coming;
      expect(exit.code).toBe(3);
      delays.push(exit.restartInMs);
      coming = next(supervisor, 'exited');
      await clock.advance(exit.restartInMs ?? 0);
    }
    expect(delays).toEqual([100, 200, 250, undefined]);
    expect(await failed).toMatchObject({ layer: 'system', code: 'restart-limit' });
    expect(clock.pending).toBe(0);
  });

  it('forgets restarts that are long ago', async () => {
    const clock = new ManualClock();
    const supervisor = new Supervisor({
      name: 'child',
      spawn: () => node('process.exit(3)'),
      clock,
      maxRestarts: 1,
      windowMs: 1000,
    });
    let coming = next(supervisor, 'exited');
    supervisor.start();
    for (let round = 0; round < 3; round++) {
      expect((await coming).restartInMs).toBe(100);
      coming = next(supervisor, 'exited');
      await clock.advance(1100);
    }
    await supervisor.stop();
  });

  it('ends the child when stopped, and does not start it again', async () => {
    const clock = new ManualClock();
    const supervisor = new Supervisor({ name: 'child', spawn: () => node(forever), clock });
    supervisor.start();
    expect(supervisor.pid).toBeGreaterThan(0);
    const exit = next(supervisor, 'exited');
    await supervisor.stop();
    await supervisor.stop();
    expect(await exit).toEqual({ code: null, signal: 'SIGTERM' });
    supervisor.start();
    expect(supervisor.pid).toBeUndefined();
    expect(clock.pending).toBe(0);
  });
});
