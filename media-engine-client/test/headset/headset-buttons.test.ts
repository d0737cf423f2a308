import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, openSync, writeSync, closeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, stopProcess, systemClock } from '@offhook/common';
import { connectMedia, HEADSET_BUTTONS } from '@offhook/media-rpc';
import { connectChannel } from '@offhook/virtual-channel';
import { describe, expect, it } from 'vitest';
import { defineEngineConfig } from '../../src/config.ts';
import { startDaemon } from '../../src/daemon.ts';
import { checkHeadsets } from '../../src/doctor/engine-checks.ts';
import type { Button } from '../../src/headset/button.ts';
import { findHeadsets, type InputRoots } from '../../src/headset/find.ts';
import { HeadsetButtons } from '../../src/headset/headset-buttons.ts';
import { MemoryPlane } from '../support/memory-plane.ts';
import { InputTree, KEY, keyEvents } from './input-events.ts';

const DEADLINE = { timeout: 5000 };
const phone = [KEY.PHONE, KEY.MICMUTE, KEY.VOLUMEUP, KEY.VOLUMEDOWN];

async function listening(wanted: string, roots?: InputRoots) {
  const pressed: Button[] = [];
  const buttons = new HeadsetButtons({
    wanted,
    clock: systemClock,
    logger: silentLogger,
    ...(roots && { roots }),
  });
  buttons.on('pressed', (button) => pressed.push(button));
  await buttons.start();
  return { pressed, [Symbol.asyncDispose]: () => buttons.close() };
}

/** A FIFO in place of a device node; opened for both, so that it does not end with a writer. */
function fifo(path: string): { press(code: number): void; unplug(): void } {
  execFileSync('sh', ['-c', 'rm -f "$1"; mkfifo "$1"', 'sh', path]);
  const fd = openSync(path, constants.O_RDWR);
  return {
    press: (code) => void writeSync(fd, keyEvents(code, 1, 0)),
    unplug: () => {
      execFileSync('rm', [path]);
      closeSync(fd);
    },
  };
}

describe('the devices whose buttons count', () => {
  it('are those of sound cards and Bluetooth headsets, never a keyboard', async () => {
    await using tree = await InputTree.make();
    await tree.add('event0', { name: 'AT keyboard', keys: [KEY.A, KEY.MUTE], below: 'i8042' });
    await tree.add('event1', { name: 'Headset', keys: phone });
    await tree.add('event2', { name: 'PCH Mic', keys: [226], below: 'pci0/sound/card0' });
    await tree.add('event3', { name: 'WH-1000 (AVRCP)', keys: [200, 201], below: 'virtual' });
    await tree.add('event4', { name: 'Headset volume knob', keys: [KEY.A] });
    await tree.add('event5', { name: 'Desk handset', keys: phone, below: 'usb9' });
    const names = async (wanted: string) =>
      (await findHeadsets(wanted, tree.roots)).map(({ name }) => name);
    expect(await names('auto')).toEqual(['Headset', 'PCH Mic', 'WH-1000 (AVRCP)']);
    expect(await names('desk HANDSET')).toEqual(['Desk handset']);
    expect(await names('off')).toEqual([]);
    expect(await findHeadsets('auto', { dev: '/nowhere', sys: '/nowhere' })).toEqual([]);
  });

  it('are named by doctor, with what to do where they may not be read', async () => {
    await using tree = await InputTree.make();
    const node = await tree.add('event1', { name: 'Headset', keys: phone });
    expect(await checkHeadsets('auto', tree.roots)).toEqual({ status: 'ok', message: 'Headset' });
    // Root may read everything but what is not there.
    await rm(node);
    execFileSync('ln', ['-s', '/nowhere', node]);
    const shut = await checkHeadsets('auto', tree.roots);
    expect(shut).toMatchObject({ status: 'warn', remedy: expect.stringContaining('group input') });
    expect(shut.message).toContain('Headset');
  });
});

describe('buttons of headsets, by recorded events through a FIFO', () => {
  it('are heard from devices that are there, that come, and that come again', async () => {
    await using tree = await InputTree.make();
    const first = fifo(await tree.add('event1', { name: 'One', keys: phone }));
    await using heard = await listening('auto', tree.roots);
    first.press(KEY.PHONE);
    await expect.poll(() => heard.pressed, DEADLINE).toEqual(['hook']);
    first.unplug();

    const second = fifo(await tree.add('event2', { name: 'Two', keys: phone }));
    second.press(KEY.MICMUTE);
    await expect.poll(() => heard.pressed, DEADLINE).toEqual(['hook', 'mute']);
    second.press(KEY.VOLUMEUP);
    await expect.poll(() => heard.pressed, DEADLINE).toEqual(['hook', 'mute', 'volume-up']);
    second.unplug();
  });
});

describe('a running engine', () => {
  it('tells a guest what is pressed', async () => {
    await using tree = await InputTree.make();
    const node = await tree.add('event1', { name: 'One', keys: phone });
    const headset = fifo(node);
    const stateDir = join(tree.roots.dev, '..');
    const daemon = await startDaemon({
      config: defineEngineConfig({ engine: { listen: `unix:${join(stateDir, 'e.sock')}` } }),
      stateDir,
      logger: silentLogger,
      createPlane: () => Promise.resolve(new MemoryPlane()),
      inputs: tree.roots,
    });
    const guest = await connectMedia(await connectChannel(daemon.listen[0] ?? ''), {
      instanceId: 'guest',
      leaseMs: 0,
      capabilities: [HEADSET_BUTTONS],
    });
    const told: unknown[] = [];
    guest.on('headset.button', (event) => told.push(event));
    headset.press(KEY.PHONE);
    await expect.poll(() => told, DEADLINE).toEqual([{ button: 'hook' }]);
    await guest.close();
    await daemon.close({ keepCalls: false });
    headset.unplug();
  });
});

const noUinput = whyNoUinput();

describe('buttons of headsets, by the kernel (uinput)', () => {
  it('are heard from a device that the kernel makes, until it is unplugged', async ({ skip }) => {
    if (noUinput !== undefined) skip(noUinput);
    await using heard = await listening('Offhook test headset');
    await using headset = await kernelHeadset();
    headset.stdin.write('p');
    await expect.poll(() => heard.pressed, DEADLINE).toEqual(['hook']);
    headset.stdin.write('m');
    await expect.poll(() => heard.pressed, DEADLINE).toEqual(['hook', 'mute']);
    await stopProcess(headset.child);
    await expect.poll(() => findHeadsets('Offhook test headset')).toEqual([]);
  });
});

function whyNoUinput(): string | undefined {
  try {
    accessSync('/dev/uinput', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return 'this kernel has no uinput, or we may not use it';
  }
}

/** Compiled here, because only ioctls make such a device. */
async function kernelHeadset() {
  const directory = await mkdtemp(join(tmpdir(), 'offhook-uinput-'));
  const program = join(directory, 'headset');
  execFileSync('cc', ['-o', program, join(import.meta.dirname, 'uinput-headset.c')]);
  const child: ChildProcessWithoutNullStreams = spawn(program);
  await once(child.stdout, 'data');
  return {
    child,
    stdin: child.stdin,
    async [Symbol.asyncDispose]() {
      await stopProcess(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
