import type { ConnectionRole, ConnectionState, EventCause } from './terms.ts';
import type { Device, Party } from './things.ts';

/**
 * What an adapter tells the model. A fact says how things are, not what to do: told twice it changes
 * nothing, and one that never came is made up for by the next, or by a snapshot.
 */

export interface ConnectionFact {
  readonly kind: 'connection';
  /** The adapter's name of the connection; it becomes the connection's id. */
  readonly key: string;
  /** The adapter's name of the call; the first one becomes the call's id. */
  readonly call: string;
  readonly device?: string | undefined;
  readonly party?: Party;
  readonly role: ConnectionRole;
  readonly state: Exclude<ConnectionState, 'null'>;
  readonly cause?: EventCause;
  /** Grows with each fact of this connection, where the source numbers them; older ones are dropped. */
  readonly revision?: number;
}

export interface ClearedFact {
  readonly kind: 'cleared';
  readonly key: string;
  readonly cause?: EventCause;
  /** The call went on elsewhere instead of ending: told as `diverted`. */
  readonly diverted?: boolean;
}

/** Two calls became one: the connections of `from` are in `into` now. */
export interface MergedFact {
  readonly kind: 'merged';
  readonly from: string;
  readonly into: string;
  readonly reason: 'transfer' | 'conference';
  readonly by?: string | undefined;
}

/** A transfer that needs no second call: `by` handed the call on. */
export interface TransferredFact {
  readonly kind: 'transferred';
  readonly call: string;
  readonly by?: string | undefined;
}

export interface DigitsFact {
  readonly kind: 'digits';
  readonly key: string;
  readonly digits: string;
}

export interface DeviceFact {
  readonly kind: 'device';
  readonly device: Device;
}

export interface DeviceRemovedFact {
  readonly kind: 'deviceRemoved';
  readonly id: string;
}

/** All there is, by one adapter: what of its own is not named is over. */
export interface SnapshotFact {
  readonly kind: 'snapshot';
  readonly connections: readonly ConnectionFact[];
  readonly devices: readonly Device[];
}

export type Fact =
  | ConnectionFact
  | ClearedFact
  | MergedFact
  | TransferredFact
  | DigitsFact
  | DeviceFact
  | DeviceRemovedFact
  | SnapshotFact;
