/**
 * Hands on messages in order, but an event behind a response only in the next turn of the event loop:
 * what awaited the response has then run, and may have subscribed to that very event.
 */
export class Turnstile {
  #responded = false;
  #scheduled = false;
  #stopped = false;
  #waiting: { readonly isEvent: boolean; readonly deliver: () => void }[] = [];

  /** Delivers a response: at once, unless an event before it waits. */
  response(deliver: () => void): void {
    this.#pass({ isEvent: false, deliver });
  }

  event(deliver: () => void): void {
    this.#pass({ isEvent: true, deliver });
  }

  /** From now on, until the next turn, events wait. */
  hold(): void {
    this.#responded = true;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#responded = false;
      this.#release();
    });
  }

  /** Delivers what waits, and nothing later. */
  stop(): void {
    for (const { deliver } of this.#waiting.splice(0)) deliver();
    this.#stopped = true;
  }

  #pass(message: { readonly isEvent: boolean; readonly deliver: () => void }): void {
    if (this.#stopped) return;
    if (this.#waiting.length > 0 || (message.isEvent && this.#responded)) {
      this.#waiting.push(message);
      return;
    }
    if (!message.isEvent) this.hold();
    message.deliver();
  }

  #release(): void {
    for (const message of this.#waiting.splice(0)) this.#pass(message);
  }
}
