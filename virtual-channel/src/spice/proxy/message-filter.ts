import { Transform, type TransformCallback } from 'node:stream';
import { OffhookError } from '@offhook/common';
import type { SpiceMessage } from '../spice-channel.ts';

/** SpiceMiniDataHeader: u16 type, u32 size. */
const HEADER_BYTES = 6;
/** What is looked at is at most a list of 255 channels, or a host name and a subject. */
const MAX_BODY_BYTES = 16 * 1024;

/**
 * What becomes of a message: another body, or the message as it is. While this is thought about, what
 * comes behind the message waits.
 */
export type Rewrite = (message: SpiceMessage) => Promise<Uint8Array | undefined>;

/**
 * Passes one direction of a SPICE channel on as it comes, except for messages of a few types, which
 * are gathered and shown first.
 */
export class MessageFilter extends Transform {
  readonly #types: ReadonlySet<number>;
  readonly #rewrite: Rewrite;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the current message that go on unseen. */
  #passing = 0;
  #gathered: Buffer | undefined;
  #gatheredBytes = 0;

  constructor(types: readonly number[], rewrite: Rewrite) {
    super();
    this.#types = new Set(types);
    this.#rewrite = rewrite;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    void this.#settle(chunk, done);
  }

  async #settle(chunk: Buffer, done: TransformCallback): Promise<void> {
    try {
      await this.#take(chunk);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    done();
  }

  async #take(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#passing > 0) rest = this.#pass(rest);
      else if (this.#gathered !== undefined) rest = await this.#gather(this.#gathered, rest);
      else rest = this.#readHeader(rest);
      // A message without a body ends with its header.
      if (this.#gathered?.length === 0) await this.#show(this.#gathered);
    }
  }

  #pass(chunk: Buffer): Buffer {
    const count = Math.min(this.#passing, chunk.length);
    this.#passing -= count;
    this.push(chunk.subarray(0, count));
    return chunk.subarray(count);
  }

  #readHeader(chunk: Buffer): Buffer {
    const count = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length);
    chunk.copy(this.#header, this.#headerBytes, 0, count);
    this.#headerBytes += count;
    const rest = chunk.subarray(count);
    if (this.#headerBytes < HEADER_BYTES) return rest;
    this.#headerBytes = 0;
    const size = this.#header.readUInt32LE(2);
    if (this.#types.has(this.#type)) {
      if (size > MAX_BODY_BYTES) throw tooLong(this.#type, size);
      this.#gathered = Buffer.alloc(size);
      this.#gatheredBytes = 0;
    } else {
      this.push(Buffer.from(this.#header));
      this.#passing = size;
    }
    return rest;
  }

  get #type(): number {
    return this.#header.readUInt16LE(0);
  }

  async #gather(gathered: Buffer, chunk: Buffer): Promise<Buffer> {
    const count = Math.min(gathered.length - this.#gatheredBytes, chunk.length);
    chunk.copy(gathered, this.#gatheredBytes, 0, count);
    this.#gatheredBytes += count;
    if (this.#gatheredBytes === gathered.length) await this.#show(gathered);
    return chunk.subarray(count);
  }

  async #show(gathered: Buffer): Promise<void> {
    this.#gathered = undefined;
    const type = this.#type;
    const body = (await this.#rewrite({ type, body: gathered })) ?? gathered;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16LE(type, 0);
    header.writeUInt32LE(body.length, 2);
    this.push(Buffer.concat([header, body]));
  }
}

function tooLong(type: number, size: number): OffhookError {
  return new OffhookError(
    'channel',
    'spice-malformed',
    `SPICE message ${type} announces ${size} bytes`,
  );
}
