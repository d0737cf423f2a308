/** Lets requests wait until an event has come that happened before their answer. */
export class Seen {
  readonly #waiting = new Set<{ readonly seq: number; readonly done: () => void }>();
  #seq = 0;

  reached(seq: number): void {
    this.#seq = seq;
    for (const one of this.#waiting) if (one.seq <= seq) one.done();
  }

  /** The numbers begin anew: nobody has to wait for one of the old. */
  restart(seq: number): void {
    for (const one of this.#waiting) one.done();
    this.#seq = seq;
  }

  async until(seq: number, signal: AbortSignal): Promise<void> {
    if (seq <= this.#seq || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    const one = { seq, done };
    this.#waiting.add(one);
    signal.addEventListener('abort', done, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(one);
      signal.removeEventListener('abort', done);
    }
  }
}
