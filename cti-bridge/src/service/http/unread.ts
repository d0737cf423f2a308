/** How long a reader that has lost its right to more may take to read why. */
export const LAST_WORD_MS = 5000;

/**
 * How much may wait for a reader. What it is given to begin with (a snapshot, or all that it missed)
 * may wait on top, until it has read everything once.
 */
export class UnreadLimit {
  readonly #max: number;
  #start = 0;

  constructor(max: number) {
    this.#max = max;
  }

  begin(bytes: number): void {
    this.#start += bytes;
  }

  /** Whether the reader, for whom `queued` bytes wait, has lost its right to more. */
  exceededBy(queued: number): boolean {
    if (queued === 0) this.#start = 0;
    return queued > this.#max + this.#start;
  }
}
