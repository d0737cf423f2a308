import { describeError, type Logger } from '@offhook/common';
import type { MediaPort } from '../media-port.ts';
import type { WantedTone } from './tones.ts';

/**
 * Keeps the tones at the thin client as they are wanted. A tone is no reason to fail a call: what
 * cannot be played is logged and forgotten.
 */
export class TonePlayer {
  readonly #port: MediaPort;
  readonly #country: string | undefined;
  readonly #logger: Logger;
  #standing: readonly WantedTone[] = [];

  constructor(port: MediaPort, country: string | undefined, logger: Logger) {
    this.#port = port;
    this.#country = country;
    this.#logger = logger;
  }

  /** Ids of the tones that go on. */
  get standing(): readonly string[] {
    return this.#standing.map((tone) => tone.id);
  }

  /** From now on these sound, and no other. */
  want(tones: readonly WantedTone[]): void {
    const before = this.#standing;
    this.#standing = tones;
    for (const tone of before) {
      if (!tones.some((one) => one.id === tone.id)) this.stop(tone.id);
    }
    for (const tone of tones) {
      if (!before.some((one) => one.id === tone.id)) this.play(tone);
    }
  }

  /** A tone of its own length. */
  play(tone: WantedTone): void {
    this.#send('tone.play', {
      ...tone,
      ...(this.#country === undefined ? {} : { country: this.#country }),
    });
  }

  stop(id: string): void {
    this.#send('tone.stop', { id });
  }

  /** Another engine, or the same one after a break: it may not be playing what it should. */
  replay(): void {
    for (const tone of this.#standing) this.play(tone);
  }

  #send(...[method, params]: ['tone.play', WantedTone] | ['tone.stop', { id: string }]): void {
    if (!this.#port.connected) return;
    const sent: Promise<unknown> =
      method === 'tone.play' ? this.#port.call(method, params) : this.#port.call(method, params);
    sent.catch((error: unknown) =>
      this.#logger.debug({ tone: params.id, reason: describeError(error) }, `${method} failed`),
    );
  }
}
