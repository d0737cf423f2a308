import { describeError } from '@offhook/common';

/** What has been opened, closed in reverse order, all of it, whatever fails. */
export class Cleanup {
  readonly #steps: { what: string; close: () => Promise<void> }[] = [];
  #running: Promise<void> | undefined;

  add(what: string, close: () => Promise<void>): void {
    this.#steps.push({ what, close });
  }

  /** Idempotent; what could not be closed is told on standard error. */
  run(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    for (const { what, close } of this.#steps.toReversed()) {
      try {
        await close();
      } catch (error) {
        console.error(`demo: could not close ${what}: ${describeError(error)}`);
      }
    }
  }
}
