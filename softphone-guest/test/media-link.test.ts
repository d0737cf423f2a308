import { ManualClock, OffhookError, silentLogger } from '@offhook/common';
import type { MediaClient } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { MediaLink } from '../src/media-link.ts';
import type { EngineStatus } from '../src/media-port.ts';
import type { DesiredSession } from '../src/reconcile.ts';
import { FakeEngine } from './support/fake-engine.ts';

const nothing = () =>
  Promise.reject<MediaClient>(new OffhookError('channel', 'not-reachable', 'nothing listens'));

function link(
  connect: (signal: AbortSignal) => Promise<MediaClient>,
  desired: readonly DesiredSession[] = [],
) {
  const clock = new ManualClock();
  const media = new MediaLink({
    channel: 'unix:/run/engine.sock',
    connect,
    leaseMs: 120_000,
    desired: () => desired,
    clock,
    logger: silentLogger,
  });
  const states: EngineStatus['state'][] = [];
  media.on('status', (status) => states.push(status.state));
  return { clock, media, states };
}

describe('the link to the engine', () => {
  it('sets the lease, takes the snapshot, and is connected', async () => {
    const engine = new FakeEngine();
    const { media, clock, states } = link(() => Promise.resolve(engine.connect()));
    media.start();
    await media.settled(1000);
    expect(engine.log).toEqual(['lease.set', 'snapshot']);
    expect(media.status).toMatchObject({ state: 'connected', engine: 'engine-1', worker: 'up' });
    expect(states).toEqual(['connected']);
    await media.close();
    expect(clock.pending).toBe(0);
  });

  it.each([
    [400, 0],
    [30_000, 1],
  ])('learns from the engine that the machine was paused: away %d ms', async (awayMs, times) => {
    const engine = new FakeEngine();
    const { media, clock } = link(() => Promise.resolve(engine.connect()));
    const frozen: number[] = [];
    media.on('frozen', ({ ms }) => frozen.push(ms));
    media.start();
    await media.settled(1000);
    engine.awayMs = awayMs;
    engine.cut();
    await clock.advance(200);
    expect(media.connected).toBe(true);
    expect(frozen).toHaveLength(times);
    await media.close();
  });

  it('tries again with growing pauses, and says what is wrong', async () => {
    const attempts: number[] = [];
    const { media, clock } = link(() => {
      attempts.push(clock.now());
      return nothing();
    });
    media.start();
    await clock.advance(6000);
    expect(attempts).toEqual([0, 100, 300, 700, 1500, 3100, 5100]);
    expect(media.status).toEqual({
      state: 'disconnected',
      channel: 'unix:/run/engine.sock',
      reason: 'nothing listens',
      layer: 'channel',
      remedy: undefined,
    });
    await media.close();
  });

  it('tries without a pause to speak of as long as there are calls', async () => {
    const attempts: number[] = [];
    const call = { id: 'a', revision: 1, inFlight: false, leftOver: false, muted: false };
    const { media, clock } = link(() => {
      attempts.push(clock.now());
      return nothing();
    }, [call]);
    media.start();
    await clock.advance(10_000);
    expect(attempts.slice(0, 3)).toEqual([0, 50, 100]);
    expect(attempts.at(-1)).toBe(10_000);
    expect(attempts).toHaveLength(201);
    await media.close();
  });

  it('gives up an attempt that nothing answers', async () => {
    const { media, clock } = link(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    );
    media.start();
    await clock.advance(5000);
    expect(media.status).toMatchObject({ state: 'disconnected', layer: 'channel' });
    await media.close();
  });

  it('connects again at once when the channel breaks, and stops when it is closed', async () => {
    const engine = new FakeEngine();
    const { media, clock, states } = link(() => Promise.resolve(engine.connect()));
    media.start();
    await clock.advance(0);
    engine.cut();
    expect(media.connected).toBe(false);
    await clock.advance(100);
    expect(states).toEqual(['connected', 'disconnected', 'connected']);
    await media.close();
    await media.close();
    await clock.advance(10_000);
    expect(media.connected).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('tells each session’s fate, and closes those of nobody', async () => {
    const engine = new FakeEngine();
    for (const [id, revision] of [
      ['same', 2],
      ['older', 1],
      ['nobody', 1],
    ] as const) {
      engine.sessions.set(id, {
        id,
        revision,
        state: 'active',
        muted: false,
        locallyMuted: false,
        label: '',
        openedAt: 0,
      });
    }
    const want = (id: string) => ({
      id,
      revision: 2,
      inFlight: false,
      leftOver: false,
      muted: id === 'same',
    });
    const { media, clock } = link(
      () => Promise.resolve(engine.connect()),
      [want('same'), want('older'), want('lost')],
    );
    const fates: string[] = [];
    media.on('adopted', ({ id }) => fates.push(`adopted ${id}`));
    media.on('stale', ({ id }) => fates.push(`stale ${id}`));
    media.on('lost', ({ id }) => fates.push(`lost ${id}`));
    media.start();
    await clock.advance(0);
    expect(fates).toEqual(['adopted same', 'stale older', 'lost lost']);
    expect(engine.log.slice(2)).toEqual(['session.mute same true', 'session.close nobody']);
    await media.close();
  });

  it('shows a worker that is down already', async () => {
    const engine = new FakeEngine();
    engine.worker = 'failed';
    const { media, clock } = link(() => Promise.resolve(engine.connect()));
    media.start();
    await clock.advance(0);
    expect(media.status).toMatchObject({ state: 'connected', worker: 'failed' });
    await media.close();
  });

  it('shows the worker’s health', async () => {
    const engine = new FakeEngine();
    const { media, clock } = link(() => Promise.resolve(engine.connect()));
    media.start();
    await clock.advance(0);
    engine.emit('engine.health', { worker: 'restarting', message: 'died' });
    expect(media.status).toMatchObject({ state: 'connected', worker: 'restarting' });
    await media.close();
  });
});

describe('a command', () => {
  it('fails at once where no engine has ever been', async () => {
    const { media, clock } = link(nothing);
    media.start();
    await clock.advance(0);
    await expect(media.call('devices.list', {}, { retry: true })).rejects.toMatchObject({
      layer: 'engine',
      code: 'not-connected',
      message: 'not connected: unix:/run/engine.sock (channel: nothing listens)',
    });
    await media.close();
  });

  it('is not repeated unless it was asked for', async () => {
    const engine = new FakeEngine();
    const { media, clock } = link(() => Promise.resolve(engine.connect()));
    media.start();
    await clock.advance(0);
    const call = media.call('devices.list', {});
    engine.cut();
    await expect(call).rejects.toMatchObject({ layer: 'channel', code: 'closed' });
    await media.close();
  });

  it('waits for the channel to come back, but not beyond its deadline', async () => {
    let engine: FakeEngine | undefined = new FakeEngine();
    const { media, clock } = link(() =>
      engine === undefined ? nothing() : Promise.resolve(engine.connect()),
    );
    media.start();
    await clock.advance(0);
    const first = engine;
    engine = undefined;
    first.cut();
    const repeated = media.call('devices.list', {}, { retry: true });
    const late = media.call('devices.list', {}, { retry: true, timeoutMs: 1000 });
    late.catch(() => undefined);
    await clock.advance(1000);
    await expect(late).rejects.toMatchObject({ code: 'not-connected' });
    engine = first;
    await clock.advance(3000);
    expect((await repeated).devices).toHaveLength(1);
    await media.close();
  });

  it('ends with the link', async () => {
    let engine: FakeEngine | undefined = new FakeEngine();
    const { media, clock } = link(() =>
      engine === undefined ? nothing() : Promise.resolve(engine.connect()),
    );
    media.start();
    await clock.advance(0);
    const first = engine;
    engine = undefined;
    first.cut();
    const waiting = media.call('devices.list', {}, { retry: true });
    await media.close();
    await expect(waiting).rejects.toMatchObject({ code: 'not-connected' });
  });
});
