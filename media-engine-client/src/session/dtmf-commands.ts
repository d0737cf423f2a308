/** How many commands are remembered: a guest repeats what it sent just before its channel broke. */
const REMEMBERED = 32;

/** Sees to it that a repeated command sends its digits once. */
export class DtmfCommands {
  readonly #sent = new Map<string, Promise<void>>();

  /** The outcome of the first time for a command that is known; a failed one may be tried again. */
  once(command: string, send: () => Promise<void>): Promise<void> {
    const known = this.#sent.get(command);
    if (known !== undefined) return known;
    const sending = this.#track(command, send);
    this.#sent.set(command, sending);
    const oldest = this.#sent.keys().next();
    if (this.#sent.size > REMEMBERED && oldest.done !== true) this.#sent.delete(oldest.value);
    return sending;
  }

  async #track(command: string, send: () => Promise<void>): Promise<void> {
    try {
      await send();
    } catch (error) {
      this.#sent.delete(command);
      throw error;
    }
  }
}
