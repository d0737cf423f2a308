import { Emitter, ManualClock, OffhookError } from '@offhook/common';
import { createMemoryPair } from '@offhook/virtual-channel';
import { describe, expect, it } from 'vitest';
import {
  connectMedia,
  mediaError,
  serveMedia,
  type MediaEngine,
  type MediaEvents,
  type MethodName,
} from '../src/index.ts';

class ScriptedEngine extends Emitter<MediaEvents> implements MediaEngine {
  readonly calls: [MethodName, unknown][] = [];
  answer: (method: MethodName, params: unknown, signal: AbortSignal) => unknown = () => ({});

  async handle(
    method: MethodName,
    params: unknown,
    { signal }: { signal: AbortSignal },
  ): Promise<never> {
    this.calls.push([method, params]);
    return (await this.answer(method, params, signal)) as never;
  }
}

describe('smoke', () => {
  it('connects', async () => {
    const clock = new ManualClock();
    const { left, right } = createMemoryPair({ clock });
    const engine = new ScriptedEngine();
    const server = serveMedia(right, { engine: () => engine, instanceId: 'e1', clock });
    const client = await connectMedia(left, { instanceId: 'g1', leaseMs: 5000, clock });
    expect(client.engine).toMatchObject({ instanceId: 'e1', leaseMs: 5000, version: 1 });
    expect(server.connection?.guest.instanceId).toBe('g1');
    engine.answer = () => ({ ms: 7 });
    expect(await client.call('lease.set', { ms: 8 })).toEqual({ ms: 7 });
    engine.answer = () => Promise.reject(mediaError('unknown-session'));
    await expect(client.call('session.get', { id: 'x' })).rejects.toMatchObject({
      layer: 'engine',
      code: 'unknown-session',
    });
    await clock.advance(20_000);
    expect(client.closed).toBe(false);
    await client.close();
    expect(server.connection).toBeUndefined();
    expect(clock.pending).toBe(0);
    expect(new OffhookError('rpc', 'x', '')).toBeDefined();
  });
});
