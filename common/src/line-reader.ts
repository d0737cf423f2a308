/**
 * Cuts a stream of bytes into lines of UTF-8 text, at most `maxBytes` each, so that a peer that
 * never ends its line costs no more memory than that.
 */
export class LineReader {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes and calls `onLine` for each line that they complete, without its newline.
   * False once a line is too long: what follows is lost and the stream of no more use.
   */
  push(chunk: Buffer, onLine: (line: string) => void): boolean {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const piece = chunk.subarray(start, end === -1 ? undefined : end);
      if (this.#length + piece.length > this.#maxBytes) return false;
      if (end === -1) {
        if (piece.length > 0) {
          this.#parts.push(piece);
          this.#length += piece.length;
        }
        return true;
      }
      const whole = this.#parts.length === 0 ? piece : Buffer.concat([...this.#parts, piece]);
      this.#parts = [];
      this.#length = 0;
      start = end + 1;
      onLine(whole.toString('utf8'));
    }
  }
}
