import type { GuestIdentity } from '../session/record.ts';
import type { Guests } from '../session/guests.ts';
import type { SettingsStore } from '../settings.ts';
import { readState, writeState, type SavedLease } from './state.ts';
import type { Wills } from './wills.ts';

/**
 * Keeps the file that lets the next engine know whose leases run and what their wills are. A write
 * that is under way takes what comes meanwhile along with the next one.
 */
export class Estate {
  readonly #store: SettingsStore;
  readonly #guests: Guests;
  readonly #wills: Wills;
  #written = '';
  #writing: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(store: SettingsStore, guests: Guests, wills: Wills) {
    this.#store = store;
    this.#guests = guests;
    this.#wills = wills;
    wills.on('changed', () => void this.save());
  }

  /** What an earlier engine left; the leases of its guests, so that they go on where they were. */
  async load(): Promise<ReadonlyMap<string, SavedLease>> {
    const state = readState(await this.#store.read());
    if (state === undefined) return new Map();
    this.#wills.restore(state);
    return new Map(state.leases.map((lease) => [lease.guest.instance, lease]));
  }

  /** Resolves when what holds now has been written. */
  async save(): Promise<void> {
    if (this.#closed) return;
    this.#again = true;
    this.#writing ??= this.#write();
    await this.#writing;
  }

  async close(): Promise<void> {
    await this.save();
    this.#closed = true;
  }

  async #write(): Promise<void> {
    // Never done before whoever began it has taken note of it.
    await Promise.resolve();
    while (this.#again) {
      this.#again = false;
      const state = writeState({ leases: this.#leases(), ...mutable(this.#wills.saved) });
      const text = JSON.stringify(state);
      if (text === this.#written) continue;
      // Nothing to be remembered is no file.
      if (this.#written === '' && isEmpty(state)) continue;
      await this.#store.write(state);
      this.#written = text;
    }
    this.#writing = undefined;
  }

  #leases(): SavedLease[] {
    return this.#guests.all
      .filter(({ instance, leaseEndsAt }) => leaseEndsAt !== undefined || this.#has(instance))
      .map(({ identity, leaseMs, leaseEndsAt }) => ({
        guest: identity satisfies GuestIdentity,
        leaseMs,
        ...(leaseEndsAt !== undefined && { endsAt: leaseEndsAt }),
      }));
  }

  #has(instance: string): boolean {
    return this.#wills.of(instance).length > 0;
  }
}

function isEmpty(state: { leases: object[]; wills: object[]; ended: object[] }): boolean {
  return state.leases.length + state.wills.length + state.ended.length === 0;
}

function mutable({ wills, ended }: Wills['saved']) {
  return { wills: [...wills], ended: [...ended] };
}
