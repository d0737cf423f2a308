import { isDeepStrictEqual } from 'node:util';
import type { SessionState } from '@offhook/media-rpc';
import type { LegConfig, MediaPlane, RtpSockets, TransportAddress } from '../media-plane.ts';
import { sends } from '../sdp/direction.ts';
import type { MediaSession } from './machine.ts';
import { DtmfCommands } from './dtmf-commands.ts';
import type { GuestIdentity } from './record.ts';
import { SilenceWatch } from './silence-watch.ts';
import { sessionState, type Surroundings } from './view.ts';

/** One session together with its sockets and its leg in the worker. */
export class LiveSession {
  readonly sockets: RtpSockets;
  guest: GuestIdentity;
  /** How long it outlives the guest's connection, as last written down. */
  leaseMs: number;
  data: MediaSession;
  background = false;
  /** Neither guest nor peer are there: the call has most likely gone on without us. */
  deserted = false;
  recovering = false;
  sendingTo: TransportAddress | undefined;
  /** A source was latched on that the policy does not allow. */
  latchingRefused = false;
  readonly dtmf = new DtmfCommands();
  readonly silence = new SilenceWatch();
  readonly #plane: MediaPlane;
  #wanted: LegConfig | undefined;
  #leg: Promise<void> = Promise.resolve();
  #pending: Promise<void> = Promise.resolve();

  constructor(
    plane: MediaPlane,
    facts: {
      guest: GuestIdentity;
      leaseMs: number;
      data: MediaSession;
      sockets: RtpSockets;
      leg?: LegConfig | undefined;
    },
  ) {
    this.#plane = plane;
    this.guest = facts.guest;
    this.leaseMs = facts.leaseMs;
    this.data = facts.data;
    this.sockets = facts.sockets;
    this.#wanted = facts.leg;
  }

  get id(): string {
    return this.data.id;
  }

  /** Something has been agreed, so that there is audio to send and to play. */
  get hasAudio(): boolean {
    return this.data.inForce !== undefined && !this.data.hungUp;
  }

  /** What is said at the thin client goes to this call. */
  get microphone(): boolean {
    return this.#wanted !== undefined && !this.#wanted.muted && sends(this.#wanted.direction);
  }

  get state(): SessionState {
    return sessionState(this.data, this.surroundings);
  }

  get surroundings(): Surroundings {
    const { background, deserted, recovering, sendingTo } = this;
    return { background, deserted, recovering, sendingTo };
  }

  /** Resolves when the leg is what it should be, rejects if it could not be made so. */
  get leg(): Promise<void> {
    return this.#leg;
  }

  /** Resolves when everything that was asked for so far has been carried out. */
  async inLine(): Promise<void> {
    await this.#pending;
    await this.#leg;
  }

  /** What is about to be done for the session, and has not reached its leg yet. */
  set pending(work: Promise<void>) {
    this.#pending = work;
  }

  /**
   * Makes the leg what it should be: changes follow each other in order, an unchanged one costs
   * nothing (false).
   */
  setLeg(config: LegConfig | undefined): boolean {
    if (isDeepStrictEqual(config, this.#wanted)) return false;
    if (!isDeepStrictEqual(config?.remote, this.#wanted?.remote)) this.sendingTo = undefined;
    this.#wanted = config;
    this.#leg = this.#apply(this.#leg, config);
    // Whoever waits sees the error; a leg that nobody waits for is not an unhandled one.
    this.#leg.catch(() => undefined);
    return true;
  }

  async #apply(before: Promise<void>, config: LegConfig | undefined): Promise<void> {
    await before.catch(() => undefined);
    try {
      if (config === undefined) await this.#plane.closeLeg(this.sockets.id);
      else await this.#plane.setLeg(config);
    } catch (error) {
      // What the plane has is not known: the same configuration must be tried again.
      if (this.#wanted === config) this.#wanted = undefined;
      throw error;
    }
  }
}
