import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { MediaPeer, type MediaPeerOptions } from '../media/media-peer.ts';
import { freePorts } from '../infra/ports.ts';
import { Scope } from '../infra/scope.ts';
import { Sipp, type SippOptions } from '../infra/sipp.ts';
import { seedThatLoses, UdpRelay } from '../infra/udp-relay.ts';
import type { EngineProcess } from '../phone/engine-process.ts';
import type { GuestProcess } from '../phone/guest-process.ts';
import type { Phone } from '../phone/phone.ts';

/** What the far end plays, unless a scenario says otherwise. */
export const FAR_END_HZ = 1000;

export interface StageParts {
  readonly id: string;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly network: {
    readonly transport: 'udp' | 'tcp';
    readonly address: string;
    readonly loss: number;
  };
  readonly engine: EngineProcess | undefined;
  readonly guest: GuestProcess | undefined;
}

export type PeerOptions = Partial<Omit<SippOptions, 'scenario' | 'directory' | 'name'>> & {
  /** For a second SIPp of one scenario. */
  readonly name?: string;
};

/** What a scenario has at hand. Everything it starts here is stopped when it is over. */
export class Stage {
  readonly scope = new Scope();
  readonly #parts: StageParts;
  readonly #sipps: Sipp[] = [];

  constructor(parts: StageParts) {
    this.#parts = parts;
  }

  get id(): string {
    return this.#parts.id;
  }

  get directory(): string {
    return this.#parts.directory;
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  get network(): StageParts['network'] {
    return this.#parts.network;
  }

  get engine(): EngineProcess {
    if (this.#parts.engine === undefined) throw new Error('this scenario has no engine');
    return this.#parts.engine;
  }

  get guest(): GuestProcess {
    if (this.#parts.guest === undefined) throw new Error('this scenario has no phone');
    return this.#parts.guest;
  }

  get phone(): Phone {
    return this.guest.phone;
  }

  /** `-timewait` in effect: how long a lossy peer stays to answer what is repeated. */
  get linger(): number {
    return this.network.loss > 0 ? 4000 : 50;
  }

  /** A far end that waits to be called. */
  async answering(scenario: string, options: PeerOptions = {}): Promise<Sipp> {
    const { address, loss } = this.network;
    const port = await freePorts(2);
    const relay =
      loss === 0
        ? undefined
        : this.scope.use(
            await UdpRelay.open({ address, target: { address, port }, loss, seed: this.#seed() }),
          );
    return this.#start({
      ...(relay === undefined ? {} : { contact: { address, port: relay.port } }),
      port,
      ...options,
      scenario,
    });
  }

  /** A far end that calls the phone. */
  async calling(scenario: string, options: PeerOptions = {}): Promise<Sipp> {
    const { address, loss } = this.network;
    const target = options.remote ?? { address, port: this.guest.port };
    if (loss === 0) return this.#start({ ...options, scenario, remote: target });
    const relay = this.scope.use(
      await UdpRelay.open({ address, target, loss, seed: this.#seed() }),
    );
    return this.#start({
      contact: { address, port: relay.backPort },
      ...options,
      remote: { address, port: relay.port },
      scenario,
    });
  }

  /** The far end's sound. */
  async media(options: Partial<MediaPeerOptions> = {}): Promise<MediaPeer> {
    return this.scope.use(
      await MediaPeer.open({ address: this.network.address, toneHz: FAR_END_HZ, ...options }),
    );
  }

  note(text: string): void {
    appendFileSync(join(this.directory, 'notes.txt'), `${text}\n`);
  }

  /** What each SIPp saw, for a report of failure. */
  explain(): string {
    return this.#sipps.map((sipp) => sipp.explain()).join('\n');
  }

  async #start(options: PeerOptions & { scenario: string }): Promise<Sipp> {
    const { name = `sipp${this.#sipps.length === 0 ? '' : this.#sipps.length}`, ...rest } = options;
    const sipp = await Sipp.start(
      {
        transport: this.network.transport,
        address: this.network.address,
        ...rest,
        directory: this.directory,
        name,
      },
      this.signal,
    );
    this.#sipps.push(sipp);
    return this.scope.use(sipp);
  }

  /** The same loss in every run of one scenario. */
  #seed(): number {
    let hash = 2_166_136_261;
    for (const letter of `${this.id}/${this.#sipps.length}`)
      hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619) >>> 0;
    // A scenario of few packets is to lose some, too.
    return seedThatLoses(this.network.loss, hash);
  }
}
