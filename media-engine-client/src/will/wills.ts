import { Emitter, type Clock, type EventSource, type Logger } from '@offhook/common';
import type { EndedSession, LastWill, WillResult } from '@offhook/media-rpc';
import type { GuestIdentity } from '../session/record.ts';
import type { SavedEnd, SavedWill } from './state.ts';
import type { WillPolicy } from './will-policy.ts';
import type { WillSender } from './will-sender.ts';

/** A session that ends, or has ended, without its guest. */
export interface Bereft {
  readonly guest: GuestIdentity;
  readonly id: string;
  readonly label: string;
}

export interface WillsEvents {
  /** A session has ended without its guest, or its will has been answered. */
  ended: { readonly guest: GuestIdentity; readonly ended: EndedSession };
  /** There is something else to be saved. */
  changed: undefined;
}

export interface WillsOptions {
  readonly policy: WillPolicy;
  readonly send: WillSender;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Ended sessions that are remembered for guests that may return. */
const MAX_ENDED = 256;
const REMEMBERED_MS = 24 * 3600 * 1000;
/** Between one will and the next: nobody is flooded because a hundred calls end at once. */
const SPACING_MS = 20;

/** The wills that guests have deposited, how they are carried out, and what became of them. */
export class Wills implements EventSource<WillsEvents> {
  readonly #options: WillsOptions;
  readonly #events: Emitter<WillsEvents>;
  readonly #wills = new Map<string, SavedWill>();
  readonly #ended = new Map<string, SavedEnd>();
  readonly #closing = new AbortController();
  #nextAt = 0;

  constructor(options: WillsOptions) {
    this.#options = options;
    this.#events = new Emitter((error) =>
      options.logger.error({ err: error }, 'listener of wills failed'),
    );
  }

  on<K extends keyof WillsEvents>(name: K, listener: (event: WillsEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  get saved(): { readonly wills: readonly SavedWill[]; readonly ended: readonly SavedEnd[] } {
    return { wills: [...this.#wills.values()], ended: [...this.#ended.values()] };
  }

  /** Takes over what an earlier engine has saved. */
  restore(saved: { wills: readonly SavedWill[]; ended: readonly SavedEnd[] }): void {
    for (const will of saved.wills) this.#wills.set(keyOf(will.guest.instance, will.session), will);
    for (const { guest, ended } of saved.ended) {
      // Nobody listened for the answer of one that was on its way.
      const will: WillResult | undefined =
        ended.will?.outcome === 'sending' ? { ...ended.will, outcome: 'unanswered' } : ended.will;
      this.#remember({ guest, ended: { ...ended, ...(will && { will }) } });
    }
  }

  /** @throws `not-allowed`, `address-refused` */
  set({ guest, id, label }: Bereft, will: LastWill): void {
    this.#options.policy.check(will, guest);
    this.#wills.set(keyOf(guest.instance, id), { guest, session: id, label, will });
    this.#events.emit('changed', undefined);
  }

  remove(instance: string, id: string): void {
    if (this.#wills.delete(keyOf(instance, id))) this.#events.emit('changed', undefined);
  }

  has(instance: string, id: string): boolean {
    return this.#wills.has(keyOf(instance, id));
  }

  /** What the guest has deposited, also of sessions that went down with their worker. */
  of(instance: string): readonly Bereft[] {
    return [...this.#wills.values()]
      .filter(({ guest }) => guest.instance === instance)
      .map(({ guest, session, label }) => ({ guest, id: session, label }));
  }

  /** The session, and with it the will, is another instance's now. */
  move(id: string, from: GuestIdentity, to: GuestIdentity): void {
    const will = this.#wills.get(keyOf(from.instance, id));
    if (will === undefined) return;
    this.#wills.delete(keyOf(from.instance, id));
    this.#wills.set(keyOf(to.instance, id), { ...will, guest: to });
    this.#events.emit('changed', undefined);
  }

  endedOf(instance: string): readonly EndedSession[] {
    return this.ended.filter(({ guest }) => guest.instance === instance).map(({ ended }) => ended);
  }

  get ended(): readonly SavedEnd[] {
    const since = this.#options.clock.wall() - REMEMBERED_MS;
    return [...this.#ended.values()].filter(({ ended }) => ended.endedAt >= since);
  }

  /** The guest has learned of it. */
  forget(instance: string, id: string): void {
    if (this.#ended.delete(keyOf(instance, id))) this.#events.emit('changed', undefined);
  }

  /**
   * The guest is away and the session is over: remembers that, and sends the will if there is one.
   * Resolves when there is nothing more to wait for.
   */
  async execute({ guest, id, label }: Bereft): Promise<void> {
    const { logger, policy, clock } = this.#options;
    const key = keyOf(guest.instance, id);
    const will = this.#wills.get(key)?.will;
    this.#wills.delete(key);
    const ended: EndedSession = { id, label, endedAt: clock.wall() };
    if (will === undefined) {
      this.#tell({ guest, ended });
      return;
    }
    this.#tell({ guest, ended: { ...ended, will: { outcome: 'sending', attempts: 0 } } });
    let result: WillResult;
    try {
      // The thin client's rules may have changed since it was deposited.
      policy.check(will, guest);
      await this.#turn();
      result = await this.#options.send(will, { clock, signal: this.#closing.signal });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      result = { outcome: 'failed', attempts: 0, message: message.slice(0, 512) };
    }
    if (this.#closing.signal.aborted) return;
    const { address, port } = will.destination;
    logger.warn({ session: id, to: `${address}:${port}`, ...result }, 'last will of a guest');
    // The guest may have come back and learned of the end while it was on its way.
    if (this.#ended.has(key)) this.#tell({ guest, ended: { ...ended, will: result } });
  }

  /** Wills on their way are given up; idempotent. */
  close(): void {
    this.#closing.abort();
    this.#events.clear();
  }

  #tell(end: SavedEnd): void {
    this.#remember(end);
    this.#events.emit('changed', undefined);
    this.#events.emit('ended', end);
  }

  #remember(end: SavedEnd): void {
    const key = keyOf(end.guest.instance, end.ended.id);
    this.#ended.delete(key);
    this.#ended.set(key, end);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#ended.delete(oldest);
  }

  async #turn(): Promise<void> {
    const { clock } = this.#options;
    const now = clock.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + SPACING_MS;
    if (at === now) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(at - now, resolve);
    await promise;
  }
}

function keyOf(instance: string, id: string): string {
  return `${instance}/${id}`;
}
