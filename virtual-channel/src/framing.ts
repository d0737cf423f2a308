import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { OffhookError } from '@offhook/common';

/**
 * Frames on a stream of bytes that can begin, break off and start anew in the middle of anything,
 * as a virtio port does when one of its ends is opened again.
 *
 * ```
 *  0               4               8              12              16              20
 * +---------------+---------------+---------------+---------------+---------------+- - - -
 * | FF 'O' 'H' 'K'| length        | mask          | payload check | header check  | payload
 * +---------------+---------------+---------------+---------------+---------------+- - - -
 * ```
 *
 * Numbers are big-endian; checks are CRC-32 (ISO 3309): of the payload as sent, and of the 16 bytes
 * before. The payload is sent XORed with the repeated mask, which is 0 unless the frame would contain
 * the magic once more, or end in a beginning of it; so **the magic occurs nowhere but at the start of
 * a frame**, and whoever meets it inside another frame knows that the other one was cut off. (As FF is
 * no byte of UTF-8, text never needs a mask for its own sake.) A reader is therefore back in step with
 * the first whole frame after any damage, without waiting for bytes that never come.
 */
const MAGIC = Buffer.of(0xff, 0x4f, 0x48, 0x4b);
const FRAME_HEADER_BYTES = 20;
/** Bytes of payload. */
export const DEFAULT_MAX_FRAME = 1024 * 1024;

/** Makes frames. */
export class FrameWriter {
  readonly #maxPayload: number;
  readonly #randomMask: () => number;

  constructor(
    options: {
      maxPayload?: number;
      /** A u32 that a peer cannot foresee. */ randomMask?: () => number;
    } = {},
  ) {
    this.#maxPayload = options.maxPayload ?? DEFAULT_MAX_FRAME;
    this.#randomMask = options.randomMask ?? (() => randomBytes(4).readUInt32BE());
  }

  /**
   * A frame of those bytes, or of that text in UTF-8.
   *
   * @throws OffhookError layer `channel`, code `frame-too-large`.
   */
  encode(payload: Uint8Array | string): Buffer {
    const length = typeof payload === 'string' ? Buffer.byteLength(payload) : payload.length;
    if (length > this.#maxPayload) {
      throw new OffhookError(
        'channel',
        'frame-too-large',
        `a frame of ${length} bytes; at most ${this.#maxPayload} are allowed`,
      );
    }
    const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
    MAGIC.copy(frame);
    frame.writeUInt32BE(length, 4);
    if (typeof payload === 'string') frame.write(payload, FRAME_HEADER_BYTES, 'utf8');
    else frame.set(payload, FRAME_HEADER_BYTES);
    let mask = 0;
    for (;;) {
      seal(frame, mask);
      if (findMagic(frame, 1) === frame.length) return frame;
      // A random mask leaves the magic in with a chance of one in thousands, even for the largest.
      const next = this.#randomMask();
      xor(frame.subarray(FRAME_HEADER_BYTES), mask ^ next);
      mask = next;
    }
  }
}

/** Why bytes were thrown away. */
export type DiscardReason =
  /** Between frames: not the start of one. */
  | 'garbage'
  /** A frame that another began in. */
  | 'cut'
  /** A header or payload whose check fails. */
  | 'damaged'
  /** A frame that announces more than is allowed. */
  | 'too-large';

export interface FrameReaderOptions {
  /** One payload, valid only during the call. MUST NOT throw, nor call the reader. */
  onFrame: (payload: Buffer) => void;
  onDiscard?: (reason: DiscardReason, bytes: number) => void;
  maxPayload?: number;
}

/** Finds the frames in a stream of bytes. It keeps one frame's worth of bytes at most. */
export class FrameReader {
  readonly #onFrame: (payload: Buffer) => void;
  readonly #onDiscard: (reason: DiscardReason, bytes: number) => void;
  readonly #maxPayload: number;
  /** Bytes of an unfinished frame: the first `#length` of `#store`. */
  #store: Buffer = Buffer.alloc(0);
  #length = 0;
  /** Up to here the unfinished frame is known to hold no second magic. */
  #searched = 0;
  /** After an oversized header: what the bytes until the next magic count as. */
  #skipping: DiscardReason = 'garbage';

  constructor(options: FrameReaderOptions) {
    this.#onFrame = options.onFrame;
    this.#onDiscard = options.onDiscard ?? (() => undefined);
    this.#maxPayload = options.maxPayload ?? DEFAULT_MAX_FRAME;
  }

  /** Bytes that wait for the rest of their frame. */
  get pending(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#length === 0) {
      this.#keep(bytes.subarray(this.#consume(bytes)));
      return;
    }
    // A huge chunk after an unfinished frame is taken in pieces, so that the store stays bounded.
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.#append(bytes.subarray(at, at + PIECE));
      const whole = this.#store.subarray(0, this.#length);
      const consumed = this.#consume(whole);
      if (consumed > 0) this.#keep(whole.subarray(consumed));
    }
  }

  /** Forgets an unfinished frame: the stream is known to start anew. */
  reset(): void {
    if (this.#length > 0) this.#onDiscard('cut', this.#length);
    this.#keep(Buffer.alloc(0));
    this.#skipping = 'garbage';
  }

  /** Delivers what is whole in `bytes`; returns how many of them are done with. */
  #consume(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length) {
      const start = findMagic(bytes, at);
      if (start > at) this.#onDiscard(this.#skipping, start - at);
      at = start;
      const rest = bytes.length - at;
      if (rest < MAGIC.length) break;
      this.#skipping = 'garbage';
      const step = this.#frame(bytes, at);
      if (step === 0) break;
      at += step;
      this.#searched = 0;
    }
    return at;
  }

  /** Looks at the frame that starts at `at`; returns the bytes to go on by, 0 if more are needed. */
  #frame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    const known = available >= FRAME_HEADER_BYTES;
    if (known && crc32(bytes.subarray(at, at + 16)) !== bytes.readUInt32BE(at + 16)) {
      return this.#reject('damaged', bytes, at, Math.min(available, FRAME_HEADER_BYTES));
    }
    const length = known ? bytes.readUInt32BE(at + 4) : 0;
    if (length > this.#maxPayload) {
      this.#skipping = 'too-large';
      return this.#reject('too-large', bytes, at, FRAME_HEADER_BYTES);
    }
    const end = FRAME_HEADER_BYTES + length;
    const next = this.#secondMagic(bytes, at, Math.min(end, available));
    if (next !== -1) {
      this.#onDiscard('cut', next - at);
      return next - at;
    }
    if (!known || available < end) return 0;
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, at + end);
    if (crc32(payload) !== bytes.readUInt32BE(at + 12)) {
      return this.#reject('damaged', bytes, at, end);
    }
    this.#deliver(payload, bytes.readUInt32BE(at + 8));
    return end;
  }

  #deliver(payload: Buffer, mask: number): void {
    if (mask === 0) {
      this.#onFrame(payload);
      return;
    }
    // A copy: the chunk is not ours to change.
    const plain = Buffer.from(payload);
    xor(plain, mask);
    this.#onFrame(plain);
  }

  /** Passes over a bad frame, but not over the beginning of another one in it. */
  #reject(reason: DiscardReason, bytes: Buffer, at: number, size: number): number {
    const next = findMagic(bytes.subarray(0, at + size), at + 1);
    this.#onDiscard(reason, next - at);
    return next - at;
  }

  /** Where in the frame at `at` another one begins (its magic may end beyond the frame), or -1. */
  #secondMagic(bytes: Buffer, at: number, size: number): number {
    const from = at + Math.max(1, this.#searched);
    const limit = Math.min(bytes.length, at + size + MAGIC.length - 1);
    const found = from < limit ? bytes.subarray(0, limit).indexOf(MAGIC, from) : -1;
    if (found !== -1 && found < at + size) return found;
    this.#searched = Math.max(0, size - MAGIC.length + 1);
    return -1;
  }

  #append(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#store.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, 2 * this.#store.length, 1024));
      this.#store.copy(grown, 0, 0, this.#length);
      this.#store = grown;
    }
    bytes.copy(this.#store, this.#length);
    this.#length = needed;
  }

  /** Makes these bytes (which may lie in the store) the unfinished frame. */
  #keep(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.#length = 0;
      this.#searched = 0;
      return;
    }
    if (bytes.length > this.#store.length) this.#store = Buffer.allocUnsafe(bytes.length);
    bytes.copy(this.#store);
    this.#length = bytes.length;
  }
}

const PIECE = 64 * 1024;

/** The first place from `from` on where a magic is or, cut off by the end of the bytes, may be. */
function findMagic(bytes: Buffer, from: number): number {
  const found = bytes.indexOf(MAGIC, from);
  if (found !== -1) return found;
  for (let at = Math.max(from, bytes.length - MAGIC.length + 1); at < bytes.length; at++) {
    if (bytes.subarray(at).equals(MAGIC.subarray(0, bytes.length - at))) return at;
  }
  return bytes.length;
}

function seal(frame: Buffer, mask: number): void {
  frame.writeUInt32BE(mask >>> 0, 8);
  frame.writeUInt32BE(crc32(frame.subarray(FRAME_HEADER_BYTES)), 12);
  frame.writeUInt32BE(crc32(frame.subarray(0, 16)), 16);
}

function xor(bytes: Buffer, mask: number): void {
  const key = [mask >>> 24, (mask >>> 16) & 0xff, (mask >>> 8) & 0xff, mask & 0xff] as const;
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (bytes[at] ?? 0) ^ (key[at & 3] ?? 0);
  }
}
