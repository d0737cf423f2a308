import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findTone } from '@offhook/common/audio';
import {
  Asterisk,
  ASTERISK_PASSWORD,
  createAuthority,
  MICROPHONE_HZ,
  until,
} from '@offhook/test-sipp';

/** How the guest reaches the host through QEMU's network. */
export const HOST = '10.0.2.2';
/** What Asterisk's Milliwatt() plays. */
export const MILLIWATT_HZ = 1004;

const USER = 'alice-desktop';

/** A real PBX on the host, at which the phone in the guest is registered. */
export class Pbx {
  readonly #asterisk: Asterisk;
  #numbers = 0;

  private constructor(asterisk: Asterisk) {
    this.#asterisk = asterisk;
  }

  static async start(parent: string): Promise<Pbx> {
    const directory = join(parent, 'pbx');
    await mkdir(directory);
    const authority = await createAuthority(directory);
    const place = { directory, address: '127.0.0.1', seenAs: HOST };
    return new Pbx(await Asterisk.start({ ...place, authority }));
  }

  /** The phone's account. */
  get aor(): string {
    return `sip:${USER}@${HOST}`;
  }

  /** The phone's account there, as its configuration has it. */
  get account(): string {
    return [
      '[[account]]',
      `aor = "${this.aor}"`,
      `registrar = "sip:${HOST}:${this.#asterisk.port}"`,
      `username = "${USER}"`,
      `password = "${ASTERISK_PASSWORD}"`,
      'codecs = ["PCMA"]',
    ].join('\n');
  }

  /** A number that plays a tone and records what it hears, and that nobody has dialled yet. */
  number(): PbxNumber {
    return new PbxNumber(this.#asterisk, `601${++this.#numbers}`);
  }

  /** The number that takes three keys and sends them back. */
  get keypad(): string {
    return `sip:602@${HOST}:${this.#asterisk.port}`;
  }

  /** The keys that the phone has pressed there. */
  keys(within: number): Promise<string> {
    return this.#asterisk.keys(USER, within);
  }

  /** Ends the calls of the phone. */
  hangUp(): Promise<void> {
    return this.#asterisk.hangUp(USER);
  }

  /** It calls the phone, and connects it with that number. */
  async calls(number: PbxNumber): Promise<void> {
    await this.#asterisk.callPhone(USER, number.digits);
  }

  async stop(): Promise<void> {
    await this.#asterisk.stop();
  }
}

export class PbxNumber {
  readonly digits: string;
  readonly #asterisk: Asterisk;

  constructor(asterisk: Asterisk, digits: string) {
    this.#asterisk = asterisk;
    this.digits = digits;
  }

  get uri(): string {
    return `sip:${this.digits}@${HOST}:${this.#asterisk.port}`;
  }

  /** Waits until so much more of the phone's microphone is in the recording than was. */
  async hears(ms = 500): Promise<void> {
    const before = await this.#heard();
    let heard = before;
    await until(
      'Asterisk to hear the microphone',
      async () => (heard = await this.#heard()) >= before + ms,
      { within: 20_000, every: 200, seen: () => `it heard ${heard - before} ms of it` },
    );
  }

  async #heard(): Promise<number> {
    return findTone(await this.#asterisk.heard(this.digits), MICROPHONE_HZ).presentMs;
  }
}
