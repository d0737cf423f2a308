/** Bytes that arrived and wait until a whole unit is there. Copies what it keeps. */
export class ByteQueue {
  #buffer: Uint8Array = new Uint8Array(4096);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The first `count` bytes without taking them; valid until the next call. */
  peek(count: number): Uint8Array | undefined {
    return this.length < count
      ? undefined
      : this.#buffer.subarray(this.#start, this.#start + count);
  }

  /** Takes the first `count` bytes; valid until the next `push`. */
  take(count: number): Uint8Array | undefined {
    const bytes = this.peek(count);
    if (bytes !== undefined) this.#start += count;
    return bytes;
  }

  #makeRoom(more: number): void {
    const kept = this.#buffer.subarray(this.#start, this.#end);
    const needed = kept.length + more;
    const target =
      needed > this.#buffer.length
        ? new Uint8Array(Math.max(needed, 2 * this.#buffer.length))
        : this.#buffer;
    target.set(kept);
    this.#buffer = target;
    this.#start = 0;
    this.#end = kept.length;
  }
}
