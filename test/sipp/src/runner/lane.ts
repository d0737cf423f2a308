import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';

/** The password that the standard lines answer challenges with. */
export const PASSWORD = 'open sesame';

const line = (user: string, more: TomlTable): TomlTable => ({
  aor: `sip:${user}@example.test`,
  register: false,
  password: PASSWORD,
  codecs: ['PCMA', 'PCMU'],
  ...more,
});

/**
 * The lines of the standard phone. SIPp chooses one by the user that it calls, a scenario by the
 * account that it dials with.
 */
export const LINES: readonly TomlTable[] = [
  line('alice', {}),
  line('auto', { auto_answer: true }),
  line('wide', { auto_answer: true, codecs: ['opus', 'G722', 'PCMA', 'PCMU'] }),
  line('mu', { auto_answer: true, codecs: ['PCMU', 'PCMA'] }),
  line('secure', { auto_answer: true, srtp: 'required' }),
  line('info', { auto_answer: true, dtmf: 'info' }),
  line('refuses-redirects', { redirects: 'refuse' }),
  // Its requests are long ones.
  line('wordy', {
    codecs: ['opus', 'G722', 'PCMA', 'PCMU'],
    srtp: 'optional',
    display_name: 'Wordy '.repeat(20).trim(),
  }),
  line('timed', { session_timer: { expires: 1800, min_se: 90, refresher: 'uac' } }),
];

/** One engine and one phone that scenarios use after one another. */
export class Lane {
  readonly #directory: string;
  readonly #signal: AbortSignal;
  #generation = 0;
  #engine: Promise<EngineProcess> | undefined;
  #guest: Promise<GuestProcess> | undefined;

  constructor(directory: string, signal: AbortSignal) {
    this.#directory = directory;
    this.#signal = signal;
  }

  engine(): Promise<EngineProcess> {
    this.#engine ??= this.#directoryOfNow().then((directory) =>
      EngineProcess.start({ directory, signal: this.#signal }),
    );
    return this.#engine;
  }

  guest(): Promise<GuestProcess> {
    this.#guest ??= this.engine().then(async (engine) => {
      const guest = await GuestProcess.start({
        directory: await this.#directoryOfNow(),
        channel: engine.channel,
        accounts: LINES,
        signal: this.#signal,
      });
      await guest.phone.engineConnected();
      return guest;
    });
    return this.#guest;
  }

  /** Where the logs of the present pair are. */
  get directory(): string {
    return join(this.#directory, `${this.#generation}`);
  }

  /** What is wrong with the pair after a scenario; undefined when the next one may use it. */
  async complaint(): Promise<string | undefined> {
    const [engine, guest] = await Promise.all([this.#engine, this.#guest]);
    if (engine?.process.exit !== undefined) return engine.process.describe();
    if (guest?.process.exit !== undefined) return guest.process.describe();
    return guest?.phone.leftovers();
  }

  /** Stops both; the next scenario gets new ones. */
  async reset(): Promise<void> {
    const started = [this.#guest, this.#engine];
    this.#guest = undefined;
    this.#engine = undefined;
    this.#generation++;
    for (const one of started) await one?.then((it) => it.stop()).catch(() => undefined);
  }

  async #directoryOfNow(): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    return this.directory;
  }
}
