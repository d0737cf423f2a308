import { readFile } from 'node:fs/promises';

import { until } from '@offhook/test-sipp';

/** An emulated processor takes its time. */
const GUEST_MS = 600_000;

/** Shows what the desktop says, as it says it. */
export class Listener {
  readonly #file: string;
  #shown = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws when the desktop says that something has failed, or nothing in time */
  async hears(sign: RegExp): Promise<void> {
    await until(
      `the desktop to say ${sign.source}`,
      async () => {
        const text = await readFile(this.#file, 'utf8').catch(() => '');
        const end = text.lastIndexOf('\n') + 1;
        process.stdout.write(text.slice(this.#shown, end).replaceAll('\r', ''));
        this.#shown = Math.max(this.#shown, end);
        const failure = /^FAILED.*$/m.exec(text)?.[0];
        if (failure !== undefined) throw new Error(`in the desktop: ${failure}`);
        return sign.test(text.replaceAll('\r', ''));
      },
      { within: GUEST_MS, every: 250 },
    );
  }
}
