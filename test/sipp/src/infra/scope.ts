/** What a run has started, undone in reverse order; every undo is tried, whatever the others do. */
export class Scope {
  readonly #undo: (() => Promise<void> | void)[] = [];
  #closed: Promise<void> | undefined;

  defer(undo: () => Promise<void> | void): void {
    if (this.#closed !== undefined) throw new Error('the scope is closed already');
    this.#undo.push(undo);
  }

  /** Registers the `close` or `stop` of a thing, and hands the thing back. */
  use<T extends { close(): Promise<void> | void } | { stop(): Promise<unknown> | void }>(
    thing: T,
  ): T {
    this.defer(async () => {
      if ('close' in thing) await thing.close();
      else await thing.stop();
    });
    return thing;
  }

  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (;;) {
      const undo = this.#undo.pop();
      if (undo === undefined) break;
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'the clean-up failed');
  }
}
