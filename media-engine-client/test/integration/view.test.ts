import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exited, isOffhookError, stopProcess, withDeadline } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { shipped } from '../../../common/test/shipped.ts';
import { startQemu, type QemuOptions } from '../../../virtual-channel/test/integration/qemu.ts';
import { startScreen } from '../../../virtual-channel/test/integration/remote-viewer.ts';
import { ask } from '../../src/cli/client.ts';
import type { EngineStatus } from '../../src/control/api.ts';
import { FakeDesktop, PORT_NAME } from '../support/fake-desktop.ts';

/** Each starts half a dozen programs. */
vi.setConfig({ testTimeout: 120_000 });

const MAIN = shipped('offhook-engine');

let directory: string;
let stateDir: string;
let config: string;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-view-test-'));
  stateDir = join(directory, 'state');
  config = join(directory, 'engine.toml');
  await writeFile(
    config,
    `[engine]\nlisten = "unix:${join(directory, 'e.sock')}"\n[rtp]\naddress = "127.0.0.1"\n` +
      `ports = "22000-22099"\n[audio]\ninput = "tone:440"\noutput = "null"\nringer = "null"\n`,
  );
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await stopEngine();
  await rm(directory, { recursive: true, force: true });
});

/** The engine that `view` started; its worker ends with it. */
async function stopEngine(): Promise<void> {
  const found = await engine().catch(() => undefined);
  if (found === undefined) return;
  process.kill(found.pid, 'SIGTERM');
  await gone(found.pid);
}

async function gone(pid: number): Promise<void> {
  await withDeadline(
    { layer: 'system', what: `process ${pid} ending`, ms: 10_000 },
    async (signal) => {
      while (existsSync(`/proc/${pid}`)) await delay(20, undefined, { signal });
    },
  );
}

async function engine(): Promise<EngineStatus> {
  return ask(stateDir, 'status', {});
}

/** What the engine says once it is so. */
async function until(what: string, so: (status: EngineStatus) => boolean): Promise<EngineStatus> {
  return withDeadline({ layer: 'engine', what, ms: 40_000 }, async (signal) => {
    for (;;) {
      const status = await engine().catch((error: unknown) => {
        if (NOT_YET.some((code) => isOffhookError(error, code))) return undefined;
        throw error;
      });
      if (status !== undefined && so(status)) return status;
      await delay(50, undefined, { signal });
    }
  });
}

interface View {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly code: Promise<number | null>;
}

function view(words: readonly string[], env: Record<string, string> = {}): View {
  const args = [MAIN, 'view', '--state-dir', stateDir, '--config', config, ...words];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: directory, ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  cleanups.push(() => stopProcess(child));
  const code = exited(child).then((end) => end.code);
  const ending = { layer: 'system', what: 'view ending', ms: 60_000 } as const;
  return { child, text: () => text, code: withDeadline(ending, () => code) };
}

async function desktop(options: Partial<QemuOptions> = {}) {
  const machine = await startQemu({ ports: [PORT_NAME], password: 'sekret', ...options });
  cleanups.push(() => machine.stop());
  return machine;
}

async function vv(name: string, keys: Record<string, string | number>): Promise<string> {
  const path = join(directory, name);
  const lines = Object.entries({ type: 'spice', host: '127.0.0.1', ...keys });
  const text = lines.map(([key, value]) => `${key}=${value}\n`).join('');
  await writeFile(path, `[virt-viewer]\n${text}`, { mode: 0o600 });
  return path;
}

/** A program in place of remote-viewer. */
async function viewer(script: string): Promise<string> {
  const path = join(directory, 'viewer.sh');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o700);
  return path;
}

const NOT_YET = ['not-reachable', 'starting'];

const linked = (status: EngineStatus) =>
  status.desktops.some(({ state, viewers }) => state === 'linked' && viewers === 1);

describe('offhook-engine view', () => {
  it('opens a desktop in remote-viewer and starts an engine for the port beside it', async () => {
    const screen = await startScreen();
    cleanups.push(() => screen.stop());
    const machine = await desktop({ screen: true });
    const file = await vv('desktop.vv', {
      port: machine.port,
      password: 'sekret',
      title: 'Accounting',
      'delete-this-file': 1,
    });
    const running = view([file], { DISPLAY: screen.display });
    await screen.titled(/Accounting \(1\)/u);
    const { desktops } = await until('a desktop beside a viewer', linked);
    expect(desktops).toMatchObject([
      { address: `spice://127.0.0.1:${machine.port}`, port: PORT_NAME, headless: false },
    ]);
    expect(existsSync(file)).toBe(false);
    running.child.kill('SIGTERM');
    expect(await running.code).toBe(1);
    // The link goes with the last viewer, the engine stays.
    await until('no link', (status) => status.desktops.length === 0);
  });

  it('hands the fresh ticket of another file to the link that runs, and takes the desktop over', async () => {
    const screen = await startScreen();
    cleanups.push(() => screen.stop());
    const machine = await desktop({ screen: true });
    const env = { DISPLAY: screen.display };
    const first = view([await vv('a.vv', { port: machine.port, password: 'sekret' })], env);
    const before = await until('a desktop beside a viewer', linked);
    await machine.qmp('set_password', { protocol: 'spice', password: 'fresh' });
    const title = { title: 'The second' };
    const file = await vv('b.vv', { port: machine.port, password: 'fresh', ...title });
    view([file], env);
    await screen.titled(/The second \(1\)/u);
    first.child.kill('SIGTERM');
    await first.code;
    const after = await until('the second viewer', linked);
    expect(after.desktops.map(({ pid }) => pid)).toEqual(before.desktops.map(({ pid }) => pid));
    expect(after.pid).toBe(before.pid);
  });

  it('gives the viewer a file of its own with another ticket, and its arguments', async () => {
    const seen = join(directory, 'seen');
    const script = await viewer(
      `echo "$2" >${seen}.path; echo "$1" >${seen}; stat -c %a "$2" >>${seen}; cat "$2" >>${seen}; env >>${seen}`,
    );
    const file = await vv('desktop.vv', { port: 5900, password: 'sekret', fullscreen: 1 });
    const running = view(['--viewer', script, file, '--', '--kiosk'], {
      SPICE_PROXY: 'http://elsewhere:3128',
    });
    expect(await running.code).toBe(0);
    const text = await readFile(seen, 'utf8');
    expect(text).toMatch(/^--kiosk\n600\n\[virt-viewer\]\n/u);
    expect(text).toContain('fullscreen=1');
    expect(text).not.toContain('sekret');
    expect(text).not.toContain('port=5900');
    expect(text).not.toContain('SPICE_PROXY');
    expect(existsSync(file)).toBe(true);
    expect(existsSync((await readFile(`${seen}.path`, 'utf8')).trim())).toBe(false);
  });

  it.each<[string, number, (script: string) => Promise<string[]>]>([
    ['a viewer that fails', 1, async () => [await vv('x.vv', { port: 5900 })]],
    ['no desktop file', 2, () => Promise.resolve(['none.vv'])],
    ['a file for another protocol', 2, async () => [await vv('x.vv', { type: 'vnc', port: 5900 })]],
    [
      'a viewer that is not there',
      2,
      async () => [await vv('x.vv', { port: 5900 }), '--viewer', '/no/viewer'],
    ],
  ])('ends with a code that says so: %s', async (_what, code, words) => {
    const script = await viewer('exit 3');
    const running = view(['--viewer', script, ...(await words(script))]);
    expect(await running.code).toBe(code);
    expect(running.text()).not.toMatch(/\n\s+at /u);
  });

  it('says why the desktop shows nothing: a ticket that the server refuses', async () => {
    const machine = await desktop();
    const screen = await startScreen();
    cleanups.push(() => screen.stop());
    const file = await vv('x.vv', { port: machine.port, password: 'wrong' });
    const running = view([file], { DISPLAY: screen.display });
    await until('the refusal', ({ desktops }) => desktops.some(({ state }) => state === 'refused'));
    running.child.kill('SIGTERM');
    await running.code;
    expect(running.text()).toContain(
      'offhook-engine: the SPICE server refuses the ticket (authentication) (get a fresh one: tickets expire)',
    );
    expect(running.text()).not.toContain('wrong');
  });
});

describe('links', () => {
  /** A viewer that opens the main channel like any, and stays. */
  async function openFakeDesktop(name: string) {
    const machine = await FakeDesktop.start();
    cleanups.push(() => machine.stop());
    const screen = await startScreen();
    cleanups.push(() => screen.stop());
    const file = await vv(`${name}.vv`, { port: machine.port, password: 'x' });
    const open = () => view([file], { DISPLAY: screen.display });
    return { machine, open };
  }

  it('that are killed leave the engine and its sessions; the guest finds them by the next one', async () => {
    const { machine, open } = await openFakeDesktop('a');
    const first = open();
    const before = await until('the guest’s engine', linked);
    const guest = await machine.connect('guest');
    const origin = { username: '-', sessionId: '1', version: 1 };
    const step = { type: 'offer', direction: 'sendrecv', origin } as const;
    await guest.call('session.open', { id: 'call', revision: 1, options: {}, step });
    expect(before.desktops).toHaveLength(1);
    process.kill(before.desktops[0]?.pid ?? 0, 'SIGKILL');
    await until('the link gone', ({ desktops }) => desktops.length === 0);
    first.child.kill('SIGTERM');
    await first.code;
    expect((await engine()).pid).toBe(before.pid);
    expect((await ask(stateDir, 'calls', {})).calls).toMatchObject([
      { id: 'call', guestConnected: false },
    ]);
    open();
    await until('the desktop again', linked);
    const again = await machine.connect('guest');
    const { sessions } = await again.call('snapshot', {});
    expect(sessions.map(({ id }) => id)).toEqual(['call']);
    await again.call('session.close', { id: 'call' });
  });

  it('outlive the engine: the viewer stays, and the next engine has the guest', async () => {
    const { machine, open } = await openFakeDesktop('a');
    const running = open();
    const { pid, desktops } = await until('the guest’s engine', linked);
    await machine.connect('guest');
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    const next = spawn(
      process.execPath,
      [MAIN, 'run', '--state-dir', stateDir, '--config', config],
      { stdio: 'ignore' },
    );
    cleanups.push(() => stopProcess(next, { graceMs: 8000 }));
    const after = await until('the desktop at the next engine', linked);
    expect(after.pid).not.toBe(pid);
    expect(after.desktops.map((one) => one.pid)).toEqual(desktops.map((one) => one.pid));
    await (await machine.connect('guest')).call('snapshot', {});
    expect(running.child.exitCode).toBeNull();
  });

  it('that the engine keeps without a viewer are given to one, and taken back', async () => {
    const { machine, open } = await openFakeDesktop('a');
    const args = ['run', '--state-dir', stateDir, '--config', config];
    const spice = `spice://127.0.0.1:${machine.port}?password=x`;
    const kept = spawn(process.execPath, [MAIN, ...args, '--spice', spice], { stdio: 'ignore' });
    cleanups.push(() => stopProcess(kept, { graceMs: 8000 }));
    const alone = ({ desktops }: EngineStatus) =>
      desktops.some(({ state, viewers }) => state === 'linked' && viewers === 0);
    const { desktops: before } = await until('the desktop without a viewer', alone);
    await machine.connect('guest');
    const viewing = open();
    const { desktops } = await until('the desktop beside a viewer', linked);
    expect(desktops).toMatchObject([{ pid: before[0]?.pid, headless: true }]);
    await (await machine.connect('guest')).call('snapshot', {});
    viewing.child.kill('SIGTERM');
    await viewing.code;
    await until('the desktop without a viewer again', alone);
    await (await machine.connect('guest')).call('snapshot', {});
  });

  it('are one for each desktop, with one engine', async () => {
    const [one, two] = [await openFakeDesktop('a'), await openFakeDesktop('b')];
    one.open();
    two.open();
    const both = (status: EngineStatus) =>
      status.desktops.filter(({ state }) => state === 'linked').length === 2;
    const { desktops } = await until('two desktops', both);
    expect(new Set(desktops.map(({ pid }) => pid)).size).toBe(2);
    await Promise.all([one.machine.connect('g1'), two.machine.connect('g2')]);
    const { guests } = await until('both guests', (status) => status.guests.length === 2);
    expect(guests.map(({ instance }) => instance).toSorted()).toEqual(['g1', 'g2']);
  });
});
