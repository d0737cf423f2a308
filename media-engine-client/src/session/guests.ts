import type { Clock, Timer } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import type { EngineConfig } from '../config.ts';
import { RateLimit } from './rate-limit.ts';
import { limitedAs, type GuestIdentity } from './record.ts';

/** A guest as the engine knows it, connected or not. */
export interface Guest {
  readonly instance: string;
  /** As of its last connection. */
  readonly local: boolean;
  readonly leaseMs: number;
  readonly connections: number;
  /** Milliseconds since the epoch at which its sessions end; undefined while it is connected. */
  readonly leaseEndsAt: number | undefined;
  readonly identity: GuestIdentity;
  /** How long it was away before it came back, ms; undefined if it was not here before. */
  readonly awayMs: number | undefined;
  /** It is used here, and not at another thin client; undefined if it has not said. */
  readonly active: boolean | undefined;
}

/** An engine that died is back by then, if it comes back. */
const RESTART_MS = 10_000;
/** Connected, or with calls that wait for them. */
const MAX_GUESTS = 1000;

interface Entry {
  instance: string;
  local: boolean;
  leaseMs: number;
  connections: number;
  leaseEndsAt: number | undefined;
  identity: GuestIdentity;
  awayMs: number | undefined;
  active: boolean | undefined;
  timer: Timer | undefined;
}

export interface GuestsOptions {
  readonly policy: EngineConfig['policy'];
  readonly clock: Clock;
  /** Whether there is anything that the guest's lease keeps. */
  readonly hasSessions: (instance: string) => boolean;
  /** The guest has been away for its lease. */
  readonly onLeaseEnd: (instance: string) => void;
  /** `longestLeaseMs` is another one. */
  readonly onLongestLease?: (ms: number) => void;
  /** A guest with sessions came or went. */
  readonly onPresence?: () => void;
}

/** Who is there, and how long sessions outlive whoever is not: the leases. */
export class Guests {
  readonly #options: GuestsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #opens = new Map<string, RateLimit>();
  #longest: number;

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#longest = this.longestLeaseMs;
  }

  get all(): readonly Guest[] {
    return [...this.#entries.values()];
  }

  connected(instance: string): boolean {
    return (this.#entries.get(instance)?.connections ?? 0) > 0;
  }

  leaseMs(instance: string): number {
    return this.#entries.get(instance)?.leaseMs ?? this.#options.policy.lease * 1000;
  }

  /** How long calls have to last without an engine, so that each guest gets what it was granted. */
  get longestLeaseMs(): number {
    const granted = [...this.#entries.values()].map(({ leaseMs }) => leaseMs);
    return Math.max(RESTART_MS, this.grant(undefined), ...granted);
  }

  /**
   * Another connection of the guest. Returns the function that ends it.
   *
   * @throws `limit-reached` when there are too many guests.
   */
  connect(guest: GuestIdentity): () => void {
    if (!this.#entries.has(guest.instance) && this.#entries.size >= MAX_GUESTS) {
      throw mediaError('limit-reached', `The thin client has ${MAX_GUESTS} guests`);
    }
    const entry = this.#entry(guest);
    entry.local = guest.local;
    entry.identity = guest;
    entry.connections++;
    entry.timer?.cancel();
    if (entry.leaseEndsAt !== undefined) {
      const leftAt = entry.leaseEndsAt - entry.leaseMs;
      entry.awayMs = Math.max(0, this.#options.clock.wall() - leftAt);
      entry.leaseEndsAt = undefined;
      this.#options.onPresence?.();
    }
    let over = false;
    return () => {
      if (over) return;
      over = true;
      entry.connections--;
      if (entry.connections > 0) return;
      if (this.#options.hasSessions(entry.instance)) this.#startLease(entry);
      else this.#forget(entry);
    };
  }

  /** Wall clock at which its sessions end; undefined while it is here. */
  leaseEndsAt(instance: string): number | undefined {
    return this.#entries.get(instance)?.leaseEndsAt;
  }

  /** How long the guest was away before its present connection, ms. */
  awayMs(instance: string): number | undefined {
    return this.#entries.get(instance)?.awayMs;
  }

  /**
   * A guest that is known from its sessions only: its lease begins now, or goes on as an earlier
   * engine began it. A clock that was set meanwhile makes it no longer than it was.
   */
  expect(guest: GuestIdentity, leaseMs?: number, endsAt?: number): void {
    if (this.#entries.has(guest.instance)) return;
    const entry = this.#entry(guest);
    entry.leaseMs = this.grant(leaseMs);
    this.#startLease(entry, endsAt);
    this.#leasesChanged();
  }

  /** What the guest gets of the lease that it asks for, milliseconds. */
  setLease(instance: string, ms: number): number {
    const entry = this.#entries.get(instance);
    const granted = this.grant(ms);
    if (entry !== undefined) entry.leaseMs = granted;
    this.#leasesChanged();
    return granted;
  }

  setUse(instance: string, active: boolean): void {
    const entry = this.#entries.get(instance);
    if (entry === undefined || entry.active === active) return;
    entry.active = active;
    this.#options.onPresence?.();
  }

  /** Whether the guest, with all others of its peer, may set up another call in this second. */
  mayOpen(guest: GuestIdentity): boolean {
    const { policy, clock } = this.#options;
    const key = limitedAs(guest);
    const opens = this.#opens.get(key) ?? new RateLimit(policy.opens_per_second, clock);
    // The one used last is the last: those at the front are full again, or there are too many.
    this.#opens.delete(key);
    this.#opens.set(key, opens);
    const [oldest] = this.#opens.keys();
    if (this.#opens.size > MAX_GUESTS && oldest !== undefined) this.#opens.delete(oldest);
    return opens.take();
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
  }

  #entry(guest: GuestIdentity): Entry {
    const { instance, local } = guest;
    const entry = this.#entries.get(instance) ?? {
      instance,
      local,
      leaseMs: this.grant(undefined),
      connections: 0,
      leaseEndsAt: undefined,
      identity: guest,
      awayMs: undefined,
      active: undefined,
      timer: undefined,
    };
    this.#entries.set(instance, entry);
    return entry;
  }

  #startLease(entry: Entry, endsAt?: number): void {
    const { clock, onLeaseEnd, onPresence } = this.#options;
    const now = clock.wall();
    const left = Math.max(0, Math.min(entry.leaseMs, (endsAt ?? Infinity) - now));
    entry.leaseEndsAt = now + left;
    entry.timer?.cancel();
    entry.timer = clock.after(left, () => {
      this.#forget(entry);
      onLeaseEnd(entry.instance);
    });
    onPresence?.();
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.instance);
    this.#leasesChanged();
  }

  #leasesChanged(): void {
    const longest = this.longestLeaseMs;
    if (longest === this.#longest) return;
    this.#longest = longest;
    this.#options.onLongestLease?.(longest);
  }

  /** What is granted of a lease that is asked for, or if none is; milliseconds. */
  grant(askedMs: number | undefined): number {
    const { lease, min_lease: min, max_lease: max } = this.#options.policy;
    return Math.max(min * 1000, Math.min(askedMs ?? lease * 1000, max * 1000));
  }
}
