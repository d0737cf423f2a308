import { BoundedMap } from './bounded-map.ts';
import { ConnectionTable } from './connection-table.ts';
import type {
  ClearedFact,
  ConnectionFact,
  Fact,
  MergedFact,
  SnapshotFact,
  TransferredFact,
} from './facts.ts';
import type { EventCause } from './terms.ts';
import type { Call, Connection, CtiEvent, Device, ModelSnapshot } from './things.ts';
import { eventOf, mayBecome } from './transition.ts';

/** How many cleared connections and merged calls are remembered, against facts that come late. */
const REMEMBERED = 4096;

/**
 * The devices, connections and calls of one adapter, as CSTA sees them. It does no I/O: facts go in,
 * events come out, and the same facts always give the same events. Facts may come late, twice or
 * never; what is told of a connection that is over is ignored.
 */
export class CallModel {
  readonly #connections = new ConnectionTable();
  readonly #devices = new Map<string, Device>();
  readonly #revisions = new Map<string, number>();
  readonly #cleared = new BoundedMap<string, true>(REMEMBERED);
  /** Where the connections of a call went: merged call → the one that it is part of now. */
  readonly #aliases = new BoundedMap<string, string>(REMEMBERED);

  /** Takes a fact at `at` (wall-clock milliseconds) and tells what it changed. */
  apply(fact: Fact, at: number): readonly CtiEvent[] {
    switch (fact.kind) {
      case 'connection':
        return this.#connection(fact, at);
      case 'cleared':
        return this.#clear(fact, at);
      case 'merged':
        return this.#merge(fact, at);
      case 'transferred':
        return this.#transferred(fact, at);
      case 'digits':
        return this.#digits(fact.key, fact.digits, at);
      case 'device':
        return this.#device(fact.device, at);
      case 'deviceRemoved':
        return this.#removeDevice(fact.id, at);
      case 'snapshot':
        return this.#snapshot(fact, at);
      default:
        return fact satisfies never;
    }
  }

  /** The id that a call has now: its own, or that of the call that it went up in. */
  callId(key: string): string {
    let id = key;
    for (let next = this.#aliases.get(id); next !== undefined; next = this.#aliases.get(id)) {
      id = next;
    }
    return id;
  }

  call(id: string): Call | undefined {
    const current = this.callId(id);
    if (!this.#connections.hasCall(current)) return undefined;
    return { id: current, connections: this.#connections.ofCall(current) };
  }

  calls(): readonly Call[] {
    return this.#connections.calls();
  }

  connection(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  connectionsOf(device: string): readonly Connection[] {
    return this.#connections.ofDevice(device);
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  devices(): readonly Device[] {
    return [...this.#devices.values()];
  }

  snapshot(): ModelSnapshot {
    return { devices: [...this.#devices.values()], connections: this.#connections.all() };
  }

  /**
   * Begins with what another process knew: what the adapter's first snapshot says otherwise is told
   * as events. `merged`: calls that went up in others.
   */
  restore({ devices, connections }: ModelSnapshot, merged: Iterable<readonly [string, string]>) {
    for (const device of devices) this.#devices.set(device.id, device);
    for (const connection of connections) this.#connections.put(connection);
    for (const [from, into] of merged) if (from !== into) this.#aliases.set(from, into);
  }

  #connection(fact: ConnectionFact, at: number): CtiEvent[] {
    if (this.#cleared.has(fact.key)) return [];
    const before = this.#connections.get(fact.key);
    if (this.#isStale(fact)) return [];
    if (before === undefined) return [this.#begin(fact, at)];
    return this.#update(before, fact, at);
  }

  #isStale({ key, revision }: ConnectionFact): boolean {
    if (revision === undefined) return false;
    if (revision <= (this.#revisions.get(key) ?? -Infinity)) return true;
    this.#revisions.set(key, revision);
    return false;
  }

  #begin(fact: ConnectionFact, at: number): CtiEvent {
    const connection: Connection = {
      id: fact.key,
      call: this.callId(fact.call),
      ...(fact.device === undefined ? {} : { device: fact.device }),
      party: fact.party ?? {},
      role: fact.role,
      state: fact.state,
      cause: fact.cause ?? 'newCall',
      since: at,
    };
    this.#connections.put(connection);
    const type = eventOf('null', fact.state, fact.role) ?? 'connectionChanged';
    return { type, cause: connection.cause, at, call: connection.call, connection };
  }

  #update(before: Connection, fact: ConnectionFact, at: number): CtiEvent[] {
    const party = { ...before.party, ...fact.party };
    const toward = fact.state;
    const moves = mayBecome(before.state, toward) && before.state !== toward;
    const type = moves ? eventOf(before.state, toward, fact.role) : undefined;
    const named = party.number !== before.party.number || party.name !== before.party.name;
    if (type === undefined && !named) return [];
    const cause = moves ? (fact.cause ?? 'normal') : before.cause;
    const connection: Connection = {
      ...before,
      party,
      role: fact.role,
      ...(moves ? { state: toward, since: at, cause } : {}),
    };
    this.#connections.put(connection);
    return [{ type: type ?? 'connectionChanged', cause, at, call: connection.call, connection }];
  }

  #clear(fact: ClearedFact, at: number): CtiEvent[] {
    const before = this.#connections.get(fact.key);
    // Also one that nobody has heard of yet: what is still on its way about it comes too late.
    this.#cleared.set(fact.key, true);
    this.#revisions.delete(fact.key);
    if (before === undefined) return [];
    this.#connections.delete(before.id);
    const cause = fact.cause ?? 'normalClearing';
    const connection: Connection = { ...before, state: 'null', cause, since: at };
    const type = fact.diverted === true ? 'diverted' : 'connectionCleared';
    return [{ type, cause, at, call: before.call, connection }];
  }

  #merge(fact: MergedFact, at: number): CtiEvent[] {
    const from = this.callId(fact.from);
    const into = this.callId(fact.into);
    if (from === into) return [];
    const moved = this.#connections.ofCall(from).map((one) => ({
      ...one,
      call: into,
    }));
    this.#aliases.set(from, into);
    for (const connection of moved) this.#connections.put(connection);
    // Nobody has heard of either call yet: there is nothing to tell, but both are one from now on.
    if (moved.length === 0 && !this.#connections.hasCall(into)) return [];
    return [
      {
        type: fact.reason === 'transfer' ? 'transferred' : 'conferenced',
        cause: fact.reason,
        at,
        call: into,
        fromCall: from,
        moved,
        ...(fact.by === undefined ? {} : { by: fact.by }),
      },
    ];
  }

  #transferred(fact: TransferredFact, at: number): CtiEvent[] {
    const id = this.callId(fact.call);
    if (!this.#connections.hasCall(id)) return [];
    const by = fact.by === undefined ? {} : { by: fact.by };
    return [{ type: 'transferred', cause: 'singleStepTransfer', at, call: id, moved: [], ...by }];
  }

  #digits(key: string, digits: string, at: number): CtiEvent[] {
    const connection = this.#connections.get(key);
    if (connection === undefined) return [];
    const { call } = connection;
    return [{ type: 'digitsGenerated', cause: 'normal', at, call, connection, digits }];
  }

  #device(device: Device, at: number): CtiEvent[] {
    const before = this.#devices.get(device.id);
    if (before !== undefined && same(before, device)) return [];
    this.#devices.set(device.id, device);
    return [{ type: 'deviceChanged', cause: 'systemInitiated', at, device }];
  }

  #removeDevice(id: string, at: number): CtiEvent[] {
    const device = this.#devices.get(id);
    if (device === undefined) return [];
    this.#devices.delete(id);
    return [{ type: 'deviceRemoved', cause: 'systemInitiated', at, device }];
  }

  #snapshot(fact: SnapshotFact, at: number): CtiEvent[] {
    const devices = new Set(fact.devices.map(({ id }) => id));
    const keys = new Set(fact.connections.map(({ key }) => key));
    const gone = this.#connections
      .all()
      .map(({ id }) => id)
      .filter((key) => !keys.has(key));
    const cause: EventCause = 'systemInitiated';
    const events = [
      ...fact.devices.flatMap((one) => this.#device(one, at)),
      ...fact.connections.flatMap((one) => this.#resume(one, at)),
      ...gone.flatMap((key) => this.#clear({ kind: 'cleared', key, cause }, at)),
      ...[...this.#devices.keys()]
        .filter((id) => !devices.has(id))
        .flatMap((id) => this.#removeDevice(id, at)),
    ];
    // Nothing late comes after a snapshot, and a PBX that was started anew may use names again.
    this.#cleared.filter(() => false);
    this.#aliases.filter((_, call) => this.#connections.hasCall(this.callId(call)));
    return events;
  }

  /** A snapshot is believed where facts that come one by one are not: it is how things are. */
  #resume(fact: ConnectionFact, at: number): CtiEvent[] {
    this.#cleared.delete(fact.key);
    this.#revisions.delete(fact.key);
    const before = this.#connections.get(fact.key);
    if (before === undefined || mayBecome(before.state, fact.state)) {
      return [...this.#rejoin(before, fact, at), ...this.#connection(fact, at)];
    }
    return [
      ...this.#clear({ kind: 'cleared', key: fact.key, cause: 'systemInitiated' }, at),
      ...this.#resume(fact, at),
    ];
  }

  /** While nobody listened, a connection may have gone over to another call. */
  #rejoin(before: Connection | undefined, fact: ConnectionFact, at: number): CtiEvent[] {
    const into = this.callId(fact.call);
    if (before === undefined || before.call === into) return [];
    const moved: Connection = { ...before, call: into };
    this.#connections.put(moved);
    if (!this.#connections.hasCall(before.call)) this.#aliases.set(before.call, into);
    const cause: EventCause = 'transfer';
    return [{ type: 'transferred', cause, at, call: into, fromCall: before.call, moved: [moved] }];
  }
}

function same(a: Device, b: Device): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
