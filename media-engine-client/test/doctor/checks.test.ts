import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OffhookError } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defineEngineConfig } from '../../src/config.ts';
import { ok, runCheck } from '../../src/doctor/check.ts';
import { checkAddress, checkPorts } from '../../src/doctor/network.ts';
import { checkPlugins } from '../../src/doctor/plugins.ts';
import { checkLocation } from '../../src/doctor/location.ts';
import { checkRecordings } from '../../src/doctor/recordings.ts';
import { kernelAddressFinder } from '../../src/local-address.ts';

const rtp = (more: object) => defineEngineConfig({ rtp: more }).rtp;

describe('a check', () => {
  it('that breaks has failed, in the layer that broke, with what to do', async () => {
    const broken = {
      layer: 'media',
      name: 'x',
      run: () =>
        Promise.reject(new OffhookError('worker', 'gone', 'no worker', { remedy: 'start it' })),
    } as const;
    expect(await runCheck(broken)).toEqual({
      layer: 'worker',
      name: 'x',
      status: 'fail',
      message: 'no worker',
      remedy: 'start it',
    });
    const good = { layer: 'media', name: 'x', run: () => Promise.resolve(ok('fine')) } as const;
    expect(await runCheck(good)).toEqual({
      layer: 'media',
      name: 'x',
      status: 'ok',
      message: 'fine',
    });
  });
});

describe('the GStreamer plugins', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'offhook-plugins-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('are named with their packages when calls need them', () => {
    const { status, message, remedy } = checkPlugins([directory]);
    expect(status).toBe('fail');
    expect(message).toContain('rtpmanager');
    expect(remedy).toContain('apt install');
    expect(remedy).toContain('gstreamer1.0-plugins-good');
  });

  it('are a warning where calls can do without', async () => {
    const needed = ['coreelements', 'volume', 'audioconvert', 'audioresample', 'opus', 'rtp'];
    const more = ['rtpmanager', 'alaw', 'mulaw'];
    for (const name of [...needed, ...more]) {
      await writeFile(join(directory, `libgst${name}.so`), '');
    }
    const { status, message, remedy } = checkPlugins(['/nowhere', directory]);
    expect(status).toBe('warn');
    expect(message).toMatch(/^without .+, without /);
    expect(remedy).toContain('gstreamer1.0-pulseaudio');
  });

  it('are installed where these tests run', () => {
    expect(checkPlugins().message).not.toMatch(/lacks/);
  });
});

describe('recordings', () => {
  const check = (recording: object) => checkRecordings(defineEngineConfig({ recording }).recording);

  it('are not allowed, or have room, or have none, or no place', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-recordings-'));
    try {
      expect(await check({})).toMatchObject({
        status: 'ok',
        message: expect.stringMatching(/not allowed/u),
      });
      const room = { allowed: true, directory, min_free_mb: 0 };
      expect(await check(room)).toMatchObject({
        status: 'ok',
        message: expect.stringMatching(/MiB free/u),
      });
      expect((await check({ ...room, min_free_mb: 1_000_000 })).status).toBe('warn');
      const file = join(directory, 'file');
      await writeFile(file, '');
      await expect(check({ ...room, directory: file })).rejects.toMatchObject({
        remedy: expect.stringMatching(/\[recording\] directory/u),
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('the address', () => {
  it('is one of this machine', async () => {
    expect((await checkAddress(rtp({ address: '127.0.0.1' }))).status).toBe('ok');
    expect(await checkAddress(rtp({ address: '198.51.100.1' }))).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('rtp.address'),
    });
    expect((await checkAddress(rtp({}))).status).not.toBe('fail');
  });

  it('towards a peer is the one that the kernel would send from', async () => {
    expect(await kernelAddressFinder.towards('127.0.0.1')).toBe('127.0.0.1');
    expect(await kernelAddressFinder.towards('::1')).toBe('::1');
    expect(await kernelAddressFinder.towards(undefined)).toMatch(/^[0-9a-f.:]+$/u);
  });
});

describe('the ports', () => {
  it('are free, or it is said how many are', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    const even = port - (port % 2);
    const taken = rtp({ address: '127.0.0.1', ports: `${even}-${even + 1}` });
    expect(await checkPorts(taken)).toMatchObject({
      status: 'fail',
      remedy: expect.stringContaining('rtp.ports'),
    });
    socket.close();
    await once(socket, 'close');
    expect((await checkPorts(taken)).status).toBe('ok');
  });
});

describe('the location of the thin client', () => {
  const of = (location: object) => checkLocation(defineEngineConfig({ location }).location);

  it('is told as it is known, or that it is not', async () => {
    expect(await of({ civic: { country: 'DE', A3: 'Berlin' } })).toEqual({
      status: 'ok',
      message: 'DE, Berlin',
    });
    expect(await of({})).toMatchObject({ status: 'warn' });
  });

  it('is a failure when the file is not there, or the command fails or says nonsense', async () => {
    expect(await of({ file: '/nowhere/place.toml' })).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('/nowhere/place.toml'),
    });
    expect(await of({ command: ['false'] })).toMatchObject({ status: 'fail' });
    expect(await of({ command: ['echo', 'latitude = "north"'] })).toMatchObject({ status: 'fail' });
    expect(await of({ command: ['printf', 'latitude = 52.5\nlongitude = 13.4'] })).toMatchObject({
      status: 'ok',
    });
  });
});
