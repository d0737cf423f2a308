import * as fc from 'fast-check';
import { isOffhookError } from './errors.ts';

/**
 * For tests that try what nobody would send: `npm run fuzz -- NAME --runs N --seed S` runs `NAME.fuzz.test.ts`
 * with so many inputs for each of its properties, every other run of the tests with a few.
 */
const runs = process.env['OFFHOOK_FUZZ_RUNS'];
const seed = process.env['OFFHOOK_FUZZ_SEED'];

/** @param usual inputs of a property where nothing else is said */
export function fuzzing(usual = 2000): { readonly numRuns: number; readonly seed?: number } {
  return {
    numRuns: runs === undefined ? usual : Number(runs),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
  };
}

/** Either it is read, or an error of ours says why not. */
export function isReadOrRefused(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    return isOffhookError(error);
  }
}

type Change =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly piece: Uint8Array }
  | {
      readonly kind: 'overwrite';
      readonly at: number;
      readonly piece: Uint8Array;
    }
  | {
      readonly kind: 'repeat';
      readonly at: number;
      readonly length: number;
      readonly times: number;
    }
  | { readonly kind: 'end'; readonly at: number };

/** Numbers that lengths and offsets should not be, in either order of bytes. */
const NUMBERS = [
  '00000000',
  'ffffffff',
  '7fffffff',
  'ffffff7f',
  '80000000',
  '00000080',
  '0000ffff',
];

function change(pieces: readonly Uint8Array[]): fc.Arbitrary<Change> {
  const at = fc.nat();
  const piece = fc.constantFrom(...pieces);
  return fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant('cut' as const), at, length: fc.nat(40) }),
    fc.record({ kind: fc.constant('insert' as const), at, piece }),
    fc.record({ kind: fc.constant('overwrite' as const), at, piece }),
    fc.record({
      kind: fc.constant('repeat' as const),
      at,
      length: fc.nat(60),
      times: fc.nat(20),
    }),
    fc.record({ kind: fc.constant('end' as const), at }),
  );
}

/**
 * Good messages with up to six faults: bits flipped, parts cut out, repeated, put in or over what was
 * there, the end missing.
 *
 * @param pieces what else a parser may stumble over
 */
export function mangled(
  corpus: readonly Uint8Array[],
  pieces: readonly (string | Uint8Array)[] = [],
): fc.Arbitrary<Buffer> {
  const all = [
    ...NUMBERS.map((hex) => Buffer.from(hex, 'hex')),
    ...pieces.map((one) => Buffer.from(one)),
  ];
  return fc
    .tuple(
      fc.constantFrom(...corpus.map((one) => Buffer.from(one))),
      fc.array(change(all), { minLength: 1, maxLength: 6 }),
    )
    .map(([message, changes]) => changes.reduce(apply, message));
}

function apply(bytes: Buffer, one: Change): Buffer {
  const at = bytes.length === 0 ? 0 : one.at % bytes.length;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (one.kind) {
    case 'flip': {
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << one.bit);
      return copy;
    }
    case 'cut':
      return Buffer.concat([before, after.subarray(one.length)]);
    case 'insert':
      return Buffer.concat([before, one.piece, after]);
    case 'overwrite':
      return Buffer.concat([before, one.piece, after.subarray(one.piece.length)]);
    case 'repeat': {
      const part = after.subarray(0, one.length);
      return Buffer.concat([before, ...Array<Buffer>(one.times).fill(part), after]);
    }
    case 'end':
      return before;
  }
}

/** The bytes in pieces of these sizes, over and over. */
export function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = Math.max(1, sizes[pieces.length % Math.max(1, sizes.length)] ?? bytes.length);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}
