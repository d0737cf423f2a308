/** SpiceMiniDataHeader: u16 type, u32 size. */
const HEADER_BYTES = 6;

/** Finds where messages end in one direction of a SPICE channel, whatever the pieces are it comes in. */
export class MessageEnds {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Of the body of the current message. */
  #missing = 0;

  /**
   * Where in this piece the last message begins and ends that is over with it; 0 for a message that has
   * begun before. Both are 0 when none is over.
   */
  push(chunk: Buffer): { readonly start: number; readonly end: number } {
    let [start, end, current] = [0, 0, 0];
    for (let at = 0; at < chunk.length;) {
      if (this.#missing === 0) at = this.#readHeader(chunk, at);
      if (this.#headerBytes === HEADER_BYTES) {
        const count = Math.min(this.#missing, chunk.length - at);
        at += count;
        this.#missing -= count;
        if (this.#missing > 0) break;
        this.#headerBytes = 0;
        [start, end, current] = [current, at, at];
      }
    }
    return { start, end };
  }

  #readHeader(chunk: Buffer, at: number): number {
    const count = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at);
    chunk.copy(this.#header, this.#headerBytes, at, at + count);
    this.#headerBytes += count;
    if (this.#headerBytes === HEADER_BYTES) this.#missing = this.#header.readUInt32LE(2);
    return at + count;
  }
}
