import { z } from 'zod';

/** https://specifications.freedesktop.org/mpris-spec: names of players, and what is asked of them. */
const PREFIX = 'org.mpris.MediaPlayer2.';
const PATH = '/org/mpris/MediaPlayer2';
const PLAYER = 'org.mpris.MediaPlayer2.Player';
const MAX_PLAYERS = 32;

/** The calls of the bus that this needs. */
export interface PlayerBus {
  names(): Promise<readonly string[]>;
  /** The unique name: who has the well-known one now. */
  owner(name: string): Promise<string>;
  property(name: string, path: string, iface: string, property: string): Promise<unknown>;
  call(name: string, path: string, iface: string, member: string): Promise<unknown>;
}

/**
 * Players that play are paused when a call begins, and only those play on after the last one: unless
 * the person has started, stopped or closed them meanwhile.
 */
export class Players {
  readonly #bus: PlayerBus;
  /** Unique names of those that were paused here. */
  #paused = new Set<string>();
  /** One change after the other, however fast calls come and go. */
  #work: Promise<void> = Promise.resolve();
  #wanted = false;

  constructor(bus: PlayerBus) {
    this.#bus = bus;
  }

  /** Whether a call is up. Resolves when the players have followed. */
  inCall(now: boolean): Promise<void> {
    if (now === this.#wanted) return this.#work;
    this.#wanted = now;
    this.#work = this.#work.then(() => (now ? this.#pause() : this.#resume()));
    return this.#work;
  }

  async #pause(): Promise<void> {
    const names = (await this.#bus.names().catch(() => []))
      .filter((name) => name.startsWith(PREFIX))
      .slice(0, MAX_PLAYERS);
    await Promise.all(
      names.map(async (name) => {
        if ((await this.#status(name)) !== 'Playing') return;
        const owner = await this.#bus.owner(name).catch(() => undefined);
        const done = await this.#ask(name, 'Pause');
        if (owner !== undefined && done) this.#paused.add(owner);
      }),
    );
  }

  async #resume(): Promise<void> {
    const paused = this.#paused;
    this.#paused = new Set();
    await Promise.all(
      [...paused].map(async (owner) => {
        if ((await this.#status(owner)) === 'Paused') await this.#ask(owner, 'Play');
      }),
    );
  }

  /** A player that does not answer, or says nonsense, is left alone. */
  async #status(name: string): Promise<string | undefined> {
    const value = await this.#bus
      .property(name, PATH, PLAYER, 'PlaybackStatus')
      .catch(() => undefined);
    return z.string().safeParse(value).data;
  }

  #ask(name: string, member: 'Pause' | 'Play'): Promise<boolean> {
    return this.#bus.call(name, PATH, PLAYER, member).then(
      () => true,
      () => false,
    );
  }
}
