import { isOffhookError, ManualClock } from '@offhook/common';
import { fuzzing, inPieces, mangled } from '@offhook/common/fuzz';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryPair, FrameReader, FrameWriter, type Channel } from '../src/index.ts';
import {
  decodeMessage,
  encodeHello,
  encodeMessage,
  MAX_MESSAGE,
  type StreamMessage,
} from '../src/mux/frames.ts';
import { Mux } from '../src/mux/index.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

const said: readonly StreamMessage[] = [
  { type: 'open', stream: 1, service: 'media' },
  { type: 'data', stream: 1, bytes: Buffer.from('hello') },
  { type: 'data', stream: 1, bytes: Buffer.alloc(200, 0xff) },
  { type: 'credit', stream: 1, bytes: 4096 },
  { type: 'close', stream: 1 },
  { type: 'reset', stream: 1, code: 'unknown-service' },
];
const payloads = [
  encodeHello('5e'.repeat(16), undefined),
  encodeHello('5e'.repeat(16), 'a0'.repeat(16)),
  ...said.map((message, index) => encodeMessage(index, message)),
];
const writer = new FrameWriter();
const MAGIC = Buffer.from('ff4f484b', 'hex');
const frames = payloads.map((payload) => writer.encode(payload));
const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });

describe('messages of the multiplexer', () => {
  it('are read or are none, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(mangled(payloads), fc.uint8Array({ maxLength: 60 })), (bytes) => {
        const message = decodeMessage(Buffer.from(bytes));
        const length = message?.type === 'data' ? message.bytes.length : 0;
        expect(length).toBeLessThanOrEqual(bytes.length);
      }),
      fuzzing(),
    );
  });
});

describe('frames', () => {
  it('that are whole come out of anything, and little is kept', () => {
    const good = writer.encode('the next good one');
    fc.assert(
      fc.property(
        fc.array(mangled(frames, [MAGIC, MAGIC.subarray(0, 2)]), { maxLength: 4 }),
        sizes,
        (parts, cuts) => {
          let last = '';
          const reader = new FrameReader({
            onFrame: (payload) => (last = payload.toString('latin1')),
            maxPayload: MAX_MESSAGE,
          });
          for (const piece of inPieces(Buffer.concat([...parts, good]), cuts)) {
            reader.push(piece);
            expect(reader.pending).toBeLessThanOrEqual(2 * MAX_MESSAGE);
          }
          expect(last).toBe('the next good one');
        },
      ),
      fuzzing(),
    );
  });
});

describe('a multiplexer', () => {
  /** A peer that says anything, as a guest or client may that is not ours. */
  const anything = fc.array(
    fc.oneof(
      fc.constantFrom(...frames),
      mangled(frames, [MAGIC]),
      mangled(payloads).map((payload) => writer.encode(payload)),
    ),
    { minLength: 1, maxLength: 8 },
  );

  it('goes on with the next peer after one that says anything, and holds little meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(anything, sizes, async (parts, cuts) => {
        const clock = new ManualClock();
        const { left, right } = createMemoryPair({ clock });
        const heard: string[] = [];
        const mux = new Mux(right, {
          clock,
          maxStreams: 4,
          services: {
            media: (stream: Channel) => {
              stream.on('data', (chunk) => heard.push(Buffer.from(chunk).toString()));
            },
          },
        });
        left.on('data', () => undefined);
        for (const piece of inPieces(Buffer.concat(parts), cuts))
          if (!left.closed) left.write(piece);
        await settled();
        expect(mux.streams).toBeLessThanOrEqual(4);
        expect(right.buffered).toBeLessThan(256 * 1024);
        if (left.closed) return;
        const next = new Mux(left, { clock });
        await clock.advance(2000);
        await settled();
        expect(next.up).toBe(true);
        heard.length = 0;
        next.open('media').write(Buffer.from('anew'));
        await settled();
        expect(heard).toEqual(['anew']);
        left.destroy();
        await settled();
        expect(clock.pending).toBe(0);
      }),
      fuzzing(300),
    );
  });

  it('closes its streams with a reason when the peer turns bad', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (parts) => {
        const clock = new ManualClock();
        const { left, right } = createMemoryPair({ clock });
        const opener = new Mux(left, { clock });
        const acceptor = new Mux(right, { clock, services: { media: () => undefined } });
        await settled();
        expect(acceptor.up).toBe(true);
        const stream = opener.open('media');
        let reason: Error | undefined;
        stream.on('close', (error) => (reason = error));
        for (const part of parts) if (!right.closed) right.write(part);
        await settled();
        expect(reason === undefined || isOffhookError(reason)).toBe(true);
        left.destroy();
        await settled();
        expect(stream.closed).toBe(true);
        expect(clock.pending).toBe(0);
      }),
      fuzzing(300),
    );
  });
});
