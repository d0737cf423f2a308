import { describeError, OffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import type { AdapterStatus } from '../adapter/adapter.ts';
import { OwnedPbx, type Pbx } from './owned-pbx.ts';
import type { Beat, Lease, SiteStore } from './store.ts';

export interface MembershipOptions {
  readonly pbxs: readonly Pbx[];
  readonly store: SiteStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After each change of who has what and how it is. */
  readonly onChange: () => void;
}

/** After a PBX could not be taken. */
const BACK_OFF_MS = 2000;
/** For requests that are under way when a PBX is handed over. */
const HAND_OVER_MS = 5000;

/**
 * Which PBXs this process has. It asks the store several times within a lease; when the store has
 * not answered until a lease ends, everything is let go at that moment.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #owned = new Map<string, OwnedPbx>();
  readonly #taking = new Set<string>();
  /** PBXs that could not be taken: until when others may try, and why. */
  readonly #failed = new Map<string, { readonly until: number; readonly reason: string }>();
  /** Tokens that are good for nothing any more, though the store may not know: by PBX. */
  readonly #spent = new Map<string, string>();
  #beat: Beat = { leases: [], owners: {}, statuses: {}, share: 0, nodes: 0 };
  #validUntil = -Infinity;
  #next: Timer | undefined;
  #expiry: Timer | undefined;
  #again = false;
  #beating: Promise<void> | undefined;
  #closed = false;
  #away: string | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  owned(pbx: string): OwnedPbx | undefined {
    return this.#owned.get(pbx);
  }

  get owners(): Readonly<Record<string, string>> {
    return this.#beat.owners;
  }

  /** Why the store does not answer; undefined when it does. */
  get away(): string | undefined {
    return this.#away;
  }

  /** Of every PBX of the configuration. */
  status(): Readonly<Record<string, AdapterStatus>> {
    return Object.fromEntries(this.#options.pbxs.map(({ name }) => [name, this.#statusOf(name)]));
  }

  /** Asks at once who has what, to begin with and whenever what is known may be too old. */
  async refresh(): Promise<void> {
    await this.#soon();
  }

  /** Idempotent: what this node has is free for others at once. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#next?.cancel();
    this.#expiry?.cancel();
    await this.#beating;
    await Promise.all([...this.#owned.keys()].map((pbx) => this.#handOver(pbx, 0)));
  }

  #statusOf(pbx: string): AdapterStatus {
    const own = this.#owned.get(pbx);
    if (own !== undefined) return own.status;
    if (this.#away !== undefined) return { up: false, reason: this.#away };
    const told = this.#beat.owners[pbx] === undefined ? undefined : this.#beat.statuses[pbx];
    const reason = this.#failed.get(pbx)?.reason ?? 'no bridge has it at the moment';
    return told ?? { up: false, reason };
  }

  /** Asks the store now, or once more when it is being asked. */
  #soon(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#again = this.#beating !== undefined;
    this.#beating ??= this.#ask().finally(() => {
      this.#beating = undefined;
      if (this.#again && !this.#closed) void this.#soon();
    });
    return this.#beating;
  }

  async #ask(): Promise<void> {
    const { store, clock, logger, onChange } = this.#options;
    this.#next?.cancel();
    const since = clock.now();
    const statuses = Object.fromEntries([...this.#owned].map(([pbx, { status }]) => [pbx, status]));
    try {
      const beat = await store.beat({
        wanted: this.#wanted(),
        total: this.#options.pbxs.length,
        statuses,
      });
      if (this.#closed) return;
      this.#away = undefined;
      this.#validUntil = since + store.leaseMs;
      this.#beat = beat;
      this.#take(beat);
    } catch (error) {
      const reason = describeError(error);
      if (this.#away !== reason) logger.warn({ reason }, 'the site cannot be reached');
      this.#away = reason;
    }
    this.#schedule();
    onChange();
  }

  #schedule(): void {
    const { store, clock } = this.#options;
    if (this.#closed || store.leaseMs === Infinity) return;
    this.#next?.cancel();
    this.#next = clock.after(store.leaseMs / 4, () => void this.#soon());
    this.#expiry?.cancel();
    const left = Math.max(0, this.#validUntil - clock.now());
    if (this.#owned.size > 0) this.#expiry = clock.after(left, () => this.#expired());
  }

  #wanted(): string[] {
    const now = this.#options.clock.now();
    return this.#options.pbxs
      .map(({ name }) => name)
      .filter((name) => (this.#failed.get(name)?.until ?? -Infinity) <= now);
  }

  #take({ leases, share, nodes }: Beat): void {
    const held = new Map(leases.map((lease) => [lease.pbx, lease]));
    for (const [pbx, owned] of this.#owned) {
      if (held.get(pbx)?.token !== owned.lease.token) this.#drop(pbx, 'another bridge has it');
    }
    for (const lease of leases) {
      const { pbx, token } = lease;
      if (this.#owned.has(pbx) || this.#taking.has(pbx)) continue;
      if (this.#spent.get(pbx) === token) this.#release(lease);
      else void this.#open(lease);
    }
    if (this.#owned.size <= share || nodes < 2 || this.#taking.size > 0) return;
    const [pbx = ''] = [...this.#owned.keys()].slice(-1);
    this.#options.logger.info({ pbx }, 'handing a PBX over to another bridge');
    void this.#handOver(pbx, HAND_OVER_MS);
  }

  #release(lease: Lease): void {
    void this.#options.store
      .release(lease)
      .then(() => this.#soon())
      .catch(() => undefined);
  }

  async #open(lease: Lease): Promise<void> {
    const { store, clock, logger, pbxs, onChange } = this.#options;
    const { pbx } = lease;
    this.#taking.add(pbx);
    try {
      const made = pbxs.find(({ name }) => name === pbx);
      if (made === undefined) throw new OffhookError('cti', 'not-found', `no PBX is called ${pbx}`);
      const state = await store.load(pbx);
      const opened = await made.open();
      if (this.#closed || !this.#isValid()) {
        await opened.adapter.close();
        await opened.close();
        return;
      }
      const owned: OwnedPbx = new OwnedPbx(
        {
          lease,
          store,
          clock,
          logger,
          isValid: () => this.#isValid(),
          onStatus: () => {
            onChange();
            if (store.leaseMs !== Infinity) void this.#soon();
          },
          onLost: (reason) => {
            if (this.#owned.get(pbx) === owned) this.#drop(pbx, reason.message);
          },
        },
        state,
        opened,
      );
      this.#owned.set(pbx, owned);
      this.#failed.delete(pbx);
      if (store.leaseMs !== Infinity) logger.info({ pbx }, 'this bridge has the PBX now');
      this.#schedule();
    } catch (error) {
      const reason = describeError(error);
      logger.error({ pbx, reason }, 'the PBX cannot be taken care of');
      this.#failed.set(pbx, { until: clock.now() + BACK_OFF_MS, reason });
      this.#next?.cancel();
      this.#next = clock.after(BACK_OFF_MS, () => void this.#soon());
      await store.release(lease).catch(() => undefined);
    } finally {
      this.#taking.delete(pbx);
    }
  }

  #isValid(): boolean {
    return this.#options.clock.now() < this.#validUntil;
  }

  #expired(): void {
    if (this.#isValid()) return;
    for (const pbx of this.#owned.keys()) this.#drop(pbx, 'the lease has ended');
    this.#options.onChange();
  }

  /** At once and without a word to anybody: it may be somebody else's already. */
  #drop(pbx: string, reason: string): void {
    const owned = this.#owned.get(pbx);
    this.#owned.delete(pbx);
    if (owned === undefined) return;
    this.#options.logger.warn({ pbx, reason }, 'this bridge no longer has the PBX');
    this.#spent.set(pbx, owned.lease.token);
    void owned.close({ flush: false });
    // Where the lease is still ours, nobody has to wait for its end.
    if (!this.#closed) this.#release(owned.lease);
  }

  async #handOver(pbx: string, withinMs: number): Promise<void> {
    const owned = this.#owned.get(pbx);
    if (owned === undefined) return;
    this.#owned.delete(pbx);
    this.#taking.add(pbx);
    try {
      await this.#idle(owned, withinMs);
      await owned.close({ flush: true });
      await this.#options.store.release(owned.lease);
    } catch (error) {
      this.#options.logger.warn({ pbx, reason: describeError(error) }, 'the hand-over failed');
    } finally {
      this.#taking.delete(pbx);
    }
  }

  /** Waits until no request is under way, while the lease is renewed. */
  async #idle(owned: OwnedPbx, withinMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.now() + withinMs;
    while (owned.requests > 0 && clock.now() < until) {
      await new Promise<void>((resolve) => void clock.after(50, resolve));
    }
  }
}
