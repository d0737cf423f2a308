import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '@offhook/common';
import { afterEach, describe, expect, it } from 'vitest';
import { startPortHelper, type AllowList, type PortHelper } from '../../src/port/index.ts';
import { temporaryDirectory } from '../channels.ts';

const directory = temporaryDirectory();
const NODE = realpathSync(process.execPath);
const own = process.getuid?.() ?? -1;
let helper: PortHelper | undefined;

afterEach(() => helper?.close());

async function serve(name: string, allow: Partial<AllowList>): Promise<string> {
  const socketPath = join(directory, `${name}.sock`);
  helper = await startPortHelper({
    file: { read: () => Promise.resolve(0), write: () => new Promise(() => undefined) },
    name,
    socketPath,
    allow: { users: [], groups: [], executables: [], ...allow },
    clock: systemClock,
    logger: silentLogger,
  });
  return socketPath;
}

/** What the helper answers to a process of its own that asks for a service. */
async function answerTo(socketPath: string): Promise<string> {
  const script = `require('node:net').connect(process.argv[1], function () {
    this.write('media\\n'); this.pipe(process.stdout);
  })`;
  const { stdout } = await promisify(execFile)(NODE, ['-e', script, socketPath], {
    timeout: 20_000,
  });
  return stdout.trim();
}

const NOBODY_THERE = /^error no-client /u;

describe('a port helper with a list of who may use the port', () => {
  it('lets in whom the kernel says to be the user', async () => {
    const path = await serve('user', { users: [own] });
    expect(await answerTo(path)).toMatch(NOBODY_THERE);
    expect(await stat(path).then(({ mode }) => mode & 0o777)).toBe(0o660);
  });

  it('lets in a process of a listed group and program', async () => {
    const group = process.getgid?.() ?? -1;
    const path = await serve('program', { groups: [group], executables: [NODE] });
    expect(await answerTo(path)).toMatch(NOBODY_THERE);
  });

  it('keeps other users out', async () => {
    const path = await serve('stranger', { users: ['nobody-of-that-name', own + 1] });
    expect(await answerTo(path)).toMatch(/^error not-allowed user .* is not on the port helper/u);
  });

  it('keeps other programs of the same user out', async () => {
    const path = await serve('other', { users: [own], executables: ['/usr/bin/nc'] });
    expect(await answerTo(path)).toMatch(/^error not-allowed .*node.* is not on the port helper/u);
  });
});
