import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { serveMedia, type MediaEngine } from '@offhook/media-rpc';
import { listenChannel, type ChannelListener } from '@offhook/virtual-channel';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectEngine } from '../src/adapters.ts';
import { parseGuestConfig } from '../src/config.ts';
import { MediaLink } from '../src/media-link.ts';
import { FakeEngine } from './support/fake-engine.ts';

let dir: string;
let path: string;
let listener: ChannelListener | undefined;
let link: MediaLink;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-engine-'));
  path = join(dir, 'engine.sock');
  const config = parseGuestConfig(
    `[[account]]\naor = "sip:alice@example.com"\n[engine]\nchannel = "unix:${path}"\n`,
  );
  link = new MediaLink({
    channel: config.engine.channel,
    connect: connectEngine(config, 'a-guest-of-this-test'),
    leaseMs: 1000,
    desired: () => [],
    clock: systemClock,
    logger: silentLogger,
  });
});

afterEach(async () => {
  await link.close();
  await listener?.close();
  listener = undefined;
  rmSync(dir, { recursive: true });
});

async function serve(protocol: { min: number; max: number }): Promise<FakeEngine> {
  const engine = new FakeEngine();
  listener = await listenChannel(`unix:${path}`, {}, (channel) => {
    serveMedia(channel, {
      instanceId: engine.instance,
      protocol,
      engine: (): MediaEngine => {
        const client = engine.connect();
        return {
          on: (name, handler) => client.on(name, handler),
          handle: (method, params) => client.call(method, params as never),
        };
      },
    });
  });
  return engine;
}

it('the engine is reached over its channel, with every command of the contract checked', async () => {
  const engine = await serve({ min: 1, max: 1 });
  link.start();
  expect(await link.ready(5000)).toBe(true);
  expect(engine.log).toEqual(['lease.set', 'snapshot']);
  await expect(link.call('session.get', { id: 'nosuch' })).rejects.toMatchObject({
    layer: 'engine',
    code: 'unknown-session',
  });
});

it('an engine of another protocol version is named as such', async () => {
  await serve({ min: 7, max: 8 });
  link.start();
  await link.settled(5000);
  expect(link.status).toMatchObject({ state: 'disconnected', layer: 'rpc' });
  expect(link.notConnected().message).toMatch(/version/);
});

it('no engine at all is a matter of the channel', async () => {
  link.start();
  await link.settled(5000);
  expect(link.status).toMatchObject({ state: 'disconnected', layer: 'channel' });
  expect(link.notConnected().message).toContain(path);
});
