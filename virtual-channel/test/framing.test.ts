import * as fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FrameReader, FrameWriter, type DiscardReason } from '../src/index.ts';

const MAGIC = Buffer.of(0xff, 0x4f, 0x48, 0x4b);

interface Result {
  readonly frames: string[];
  readonly discarded: { reason: DiscardReason; bytes: number }[];
  readonly reader: FrameReader;
}

/** Reads the chunks; frames come back in hex. */
function read(chunks: Iterable<Uint8Array>, maxPayload?: number): Result {
  const frames: string[] = [];
  const discarded: Result['discarded'] = [];
  const reader = new FrameReader({
    onFrame: (payload) => frames.push(payload.toString('hex')),
    onDiscard: (reason, bytes) => discarded.push({ reason, bytes }),
    ...(maxPayload === undefined ? {} : { maxPayload }),
  });
  for (const chunk of chunks) reader.push(chunk);
  return { frames, discarded, reader };
}

const writer = new FrameWriter();
const frameOf = (payload: Uint8Array | string) => writer.encode(payload);
const hex = (payload: Uint8Array) => Buffer.from(payload).toString('hex');

/** Bytes with a taste for pieces of the magic. */
const bytes = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    fc
      .array(fc.oneof(fc.constantFrom(0xff, 0x4f, 0x48, 0x4b, 0), fc.constant(MAGIC)), {
        maxLength: maxLength / 4,
      })
      .map((parts) =>
        Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part]))),
      ),
  );
const payloads = fc.array(bytes(200), { minLength: 1, maxLength: 6 });

/** Cuts bytes at arbitrary places. */
const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 12 });
function chunked(stream: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((place) => place % (stream.length + 1)), stream.length];
  const sorted = places.toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, index) => stream.slice(sorted[index], end));
}

function header(length: number): Buffer {
  const head = Buffer.alloc(20);
  MAGIC.copy(head);
  head.writeUInt32BE(length, 4);
  head.writeUInt32BE(crc32(head.subarray(0, 16)), 16);
  return head;
}

describe('FrameReader', () => {
  it('gives back the payloads, however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(payloads, cuts, (all, at) => {
        const { frames, discarded, reader } = read(chunked(Buffer.concat(all.map(frameOf)), at));
        expect(frames).toEqual(all.map(hex));
        expect(discarded).toEqual([]);
        expect(reader.pending).toBe(0);
      }),
    );
  });

  it('finds every frame between any garbage', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(bytes(100), bytes(100)), { maxLength: 6 }),
        cuts,
        (parts, at) => {
          const stream = parts.flatMap(([garbage, payload]) => [garbage, frameOf(payload)]);
          const { frames, discarded } = read(chunked(Buffer.concat(stream), at));
          expect(frames).toEqual(parts.map(([, payload]) => hex(payload)));
          const lost = discarded.reduce((sum, one) => sum + one.bytes, 0);
          expect(lost).toBe(parts.reduce((sum, [garbage]) => sum + garbage.length, 0));
        },
      ),
    );
  });

  it('loses only the frames that were cut off, wherever they were', () => {
    const [WHOLE, CUT] = [0x77, 0x63];
    const part = fc.tuple(bytes(100), fc.option(fc.nat()), fc.nat());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), cuts, (parts, at) => {
        const whole: string[] = [];
        const stream = parts.map(([payload, cut, from]) => {
          if (cut === null) {
            const marked = Buffer.concat([Buffer.of(WHOLE), payload]);
            whole.push(hex(marked));
            return frameOf(marked);
          }
          // Cut off in front, behind, or both: something is missing in any case.
          const frame = frameOf(Buffer.concat([Buffer.of(CUT), payload]));
          const start = from % frame.length;
          return frame.subarray(start, start + (cut % (frame.length - (start === 0 ? 1 : 0))));
        });
        const { frames } = read(chunked(Buffer.concat([...stream, frameOf(Buffer.of(WHOLE))]), at));
        // Two pieces can happen to be one good frame; the others are all there.
        expect(frames.filter((frame) => frame.startsWith(hex(Buffer.of(WHOLE))))).toEqual([
          ...whole,
          hex(Buffer.of(WHOLE)),
        ]);
      }),
    );
  });

  it('loses only a frame that was damaged', () => {
    fc.assert(
      fc.property(
        payloads,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        cuts,
        (all, where, flip, at) => {
          const damaged = frameOf(all[0] ?? Buffer.alloc(0));
          const index = where % damaged.length;
          damaged[index] = (damaged[index] ?? 0) ^ flip;
          const rest = all.slice(1);
          const stream = Buffer.concat([
            frameOf('start'),
            damaged,
            ...rest.map(frameOf),
            frameOf('end'),
          ]);
          const { frames } = read(chunked(stream, at));
          expect(frames).toEqual([
            hex(Buffer.from('start')),
            ...rest.map(hex),
            hex(Buffer.from('end')),
          ]);
        },
      ),
    );
  });

  it('takes any junk without a frame, and the next good frame after it', () => {
    fc.assert(
      fc.property(fc.array(bytes(300), { maxLength: 20 }), (chunks) => {
        const { frames, reader } = read(chunks);
        expect(frames).toEqual([]);
        expect(reader.pending).toBeLessThan(20 + 1024 * 1024);
        reader.push(frameOf('good'));
        expect(frames).toEqual([hex(Buffer.from('good'))]);
      }),
    );
  });

  it('gives a whole frame at once after one of which most never came', () => {
    const big = frameOf(Buffer.alloc(1024 * 1024));
    const { frames, discarded } = read([big.subarray(0, 5000), frameOf('hello')]);
    expect(frames).toEqual([hex(Buffer.from('hello'))]);
    expect(discarded).toEqual([{ reason: 'cut', bytes: 5000 }]);
  });

  it('finds the start of that frame however the stream is cut into chunks', () => {
    const cutOff = frameOf(Buffer.alloc(1024)).subarray(0, 200);
    const stream = Buffer.concat([cutOff, frameOf('hello')]);
    for (let at = 0; at <= stream.length; at++) {
      const { frames } = read([stream.subarray(0, at), stream.subarray(at)]);
      expect(frames).toEqual([hex(Buffer.from('hello'))]);
    }
  });

  it('spends no memory on a frame of 100 MB, and goes on after it', () => {
    const length = 100 * 1024 * 1024;
    const { frames, discarded, reader } = read([header(length)]);
    const chunk = Buffer.alloc(1024 * 1024, 0x41);
    for (let sent = 0; sent < length; sent += chunk.length) {
      reader.push(chunk);
      expect(reader.pending).toBe(0);
    }
    reader.push(frameOf('next'));
    expect(frames).toEqual([hex(Buffer.from('next'))]);
    expect(new Set(discarded.map(({ reason }) => reason))).toEqual(new Set(['too-large']));
    expect(discarded.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(20 + length);
  });

  it('does not take memory for a payload before it comes', () => {
    const { reader } = read([header(1024 * 1024)]);
    expect(reader.pending).toBe(20);
  });

  it('tells garbage, cut and damaged frames apart', () => {
    const damaged = frameOf('payload');
    damaged[25] = 0;
    const good = frameOf('good');
    const stream = [Buffer.from('noise'), frameOf('cut').subarray(0, 21), damaged, good];
    stream.push(header(2 ** 31), good, Buffer.from('noise again'), good);
    expect(read([Buffer.concat(stream)]).discarded).toEqual([
      { reason: 'garbage', bytes: 5 },
      { reason: 'cut', bytes: 21 },
      { reason: 'damaged', bytes: 27 },
      { reason: 'too-large', bytes: 20 },
      { reason: 'garbage', bytes: 11 },
    ]);
  });

  it('has a cap of its own', () => {
    const { frames, discarded } = read([frameOf('12345'), frameOf('1234')], 4);
    expect(frames).toEqual([hex(Buffer.from('1234'))]);
    expect(discarded.every(({ reason }) => reason === 'too-large')).toBe(true);
  });

  it('forgets an unfinished frame when told that the stream starts anew', () => {
    const { reader, discarded } = read([frameOf('first').subarray(0, 22)]);
    reader.reset();
    expect(reader.pending).toBe(0);
    expect(discarded).toEqual([{ reason: 'cut', bytes: 22 }]);
  });

  it('reads a large frame in small pieces in reasonable time', () => {
    const payload = Buffer.alloc(1024 * 1024, 0xff);
    const frame = frameOf(payload);
    const pieces = Array.from({ length: Math.ceil(frame.length / 61) }, (_, index) =>
      frame.subarray(index * 61, (index + 1) * 61),
    );
    expect(read(pieces).frames).toEqual([hex(payload)]);
  });
});

describe('FrameWriter', () => {
  it('puts the magic nowhere but at the start of frames', () => {
    fc.assert(
      fc.property(payloads, (all) => {
        const frames = all.map(frameOf);
        const stream = Buffer.concat(frames);
        const starts: number[] = [];
        for (let at = stream.indexOf(MAGIC); at !== -1; at = stream.indexOf(MAGIC, at + 1)) {
          starts.push(at);
        }
        // Nor does a frame end in what the next one's first bytes would complete.
        for (const frame of frames) {
          for (const length of [1, 2, 3]) {
            expect(frame.subarray(-length).equals(MAGIC.subarray(0, length))).toBe(false);
          }
        }
        let position = 0;
        expect(starts).toEqual(frames.map((frame) => (position += frame.length) - frame.length));
      }),
    );
  });

  it('tries masks until the magic is nowhere', () => {
    const masks = [0, 0x01020304, 0x0a0b0c0d];
    const payload = Buffer.concat([MAGIC, Buffer.of(0xfe, 0x4d, 0x4b, 0x4f)]);
    const one = new FrameWriter({ randomMask: () => masks.shift() ?? 0 });
    const frame = one.encode(payload);
    expect(masks).toEqual([]);
    expect(read([frame]).frames).toEqual([hex(payload)]);
  });

  it('encodes text as UTF-8', () => {
    const text = 'grüß dich 📞';
    expect(read([frameOf(text)]).frames).toEqual([hex(Buffer.from(text))]);
  });

  it('refuses a payload over its cap', () => {
    const small = new FrameWriter({ maxPayload: 3 });
    expect(small.encode('123')).toHaveLength(23);
    expect(() => small.encode('1234')).toThrow(
      expect.objectContaining({ layer: 'channel', code: 'frame-too-large' }),
    );
  });
});
