import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Asterisk,
  ASTERISK_PASSWORD,
  createAuthority,
  MICROPHONE_HZ,
  run,
  until,
} from '@offhook/test-sipp';
import { Bed, type BedOptions } from './bed.ts';
import type { Context } from './row.ts';
import { silence } from './silence.ts';

export type Transport = 'udp' | 'tcp' | 'tls';

/** In which networks the parts are. */
export interface Place {
  /** Of the PBX. */
  readonly address: string;
  /** Runs the PBX there, and the engine unless it has a place of its own. */
  readonly wrap?: BedOptions['wrapEngine'];
  readonly wrapEngine?: BedOptions['wrapEngine'];
  readonly guest?: Pick<BedOptions, 'wrapGuest' | 'addresses'>;
}

export interface AsteriskBedOptions {
  readonly guest?: BedOptions['guest'];
  readonly place?: Place;
}

const HERE: Place = { address: '127.0.0.1' };

/** A phone that is registered with an Asterisk of its own, which records what it hears. */
export class AsteriskBed {
  readonly bed: Bed;
  readonly asterisk: Asterisk;
  readonly aor: string;
  readonly #transport: Transport;
  readonly #name: string;
  #calls = 0;

  private constructor(bed: Bed, asterisk: Asterisk, transport: Transport) {
    this.bed = bed;
    this.asterisk = asterisk;
    this.#transport = transport;
    this.#name = `alice-${transport}`;
    this.aor = `sip:${this.#name}@${asterisk.address}`;
  }

  static async open(
    context: Context,
    transport: Transport,
    { guest = {}, place = HERE }: AsteriskBedOptions = {},
  ): Promise<AsteriskBed> {
    const directory = join(context.directory, 'pbx');
    await mkdir(directory, { recursive: true });
    const authority = await createAuthority(directory);
    const asterisk = context.scope.use(
      await Asterisk.start({
        directory,
        address: place.address,
        authority,
        ...(place.wrap === undefined ? {} : { wrap: place.wrap }),
      }),
    );
    const port = transport === 'tls' ? asterisk.tlsPort : asterisk.port;
    const name = `alice-${transport}`;
    const bed = await Bed.open(context, {
      accounts: [
        {
          aor: `sip:${name}@${asterisk.address}`,
          registrar: `sip:${asterisk.address}:${port};transport=${transport}`,
          username: name,
          password: ASTERISK_PASSWORD,
          codecs: ['PCMA'],
        },
      ],
      wrapEngine: place.wrapEngine ?? place.wrap,
      ...place.guest,
      guest: { ...guest, sip: { tls: { ca: authority.certificate } } },
    });
    const made = new AsteriskBed(bed, asterisk, transport);
    await made.registered();
    return made;
  }

  async registered(within = 20_000): Promise<void> {
    await this.bed.phone.registration(this.aor, 'registered', within);
  }

  /** Calls what sends all back, and waits until the thin client hears its own microphone. */
  async callEcho(): Promise<string> {
    const { asterisk, bed } = this;
    const { id } = await bed.phone.dial(`sip:600@${asterisk.address}:${asterisk.port}`);
    await bed.phone.becomes(id, 'established', 10_000);
    await bed.engine.plays(MICROPHONE_HZ, { within: 10_000, signal: bed.context.signal });
    return id;
  }

  /** Calls a number that records, and waits until the PBX has heard the phone. */
  async call(): Promise<PbxCall> {
    const digits = `601${++this.#calls}`;
    const { asterisk, bed } = this;
    const port = this.#transport === 'tls' ? asterisk.tlsPort : asterisk.port;
    const uri = `sip:${digits}@${asterisk.address}:${port};transport=${this.#transport}`;
    const { id } = await bed.phone.dial(uri);
    await bed.phone.becomes(id, 'established', 10_000);
    const call = new PbxCall(this, id, digits);
    await call.isHeard();
    return call;
  }

  /** Closes the phone's connections under its feet, both ends at once. */
  async cutConnections(): Promise<void> {
    const port = this.#transport === 'tls' ? this.asterisk.tlsPort : this.asterisk.port;
    await run('/usr/bin/ss', ['-K', '-t', `dport = :${port}`], { within: 5000 });
  }

  /** How many calls the PBX believes that there are. */
  async callsAtPbx(): Promise<number> {
    const channels = await this.asterisk.console('core show channels concise');
    return [...channels.matchAll(/^PJSIP\//gm)].length;
  }

  async hangUpAtPbx(): Promise<void> {
    await this.asterisk.hangUp(this.#name);
  }
}

/** A call of the phone with the PBX, which keeps what it hears in a file. */
export class PbxCall {
  readonly id: string;
  readonly #at: AsteriskBed;
  readonly #digits: string;

  constructor(at: AsteriskBed, id: string, digits: string) {
    this.#at = at;
    this.id = id;
    this.#digits = digits;
  }

  /** Seconds recorded by now. */
  async mark(): Promise<number> {
    const { samples, sampleRate } = await this.#at.asterisk.heard(this.#digits);
    return samples.length / sampleRate;
  }

  /** Waits until the PBX has recorded so much of the phone's microphone, from now on. */
  async isHeard(ms = 500): Promise<void> {
    const from = await this.mark();
    await until('the PBX to hear the phone', async () => (await this.heard(from)).presentMs >= ms, {
      within: 10_000,
      every: 100,
      signal: this.#at.bed.context.signal,
    });
  }

  /** What the PBX has recorded since then. */
  async heard(from: number): Promise<ReturnType<typeof silence>> {
    const { samples, sampleRate } = await this.#at.asterisk.heard(this.#digits);
    const audio = { sampleRate, samples: samples.subarray(Math.round(from * sampleRate)) };
    return silence(audio, [MICROPHONE_HZ]);
  }
}
