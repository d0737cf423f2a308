import type { LiveSession } from './live-session.ts';
import { limitedAs, type GuestIdentity } from './record.ts';

/** Which sessions there are. Ids are unique among those of one guest. */
export class SessionTable {
  readonly #sessions = new Set<LiveSession>();

  get size(): number {
    return this.#sessions.size;
  }

  get all(): readonly LiveSession[] {
    return [...this.#sessions];
  }

  has(session: LiveSession): boolean {
    return this.#sessions.has(session);
  }

  of(guest: string): readonly LiveSession[] {
    return this.all.filter((session) => session.guest.instance === guest);
  }

  /** Those that count together with the guest's own. */
  limitedWith(guest: GuestIdentity): readonly LiveSession[] {
    return this.all.filter((session) => limitedAs(session.guest) === limitedAs(guest));
  }

  find(guest: string, id: string): LiveSession | undefined {
    return this.of(guest).find((session) => session.id === id);
  }

  bySockets(id: string): LiveSession | undefined {
    return this.all.find((session) => session.sockets.id === id);
  }

  add(session: LiveSession): void {
    this.#sessions.add(session);
  }

  /** False when it was not there (any more). */
  delete(session: LiveSession): boolean {
    return this.#sessions.delete(session);
  }
}
