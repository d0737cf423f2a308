import { ManualClock, OffhookError, silentLogger, type Logger } from '@offhook/common';
import { createMemoryPair, FrameWriter, type Channel } from '@offhook/virtual-channel';
import { describe, expect, it } from 'vitest';
import { connectMedia, mediaError, serveMedia, type MediaEvents } from '../src/index.ts';
import { comeUp, connected, mortal, ScriptedEngine } from './scripted-engine.ts';

const session = {
  id: 's',
  revision: 1,
  state: 'idle',
  muted: false,
  locallyMuted: false,
  label: '',
  openedAt: 0,
} as const;

describe('a call of the media contract', () => {
  it('carries parameters, with defaults filled in for the engine, and the result', async () => {
    const { client, engine } = await connected();
    engine.answer = () => session;
    expect(await client.call('session.get', { id: 's' })).toEqual(session);
    engine.answer = () => ({});
    await client.call('session.dtmf', { id: 's', command: 'c', digits: '1' });
    expect(engine.calls.at(-1)).toEqual([
      'session.dtmf',
      { id: 's', command: 'c', digits: '1', method: 'rfc4733', durationMs: 100, gapMs: 100 },
    ]);
  });

  it('rejects with the error of the contract that the engine gave', async () => {
    const { client, engine } = await connected();
    engine.answer = () => {
      throw mediaError('unknown-session', 'No session s', { remedy: 'open it' });
    };
    await expect(client.call('session.get', { id: 's' })).rejects.toMatchObject({
      name: 'OffhookError',
      layer: 'engine',
      code: 'unknown-session',
      message: 'No session s',
      remedy: 'open it',
    });
  });

  it.each([
    ['another error', () => new TypeError('secret')],
    ['an error of another method', () => mediaError('no-such-device')],
    ['an error of another layer', () => new OffhookError('worker', 'unknown-session', 'x')],
  ])('rejects with an internal error when the engine gives %s', async (_what, make) => {
    const { client, engine } = await connected();
    engine.answer = () => Promise.reject(make());
    const error = await client.call('session.get', { id: 's' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ layer: 'rpc', code: 'internal' });
    expect(String(error)).not.toContain('secret');
  });

  it('is refused with invalid-params by name, and the connection lives', async () => {
    const { client, engine } = await connected();
    const bad = client.call('session.get', { id: 'no/such id' });
    await expect(bad).rejects.toMatchObject({
      layer: 'engine',
      code: 'invalid-params',
      message: expect.stringMatching(/^session\.get: id: /),
    });
    expect(engine.calls).toEqual([]);
    engine.answer = () => ({ ms: 1 });
    expect(await client.call('lease.set', { ms: 1 })).toEqual({ ms: 1 });
  });

  it('is refused when the engine does not know the method', async () => {
    const { client } = await connected();
    for (const method of ['session.fly', 'toString', '__proto__']) {
      await expect(client.call(method as 'snapshot', {})).rejects.toMatchObject({
        layer: 'rpc',
        code: 'unknown-method',
      });
    }
  });

  it('drops keys that it does not know, as a newer peer may send them', async () => {
    const { client, engine } = await connected();
    engine.answer = () => ({ ...session, colour: 'blue' });
    expect(await client.call('session.get', { id: 's', hue: 1 } as { id: string })).toEqual(
      session,
    );
    expect(engine.calls).toEqual([['session.get', { id: 's' }]]);
  });

  it('rejects when the answer does not fit the contract', async () => {
    const { client, engine } = await connected();
    engine.answer = () => ({ ms: 'soon' });
    await expect(client.call('lease.set', { ms: 1 })).rejects.toMatchObject({
      layer: 'rpc',
      code: 'invalid-result',
    });
  });

  it('rejects when the answer is too large for a frame, and the connection lives', async () => {
    const { client, engine } = await connected();
    engine.answer = () => ({ ...session, label: 'x'.repeat(1024 * 1024) });
    await expect(client.call('session.get', { id: 's' })).rejects.toMatchObject({
      layer: 'rpc',
      code: 'too-large',
    });
    engine.answer = () => session;
    expect(await client.call('session.get', { id: 's' })).toEqual(session);
  });

  it('ends at its deadline, and is taken back at the engine', async () => {
    const { client, engine, clock } = await connected();
    let signal: AbortSignal | undefined;
    engine.answer = (_method, _params, given) => {
      signal = given;
      return new Promise(() => undefined);
    };
    const outcome = Promise.allSettled([
      client.call('snapshot', {}),
      client.call('snapshot', {}, { timeoutMs: 500 }),
    ]);
    await clock.advance(500);
    expect(signal?.aborted).toBe(true);
    await clock.advance(9500);
    expect(await outcome).toMatchObject([
      { reason: { layer: 'rpc', code: 'timeout', message: expect.stringContaining('10000 ms') } },
      { reason: { layer: 'rpc', code: 'timeout', message: expect.stringContaining('500 ms') } },
    ]);
  });

  it('is taken back by its signal', async () => {
    const { client, engine, clock } = await connected();
    const controller = new AbortController();
    let signal: AbortSignal | undefined;
    engine.answer = (_method, _params, given) => {
      signal = given;
      return new Promise(() => undefined);
    };
    const call = client.call('snapshot', {}, { signal: controller.signal });
    await clock.advance(0);
    controller.abort(new OffhookError('call', 'ended', 'hung up'));
    await expect(call).rejects.toMatchObject({ layer: 'call', code: 'ended' });
    await clock.advance(0);
    expect(signal?.aborted).toBe(true);
    await expect(client.call('snapshot', {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ended',
    });
    expect(engine.calls).toHaveLength(1);
  });

  it('rejects with channel closed when the connection goes, and after', async () => {
    const { client, engine, pair, clock } = await connected();
    engine.answer = () => new Promise(() => undefined);
    const outcome = Promise.allSettled([client.call('snapshot', {})]);
    await clock.advance(0);
    pair.left.destroy();
    await clock.advance(0);
    const closed = { layer: 'channel', code: 'closed' };
    expect(await outcome).toMatchObject([{ reason: closed }]);
    await expect(client.call('snapshot', {})).rejects.toMatchObject(closed);
  });

  it('may be one of 256 at a time', async () => {
    const { client, engine, clock } = await connected();
    const release = Promise.withResolvers<void>();
    engine.answer = () => release.promise.then(() => ({ ms: 0 }));
    const calls = Array.from({ length: 257 }, () => client.call('lease.set', { ms: 0 }));
    const outcome = Promise.allSettled(calls);
    await clock.advance(0);
    release.resolve();
    const failed = (await outcome).filter(({ status }) => status === 'rejected');
    expect(failed).toMatchObject([{ reason: { layer: 'rpc', code: 'too-many-requests' } }]);
  });

  it('that was taken back does not count, even when the engine goes on with it', async () => {
    const { client, engine, clock } = await connected();
    engine.answer = () => new Promise(() => undefined);
    const calls = Array.from({ length: 256 }, () => client.call('snapshot', {}, { timeoutMs: 1 }));
    const outcome = Promise.allSettled(calls);
    await clock.advance(1);
    await outcome;
    engine.answer = () => ({ ms: 0 });
    expect(await client.call('lease.set', { ms: 0 })).toEqual({ ms: 0 });
  });

  it('leaves no timer behind', async () => {
    const { client, engine, clock } = await connected();
    const before = clock.pending;
    engine.answer = () => ({ ms: 0 });
    await client.call('lease.set', { ms: 0 });
    expect(clock.pending).toBe(before);
    await client.close();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });
});

describe('events of the engine', () => {
  it('come validated, each to its listeners', async () => {
    const { client, engine, clock } = await connected();
    const seen: MediaEvents['session.dtmf'][] = [];
    client.on('session.dtmf', (event) => seen.push(event));
    engine.emit('session.dtmf', { id: 's', digit: '5', durationMs: 100 });
    engine.emit('session.dtmf', { id: 's', digit: 'far too long', durationMs: 100 });
    engine.emit('session.hangup', { id: 's' });
    await clock.advance(0);
    expect(seen).toEqual([{ id: 's', digit: '5', durationMs: 100 }]);
  });

  it('are dropped when late if they may be, and only then', async () => {
    const { client, engine, clock, pair } = await connected();
    const seen: string[] = [];
    client.on('session.stats', () => seen.push('stats'));
    client.on('session.hangup', () => seen.push('hangup'));
    const stats = stubStats();
    pair.left.pause();
    engine.answer = () => ({ ...session, label: 'x'.repeat(200_000) });
    const late = client.call('session.get', { id: 's' });
    await clock.advance(0);
    for (let round = 0; round < 10; round++) engine.emit('session.stats', stats);
    engine.emit('session.hangup', { id: 's' });
    pair.left.resume();
    await late;
    await clock.advance(0);
    expect(seen).toEqual(['hangup']);
    engine.emit('session.stats', stats);
    await clock.advance(0);
    expect(seen).toEqual(['hangup', 'stats']);
  });

  it('behind a response are told after whoever awaited it has subscribed', async () => {
    const clock = new ManualClock();
    const { left, right } = createMemoryPair({ clock });
    const connecting = connectMedia(left, { instanceId: 'g', leaseMs: 1, clock });
    const frames = await comeUp(right, 'engine', clock);
    const client = await connecting;
    const log: string[] = [];
    const subscriber = async () => {
      await client.call('lease.set', { ms: 0 });
      await Promise.resolve();
      client.on('session.hangup', ({ id }) => log.push(`hangup ${id}`));
    };
    const subscribed = subscriber();
    await clock.advance(0);
    const { id } = frames.findLast(({ method }) => method === 'lease.set') ?? {};
    const writer = new FrameWriter();
    // In one write, as an engine does that has news for a guest that is back.
    const answer = { jsonrpc: '2.0', id, result: { ms: 0 } };
    const news = { jsonrpc: '2.0', method: 'session.hangup', params: { id: 's' } };
    right.write(Buffer.concat([answer, news].map((one) => writer.encode(JSON.stringify(one)))));
    await subscribed;
    await clock.advance(0);
    expect(log).toEqual(['hangup s']);
  });

  it('of which one listener chokes still reach the others', async () => {
    const errors: object[] = [];
    const logger: Logger = { ...silentLogger, error: (fields) => errors.push(fields) };
    const { client, engine, clock } = await connected({ guest: { logger } });
    let seen = 0;
    client.on('session.hangup', () => {
      throw new Error('choked');
    });
    client.on('session.hangup', () => seen++);
    engine.emit('session.hangup', { id: 's' });
    await clock.advance(0);
    expect(seen).toBe(1);
    expect(errors).toHaveLength(1);
  });
});

describe('a connection', () => {
  it('tells the guest of the engine, and the engine of the guest', async () => {
    const { client, server } = await connected({
      server: { lease: (ms = 0) => Math.min(ms, 700) },
    });
    expect(client.engine).toMatchObject({ instanceId: 'engine-1', version: 1, leaseMs: 700 });
    expect(server.connection).toMatchObject({
      guest: { instanceId: 'guest-1', leaseMs: 20_000 },
      leaseMs: 700,
    });
  });

  it('ends for both when the guest closes it, once, without a reason', async () => {
    const { client, server, clock } = await connected();
    const log: string[] = [];
    client.on('closed', (error) => log.push(`client ${String(error)}`));
    server.connection?.on('closed', (error) => log.push(`guest gone ${String(error)}`));
    server.on('closed', (error) => log.push(`server ${String(error)}`));
    await Promise.all([client.close(), client.close()]);
    await server.close();
    await clock.advance(0);
    expect(log).toEqual(['client undefined', 'guest gone undefined', 'server undefined']);
    expect(server.connection).toBeUndefined();
  });

  it('ends for the guest when the engine closes it', async () => {
    const { client, server, clock } = await connected();
    const reasons: unknown[] = [];
    client.on('closed', (error) => reasons.push(error));
    await server.close();
    await clock.advance(0);
    expect(reasons).toEqual([undefined]);
    expect(client.closed).toBe(true);
  });

  it('aborts what the engine is doing for a guest that goes, and tells it nothing more', async () => {
    const { client, engine, clock } = await connected();
    const release = Promise.withResolvers<object>();
    let signal: AbortSignal | undefined;
    engine.answer = (_method, _params, given) => {
      signal = given;
      return release.promise;
    };
    const outcome = Promise.allSettled([client.call('snapshot', {})]);
    await clock.advance(0);
    await client.close();
    await clock.advance(0);
    expect(signal?.aborted).toBe(true);
    release.resolve({});
    engine.emit('session.hangup', { id: 's' });
    await clock.advance(0);
    expect(await outcome).toMatchObject([{ status: 'rejected' }]);
  });

  it('goes to the next life of a guest on the same channel, with a view of its own', async () => {
    const clock = new ManualClock();
    const pair = createMemoryPair({ clock });
    const views: string[] = [];
    const closed: unknown[] = [];
    serveMedia(pair.right, {
      engine: (connection) => {
        views.push(connection.guest.instanceId);
        connection.on('closed', (error) => closed.push(error));
        const engine = new ScriptedEngine();
        engine.answer = () => ({ ms: 3 });
        return engine;
      },
      instanceId: 'engine',
      clock,
    });
    const first = mortal(pair.left);
    await connectMedia(first.channel, { instanceId: 'guest-1', leaseMs: 1, clock });
    // Behind a port that stays open nobody says goodbye for a process that is killed.
    first.kill();
    const second = await connectMedia(pair.left, { instanceId: 'guest-2', leaseMs: 1, clock });
    expect(views).toEqual(['guest-1', 'guest-2']);
    expect(closed).toMatchObject([{ code: 'peer-restarted' }]);
    expect(await second.call('lease.set', { ms: 3 })).toEqual({ ms: 3 });
  });

  it('gets no answer that was meant for an earlier life of the guest', async () => {
    const clock = new ManualClock();
    const pair = createMemoryPair({ clock });
    const engine = new ScriptedEngine();
    const late = Promise.withResolvers<object>();
    engine.answer = () => late.promise;
    serveMedia(pair.right, { engine: () => engine, instanceId: 'engine', clock });
    const first = mortal(pair.left);
    const killed = await connectMedia(first.channel, { instanceId: 'g-1', leaseMs: 1, clock });
    const lost = Promise.allSettled([killed.call('lease.set', { ms: 1 })]);
    await clock.advance(0);
    first.kill();
    const second = await connectMedia(pair.left, { instanceId: 'g-2', leaseMs: 1, clock });
    engine.answer = () => new Promise(() => undefined);
    const outcome = Promise.allSettled([second.call('lease.set', { ms: 2 }, { timeoutMs: 100 })]);
    late.resolve({ ms: 1 });
    await clock.advance(100);
    expect(await outcome).toMatchObject([{ reason: { code: 'timeout' } }]);
    await clock.advance(10_000);
    expect(await lost).toMatchObject([{ status: 'rejected' }]);
  });

  it('can be made anew on the channel after the engine was started again behind it', async () => {
    const clock = new ManualClock();
    const pair = createMemoryPair({ clock });
    const serve = (channel: Channel, instanceId: string) =>
      serveMedia(channel, { engine: () => new ScriptedEngine(), instanceId, clock });
    const engine = mortal(pair.right);
    serve(engine.channel, 'engine-1');
    const client = await connectMedia(pair.left, { instanceId: 'guest', leaseMs: 1, clock });
    const reasons: unknown[] = [];
    client.on('closed', (error) => reasons.push(error));
    engine.kill();
    serve(pair.right, 'engine-2');
    await clock.advance(0);
    expect(reasons).toMatchObject([{ layer: 'rpc', code: 'peer-restarted' }]);
    expect(pair.left.closed).toBe(false);
    const again = await connectMedia(pair.left, { instanceId: 'guest', leaseMs: 1, clock });
    expect(again.engine.instanceId).toBe('engine-2');
  });

  it('is not made with an engine of another version, and both are told', async () => {
    const clock = new ManualClock();
    const pair = createMemoryPair({ clock });
    const protocol = { min: 7, max: 9 };
    const engine = () => new ScriptedEngine();
    const server = serveMedia(pair.right, { engine, instanceId: 'e', clock, protocol });
    const told: unknown[] = [];
    server.on('closed', (error) => told.push(error));
    const connecting = connectMedia(pair.left, { instanceId: 'g', leaseMs: 1, clock });
    await expect(connecting).rejects.toMatchObject({
      layer: 'rpc',
      code: 'version-mismatch',
      message: expect.stringMatching(/speaks 1, the engine 7-9$/),
    });
    await clock.advance(0);
    expect(told).toMatchObject([{ code: 'version-mismatch' }]);
  });

  it('is not made on a channel that has closed already', async () => {
    const clock = new ManualClock();
    const { left } = createMemoryPair({ clock });
    left.destroy();
    await clock.advance(0);
    await expect(connectMedia(left, { instanceId: 'g', leaseMs: 1, clock })).rejects.toMatchObject({
      layer: 'channel',
      code: 'closed',
    });
    expect(clock.pending).toBe(0);
  });

  it('is given up when the signal says so, and the channel is closed', async () => {
    const clock = new ManualClock();
    const { left } = createMemoryPair({ clock });
    const controller = new AbortController();
    const options = { instanceId: 'g', leaseMs: 1, clock, signal: controller.signal };
    const connecting = connectMedia(left, options);
    controller.abort(new Error('enough'));
    await expect(connecting).rejects.toThrow('enough');
    await expect(connectMedia(createMemoryPair({ clock }).left, options)).rejects.toThrow('enough');
    await clock.advance(0);
    expect(left.closed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is closed when the engine cannot serve the guest', async () => {
    const clock = new ManualClock();
    const pair = createMemoryPair({ clock });
    serveMedia(pair.right, {
      engine: () => {
        throw new Error('no room');
      },
      instanceId: 'e',
      clock,
    });
    const client = await connectMedia(pair.left, { instanceId: 'g', leaseMs: 1, clock });
    await clock.advance(0);
    expect(client.closed).toBe(true);
  });
});

function stubStats(): MediaEvents['session.stats'] {
  const direction = { packets: 1, bytes: 160, lost: 0, lossPct: 0, jitterMs: 0 };
  return { id: 's', tx: direction, rx: direction, concealedPct: 0, jitterBufferMs: 20 };
}
