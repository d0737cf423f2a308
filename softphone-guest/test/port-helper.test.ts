import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { startPortHelper } from '@offhook/virtual-channel/port';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectThroughHelper, helperSocket } from '../src/port-helper.ts';
import { parseGuestConfig } from '../src/config.ts';

const NAME = 'org.offhook.test.0';
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-port-'));
  vi.stubEnv('XDG_RUNTIME_DIR', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

const signal = () => AbortSignal.timeout(5000);

describe('engine behind a port of the virtual desktop', () => {
  it('is configured by the name of the port', () => {
    const text = (channel: string) =>
      `[[account]]\naor = "sip:a@example.com"\n[engine]\nchannel = "${channel}"\n`;
    const channel = 'port:org.offhook.engine.0';
    expect(parseGuestConfig(text(channel)).engine.channel).toBe(channel);
    expect(() => parseGuestConfig(text('port:'))).toThrow(/must be port:NAME/u);
    expect(() => parseGuestConfig(text('port:../etc'))).toThrow(/must be port:NAME/u);
  });

  it('says that this machine has no such port', async () => {
    await expect(connectThroughHelper(NAME, signal())).rejects.toMatchObject({
      layer: 'channel',
      code: 'no-port',
      message: `this machine has no port /dev/virtio-ports/${NAME}`,
    });
  });

  it('uses the port helper that runs, and passes on what it answers', async () => {
    const helper = await startPortHelper({
      file: { read: () => Promise.resolve(0), write: () => new Promise(() => undefined) },
      name: NAME,
      socketPath: helperSocket(NAME),
      clock: systemClock,
      logger: silentLogger,
    });
    await expect(connectThroughHelper(NAME, signal())).rejects.toMatchObject({
      layer: 'channel',
      code: 'no-client',
      message: `no engine has the other end of port ${NAME}`,
    });
    await helper.close();
  });

  it('prefers the helper that runs as a service of the system', async () => {
    const systemDirectory = join(directory, 'system');
    const asked: string[] = [];
    const helper = await startPortHelper({
      file: { read: () => Promise.resolve(0), write: () => new Promise(() => undefined) },
      name: NAME,
      socketPath: join(systemDirectory, `port-${NAME}.sock`),
      clock: systemClock,
      logger: { ...silentLogger, debug: (_, message) => asked.push(message) },
    });
    await expect(connectThroughHelper(NAME, signal(), { systemDirectory })).rejects.toMatchObject({
      code: 'no-client',
    });
    expect(asked).toEqual(['application refused']);
    await helper.close();
  });
});
