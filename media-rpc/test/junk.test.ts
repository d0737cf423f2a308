import { ManualClock, withDeadline } from '@offhook/common';
import { createMemoryPair, FrameWriter } from '@offhook/virtual-channel';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeEngine } from '../src/fake/index.ts';
import { connectMedia, methods, serveMedia } from '../src/index.ts';
import { comeUp } from './scripted-engine.ts';

const writer = new FrameWriter();

/** JSON with a taste for what the protocol says. */
const words = fc.oneof(
  fc.constantFrom(...Object.keys(methods), '$/cancel', 'hello', 'beat', 'bye', 's', '2.0', 'offer'),
  fc.string(),
);
const KEYS =
  'jsonrpc id method params result error data code link nonce echo protocol sent got step type sdp ' +
  'offer revision __proto__';
const keys = fc.constantFrom(...KEYS.split(' '));
const { message } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, words, fc.integer(), fc.double(), fc.boolean(), tie('message')),
  message: fc.oneof(
    fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.record({
      jsonrpc: fc.constant('2.0'),
      id: fc.oneof(fc.nat(), fc.anything()),
      method: fc.oneof(fc.constantFrom(...Object.keys(methods)), words),
      params: tie('value'),
    }),
  ),
}));
const junk = fc.oneof(
  message.map((value) => writer.encode(JSON.stringify(value) ?? 'undefined')),
  fc.string().map((text) => writer.encode(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => writer.encode(bytes)),
);

describe('junk', () => {
  it('from a guest never stops an engine from serving the next one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(junk, fc.uint8Array()), { maxLength: 20 }),
        async (all) => {
          const clock = new ManualClock();
          const engine = new FakeEngine({ clock });
          const bad = createMemoryPair({ clock });
          const server = serveMedia(bad.right, { engine: () => engine, instanceId: 'e', clock });
          await comeUp(bad.left, 'guest', clock);
          for (const bytes of all) if (!bad.left.closed) bad.left.write(bytes);
          await clock.advance(20_000);

          const good = createMemoryPair({ clock });
          const second = serveMedia(good.right, { engine: () => engine, instanceId: 'e', clock });
          const client = await connectMedia(good.left, { instanceId: 'g', leaseMs: 1, clock });
          expect((await client.call('snapshot', {})).engine).toBe('fake-engine');
          await Promise.all([client.close(), server.close(), second.close()]);
          engine.close();
          bad.left.destroy();
          await clock.advance(1000);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('in frames from a guest is answered or passed over, and the connection lives', async () => {
    const harmless = message.filter((value) => !('link' in Object(value)));
    await fc.assert(
      fc.asyncProperty(fc.array(harmless, { maxLength: 20 }), async (all) => {
        const clock = new ManualClock();
        const engine = new FakeEngine({ clock });
        const { left, right } = createMemoryPair({ clock });
        const server = serveMedia(right, { engine: () => engine, instanceId: 'e', clock });
        const frames = await comeUp(left, 'guest', clock);
        for (const value of all) left.write(writer.encode(JSON.stringify(value)));
        left.write(writer.encode('{"jsonrpc":"2.0","id":123456,"method":"snapshot"}'));
        await clock.advance(100);
        const answer = frames.find(({ id, result }) => id === 123_456 && result !== undefined);
        expect(answer).toBeDefined();
        await server.close();
        engine.close();
        left.destroy();
        await clock.advance(1000);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('from an engine ends in an answer, an error or a close for every call of the guest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(junk, { maxLength: 20 }), async (all) => {
        const clock = new ManualClock();
        const { left, right } = createMemoryPair({ clock });
        const connecting = connectMedia(left, { instanceId: 'g', leaseMs: 1, clock });
        await comeUp(right, 'engine', clock);
        const client = await connecting;
        const calls = Promise.allSettled([1, 2, 3].map(() => client.call('snapshot', {})));
        for (const bytes of all) if (!right.closed) right.write(bytes);
        await clock.advance(30_000);
        await withDeadline({ layer: 'rpc', what: 'the calls', ms: 5000 }, () => calls);
        await client.close();
        right.destroy();
        await clock.advance(1000);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
