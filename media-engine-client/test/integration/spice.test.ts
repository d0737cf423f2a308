import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, silentLogger, withDeadline } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shipped } from '../../../common/test/shipped.ts';
import { startQemu, type QemuOptions } from '../../../virtual-channel/test/integration/qemu.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { defineEngineConfig } from '../../src/config.ts';
import { startDaemon, type Daemon } from '../../src/daemon.ts';
import { examine } from '../../src/doctor/engine-checks.ts';
import type { EngineStatus } from '../../src/control/api.ts';
import { MemoryPlane } from '../support/memory-plane.ts';

const PORT = 'org.offhook.engine.0';
const MAIN = shipped('offhook-engine');

let directory: string;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-spice-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await rm(directory, { recursive: true, force: true });
});

async function desktop(options: Partial<QemuOptions> = {}) {
  const machine = await startQemu({ ports: [PORT], ...options });
  cleanups.push(() => machine.stop());
  return machine;
}

async function engine(
  spice: { source: string; password_file?: string },
  logger = silentLogger,
): Promise<Daemon> {
  const daemon = await startDaemon({
    config: defineEngineConfig({
      engine: { listen: `unix:${join(directory, 'e.sock')}` },
      rtp: { address: '127.0.0.1' },
      spice,
    }),
    stateDir: directory,
    logger,
    command: [process.execPath, MAIN],
    createPlane: () => Promise.resolve(new MemoryPlane()),
  });
  cleanups.push(() => daemon.close({ keepCalls: false }));
  return daemon;
}

async function cli(...words: string[]): Promise<string> {
  let out = '';
  const program = buildProgram({ output: { out: (text) => void (out += text), err: () => {} } });
  await program.parseAsync([...words, '--state-dir', directory], { from: 'user' });
  return out;
}

/** What `offhook-engine status --json` says of the desktop once it is in that state. */
function status(state: string): Promise<EngineStatus['desktops'][number]> {
  const what = { layer: 'channel', what: `the desktop being ${state}`, ms: 8000 } as const;
  return withDeadline(what, async (signal) => {
    for (;;) {
      const { desktops } = JSON.parse(await cli('status', '--json')) as EngineStatus;
      const [desktop] = desktops;
      if (desktop?.state === state) return desktop;
      await delay(20, undefined, { signal });
    }
  });
}

async function desktopCheck() {
  for await (const check of examine({ stateDir: directory, configPath: undefined })) {
    if (check.name === 'desktop') return check;
  }
  return undefined;
}

const vv = (lines: Record<string, string | number>) =>
  `[virt-viewer]\ntype=spice\nhost=127.0.0.1\n${Object.entries(lines)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}`;

describe('an engine at a desktop', () => {
  it('links to the port of a SPICE address, with the ticket of a file', async () => {
    const { port } = await desktop({ password: 'sekret' });
    const passwordFile = join(directory, 'ticket');
    await writeFile(passwordFile, 'sekret\n');
    await engine({ source: `spice://127.0.0.1:${port}`, password_file: passwordFile });
    expect(await status('linked')).toMatchObject({
      address: `spice://127.0.0.1:${port}`,
      port: PORT,
      state: 'linked',
      message: '',
    });
    expect(await cli('status')).toContain(`desktop     spice://127.0.0.1:${port}, linked\n`);
    expect(await desktopCheck()).toMatchObject({ layer: 'channel', status: 'ok' });
  });

  it('links by a desktop file, and removes the file when it asks for that', async () => {
    const { port } = await desktop({ password: 'sekret' });
    const [once, kept] = [join(directory, 'once.vv'), join(directory, 'kept.vv')];
    await writeFile(once, vv({ port, password: 'sekret', 'delete-this-file': 1 }));
    await writeFile(kept, vv({ port, password: 'sekret' }));
    const first = await engine({ source: once });
    await status('linked');
    expect(existsSync(once)).toBe(false);
    await first.close({ keepCalls: false });
    await engine({ source: kept });
    await status('linked');
    expect(existsSync(kept)).toBe(true);
  });

  it('says that the ticket is refused, and never logs it', async () => {
    const { port } = await desktop({ password: 'sekret' });
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const logger = createLogger({ name: 'e', level: 'debug', destination });
    await engine({ source: `spice://127.0.0.1:${port}?password=not-it` }, logger);
    expect(await status('refused')).toMatchObject({
      message: expect.stringContaining('refuses the ticket') as string,
      remedy: 'get a fresh one: tickets expire',
    });
    expect(await desktopCheck()).toMatchObject({ status: 'fail', layer: 'channel' });
    expect(await cli('status')).toContain('refused (the SPICE server refuses the ticket');
    const links = join(directory, 'links');
    const logs = (await readdir(links)).filter((name) => name.endsWith('.log'));
    expect(logs).toHaveLength(1);
    lines.push(await readFile(join(links, logs[0] ?? ''), 'utf8'));
    expect(lines.join('\n')).toContain('refuses the ticket');
    expect(lines.join('\n')).not.toContain('not-it');
  });

  it('waits for a desktop that is not there or has no such port, and says why', async () => {
    const gone = await desktop();
    await gone.stop();
    const daemon = await engine({ source: `spice://127.0.0.1:${gone.port}` });
    expect((await status('waiting')).message).toMatch(/nothing listens/u);
    await daemon.close({ keepCalls: false });
    const { port } = await desktop({ ports: ['org.example.other'] });
    await engine({ source: `spice://127.0.0.1:${port}` });
    const found = await status('waiting');
    expect(found.message).toContain('no SPICE port org.offhook.engine.0');
    expect(found.message).toContain('org.example.other');
  });

  it('does not start with a source that cannot be used, and names the key', async () => {
    await expect(engine({ source: 'spice://127.0.0.1' })).rejects.toMatchObject({
      layer: 'config',
      code: 'invalid-spice-address',
    });
    await expect(engine({ source: join(directory, 'none.vv') })).rejects.toThrow(
      /spice\.source: .*none\.vv cannot be read/u,
    );
    const passwordFile = join(directory, 'no-ticket');
    await expect(
      engine({ source: 'spice://127.0.0.1:5900', password_file: passwordFile }),
    ).rejects.toThrow(/spice\.password_file: .*no-ticket cannot be read/u);
  });
});
