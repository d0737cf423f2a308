import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@offhook/common';
import { connectChannel } from '@offhook/virtual-channel';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { FakeEngineHost } from '../src/fake/index.ts';
import { connectMedia, mediaError, type MediaClient, type MediaConnection } from '../src/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'offhook-fake-'));
const hosts: FakeEngineHost[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function fakeHost(options = {}): FakeEngineHost {
  const host = new FakeEngineHost(options);
  hosts.push(host);
  return host;
}

function openSession(client: MediaClient, id: string) {
  const origin = { sessionId: '1', version: 1 };
  return client.call('session.open', {
    id,
    revision: 1,
    step: { type: 'offer', direction: 'sendrecv', origin },
  });
}

function closing(client: MediaConnection): Promise<Error | undefined> {
  return new Promise((resolve) => client.on('closed', resolve));
}

describe('the host of a fake engine', () => {
  it.each([`unix:${join(dir, 'engine.sock')}`, 'tcp:127.0.0.1:0'])(
    'serves several guests at %s',
    async (asked) => {
      const address = await fakeHost().listen(asked);
      const [one, two] = await Promise.all(
        ['one', 'two'].map(async (instanceId) =>
          connectMedia(await connectChannel(address), { instanceId, leaseMs: 1000 }),
        ),
      );
      await openSession(one as MediaConnection, 'a');
      const snapshot = await two?.call('snapshot', {});
      expect(snapshot?.sessions.map(({ id }) => id)).toEqual(['a']);
    },
  );

  it('cuts its guests when it crashes, and comes back as another instance with nothing', async () => {
    const host = fakeHost();
    const { client } = await host.connect();
    await openSession(client, 's');
    const closed = closing(client);
    host.crash();
    expect(await closed).toMatchObject({ layer: 'channel', code: 'closed' });
    const { client: next } = await host.connect();
    expect(next.engine.instanceId).not.toBe(client.engine.instanceId);
    expect((await next.call('snapshot', {})).sessions).toEqual([]);
  });

  it('keeps sessions through a crash where a worker would', async () => {
    const host = fakeHost();
    const { client } = await host.connect();
    const { sdp } = await openSession(client, 's');
    host.crash({ keepSessions: true });
    const { client: next } = await host.connect();
    const { engine, sessions } = await next.call('snapshot', {});
    expect(engine).not.toBe(client.engine.instanceId);
    expect(sessions).toMatchObject([{ id: 's', revision: 1, localSdp: sdp }]);
    // Its port is still taken.
    const other = await openSession(next, 't');
    expect(other.session.local?.port).not.toBe(sessions[0]?.local?.port);
  });

  it('is noticed when it is frozen', async () => {
    const clock = new ManualClock();
    const host = fakeHost({ clock });
    const { client, pair } = await host.connect();
    const closed = closing(client);
    pair.freeze();
    await clock.advance(5000);
    expect(await closed).toMatchObject({ code: 'silent' });
  });
});

describe('the fake engine', () => {
  it('fails the next request of a method as it is told to', async () => {
    const host = fakeHost();
    const { client } = await host.connect();
    host.engine.failNext('session.open', mediaError('limit-reached'));
    await expect(openSession(client, 's')).rejects.toMatchObject({ code: 'limit-reached' });
    await openSession(client, 's');
    expect(host.engine.requests.map(({ method }) => method)).toEqual([
      'session.open',
      'session.open',
    ]);
  });

  it('leaves a method without an answer until it is released', async () => {
    const clock = new ManualClock();
    const host = fakeHost({ clock });
    const { client } = await host.connect();
    host.engine.hang('snapshot');
    const outcome = Promise.allSettled([client.call('snapshot', {}, { timeoutMs: 100 })]);
    await clock.advance(100);
    expect(await outcome).toMatchObject([{ reason: { code: 'timeout' } }]);
    host.engine.release('snapshot');
    expect((await client.call('snapshot', {})).sessions).toEqual([]);
  });

  it('sends the digits of a repeated command once', async () => {
    const host = fakeHost();
    const { client } = await host.connect();
    const { sdp } = await openSession(client, 's');
    const accept = { type: 'accept', answer: sdp } as const;
    await client.call('session.update', { id: 's', revision: 2, step: accept });
    for (const command of ['one', 'one', 'two']) {
      await client.call('session.dtmf', { id: 's', command, digits: '12' });
    }
    expect(host.engine.sentDigits).toEqual([
      { id: 's', digits: '12' },
      { id: 's', digits: '12' },
    ]);
  });

  it('has no more sessions than ports', async () => {
    const host = fakeHost({ ports: { from: 40_000, to: 40_002 } });
    const { client } = await host.connect();
    await openSession(client, 'a');
    await openSession(client, 'b');
    await expect(openSession(client, 'c')).rejects.toMatchObject({ code: 'limit-reached' });
    await client.call('session.close', { id: 'a' });
    expect((await openSession(client, 'c')).session.local?.port).toBe(40_000);
  });
});
