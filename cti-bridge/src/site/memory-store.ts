import { randomUUID } from 'node:crypto';
import { OffhookError, type Clock } from '@offhook/common';
import type { AdapterStatus } from '../adapter/adapter.ts';
import { EventLog } from './event-log.ts';
import { fenced } from './errors.ts';
import {
  stateOf,
  type Beat,
  type Draft,
  type Lease,
  type PbxState,
  type SiteEntry,
  type SiteListener,
  type SiteStore,
} from './store.ts';

interface Holding {
  readonly node: string;
  readonly token: string;
  until: number;
}

export interface MemorySiteOptions {
  readonly clock: Clock;
  readonly eventsKept: number;
  readonly leaseMs?: number;
  readonly epoch?: string;
}

/** A site in the memory of one process: with one node the default, with more of them for tests. */
export class MemorySite {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly log: EventLog<SiteEntry>;
  readonly nodes = new Map<string, { listener: SiteListener; until: number }>();
  readonly holdings = new Map<string, Holding>();
  readonly statuses = new Map<string, AdapterStatus>();
  readonly #states = new Map<string, Map<string, object | string>>();
  #tokens = 0;

  constructor(options: MemorySiteOptions) {
    this.clock = options.clock;
    this.leaseMs = options.leaseMs ?? Infinity;
    this.log = new EventLog({ epoch: options.epoch ?? randomUUID(), limit: options.eventsKept });
  }

  /** Takes part as one more bridge. */
  join(node: string = randomUUID()): SiteStore {
    return new MemoryStore(this, node);
  }

  token(): string {
    return `${this.log.epoch}:${++this.#tokens}`;
  }

  holding(pbx: string): Holding | undefined {
    const found = this.holdings.get(pbx);
    if (found === undefined || found.until > this.clock.now()) return found;
    this.holdings.delete(pbx);
    return undefined;
  }

  state(pbx: string): Map<string, object | string> {
    const found = this.#states.get(pbx) ?? new Map<string, object | string>();
    this.#states.set(pbx, found);
    return found;
  }

  states(): Record<string, PbxState> {
    return Object.fromEntries([...this.#states].map(([pbx, values]) => [pbx, stateOf(values)]));
  }
}

class MemoryStore implements SiteStore {
  readonly node: string;
  readonly leaseMs: number;
  readonly #site: MemorySite;
  #closed = false;

  constructor(site: MemorySite, node: string) {
    this.#site = site;
    this.node = node;
    this.leaseMs = site.leaseMs;
  }

  open(listener: SiteListener): void {
    const { nodes, log } = this.#site;
    nodes.set(this.node, { listener, until: 0 });
    listener.start({ ...log.position, states: this.#site.states(), entries: log.all() });
  }

  async beat({ wanted, total, statuses }: Parameters<SiteStore['beat']>[0]): Promise<Beat> {
    this.#demandOpen();
    const site = this.#site;
    const until = site.clock.now() + site.leaseMs;
    const self = site.nodes.get(this.node);
    if (self !== undefined) self.until = until;
    const nodes = [...site.nodes.values()].filter((one) => one.until > site.clock.now()).length;
    const share = Math.ceil(total / Math.max(1, nodes));
    for (const [pbx, status] of Object.entries(statuses)) {
      if (site.holding(pbx)?.node === this.node) site.statuses.set(pbx, status);
    }
    for (const holding of site.holdings.values()) {
      if (holding.node === this.node && holding.until > site.clock.now()) holding.until = until;
    }
    for (const pbx of wanted) {
      if (this.#leases().length >= share) break;
      if (site.holding(pbx) !== undefined) continue;
      site.holdings.set(pbx, { node: this.node, token: site.token(), until });
    }
    const owners = [...site.holdings.keys()].flatMap((pbx) => {
      const holding = site.holding(pbx);
      return holding === undefined ? [] : [[pbx, holding.node] as const];
    });
    return {
      leases: this.#leases(),
      owners: Object.fromEntries(owners),
      statuses: Object.fromEntries(site.statuses),
      share,
      nodes,
    };
  }

  async release(lease: Lease): Promise<void> {
    if (this.#holds(lease)) this.#site.holdings.delete(lease.pbx);
  }

  async append(lease: Lease, drafts: readonly Draft[]): Promise<number> {
    this.#demandOpen();
    if (!this.#holds(lease)) throw fenced(lease.pbx);
    const { log, nodes } = this.#site;
    const state = this.#site.state(lease.pbx);
    const entries = drafts.map(({ change, ...draft }) => {
      for (const [key, value] of Object.entries(change)) {
        if (value === null) state.delete(key);
        else state.set(key, value);
      }
      const entry = { seq: log.position.seq + 1, ...draft };
      log.append({ pbx: lease.pbx, entry });
      return { pbx: lease.pbx, entry };
    });
    for (const { listener } of nodes.values()) listener.entries(entries);
    return log.position.seq;
  }

  async load(pbx: string): Promise<PbxState> {
    return stateOf(this.#site.state(pbx));
  }

  async send(node: string, message: object): Promise<void> {
    this.#demandOpen();
    const listener = this.#site.nodes.get(node)?.listener;
    // As over a network: neither at once nor by reference.
    queueMicrotask(() => listener?.message(JSON.parse(JSON.stringify(message))));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#site.nodes.delete(this.node);
  }

  #leases(): Lease[] {
    return [...this.#site.holdings].flatMap(([pbx, { node, token }]) =>
      node === this.node && this.#site.holding(pbx) !== undefined ? [{ pbx, token }] : [],
    );
  }

  #holds({ pbx, token }: Lease): boolean {
    return this.#site.holding(pbx)?.token === token;
  }

  #demandOpen(): void {
    if (this.#closed) throw new OffhookError('cti', 'closed', 'the site was left');
  }
}
