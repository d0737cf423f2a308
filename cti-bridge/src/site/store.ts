import type { AdapterStatus } from '../adapter/adapter.ts';
import type { Call, CtiEvent, ModelSnapshot } from '../model/things.ts';
import type { LogEntry } from '../service/wire.ts';

/** The right to speak for a PBX, and to it. No two are ever alike. */
export interface Lease {
  readonly pbx: string;
  /** Names the epoch and the holder as well: one of an earlier life is good for nothing. */
  readonly token: string;
}

/** What a PBX's owner knows of it. */
export interface PbxState extends ModelSnapshot {
  /** Calls that went up in others, by their ids. */
  readonly merged: Readonly<Record<string, string>>;
}

/** An event that has no number yet, and what it changes in the state of its PBX. */
export interface Draft {
  readonly event: CtiEvent;
  readonly call?: Call;
  readonly change: Change;
}

/** Values by key, as `stateKeys` makes them; null for what is over. */
export type Change = Readonly<Record<string, object | string | null>>;

/** An event of the site's log. */
export interface SiteEntry {
  readonly pbx: string;
  readonly entry: LogEntry;
}

/** The whole of a site at one moment. */
export interface SiteStart {
  readonly epoch: string;
  /** The last event that `states` has in it. */
  readonly seq: number;
  readonly states: Readonly<Record<string, PbxState>>;
  /** The last events up to `seq`, for readers that come back. */
  readonly entries: readonly SiteEntry[];
}

export interface Beat {
  readonly leases: readonly Lease[];
  /** The node that has each PBX; one that nobody has is missing. */
  readonly owners: Readonly<Record<string, string>>;
  /** As their owners said last. */
  readonly statuses: Readonly<Record<string, AdapterStatus>>;
  /** Of how many PBXs each node is to take care at most, so that all have as many. */
  readonly share: number;
  readonly nodes: number;
}

export interface SiteListener {
  /** First of all, and again where the numbers begin anew or some events were missed. */
  start(start: SiteStart): void;
  /** In order, without a gap after what `start` said. */
  entries(entries: readonly SiteEntry[]): void;
  /** Another node's, once; after every event that the sender had appended before it. */
  message(message: unknown): void;
  /** The store cannot be reached (why), or can be again. */
  away(reason: string | undefined): void;
}

/**
 * What the bridges of a site share: who has which PBX, how things are there, and the log of events.
 * Every store passes the suite of src/site/conformance.ts.
 *
 * - A PBX has at most one valid lease. A lease ends `leaseMs` after the beat that gave or renewed it.
 * - `append` MUST be all or nothing, numbers events without gaps, and MUST reject with `fenced` once
 *   the lease has ended, however late the caller finds out.
 * - The state of a PBX MUST have exactly the changes of the events that are in the log.
 * - Every node is told the same events in the same order. Numbers MUST NOT be given twice in one
 *   epoch: a store that may have lost some MUST begin a new one.
 * - The log keeps at least `eventsKept` events, and MUST be bounded.
 * - What the store cannot do because it cannot be reached rejects with `site-gone`; it may have been
 *   done.
 * - `close` is idempotent; nothing is told after it.
 */
export interface SiteStore {
  /** This process, among those of the site. */
  readonly node: string;
  /** Infinity where nobody else could take over. */
  readonly leaseMs: number;
  open(listener: SiteListener): void;
  /**
   * Renews what this node has, takes what is free of `wanted` up to its share of `total`, and says
   * how its own are.
   */
  beat(asked: {
    readonly wanted: readonly string[];
    readonly total: number;
    readonly statuses: Readonly<Record<string, AdapterStatus>>;
  }): Promise<Beat>;
  release(lease: Lease): Promise<void>;
  /** The number of the last of them. */
  append(lease: Lease, drafts: readonly Draft[]): Promise<number>;
  load(pbx: string): Promise<PbxState>;
  /** To be read soon or never: nobody answers for a node that is gone. */
  send(node: string, message: object): Promise<void>;
  close(): Promise<void>;
}

export const stateKeys = {
  device: (id: string) => `d:${id}`,
  connection: (id: string) => `c:${id}`,
  merged: (id: string) => `m:${id}`,
};

/** The state that so many values by key are. */
export function stateOf(values: Iterable<readonly [string, object | string]>): PbxState {
  const state = { devices: [] as object[], connections: [] as object[] };
  const merged: Record<string, string> = {};
  for (const [key, value] of values) {
    if (typeof value === 'string') merged[key.slice(2)] = value;
    else if (key.startsWith('d:')) state.devices.push(value);
    else state.connections.push(value);
  }
  return { ...(state as ModelSnapshot), merged };
}
