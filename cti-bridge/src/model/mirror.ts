import { ConnectionTable } from './connection-table.ts';
import type { Call, Connection, CtiEvent, Device, ModelSnapshot } from './things.ts';

/**
 * The far end of the event stream: a snapshot, kept up to date by the events since. Clients and the
 * bridges of a site show devices and calls with it; the tests prove with it that nothing is missing
 * in the events.
 */
export class Mirror {
  readonly #connections = new ConnectionTable();
  readonly #devices = new Map<string, Device>();

  constructor(snapshot: ModelSnapshot = { devices: [], connections: [] }) {
    this.reset(snapshot);
  }

  /** Forgets what it knew for what the snapshot says. */
  reset(snapshot: ModelSnapshot): void {
    this.#connections.clear();
    this.#devices.clear();
    for (const one of snapshot.devices) this.#devices.set(one.id, one);
    for (const one of snapshot.connections) this.#connections.put(one);
  }

  /** Takes the next event; `call` as it came along with it, for a reader who sees some devices only. */
  apply(event: CtiEvent, call?: Call): void {
    const { connection, device } = event;
    if (event.type === 'deviceRemoved' && device !== undefined) this.#devices.delete(device.id);
    else if (device !== undefined) this.#devices.set(device.id, device);
    for (const one of event.moved ?? []) this.#connections.put(one);
    if (connection?.state === 'null') this.#connections.delete(connection.id);
    else if (connection !== undefined) this.#connections.put(connection);
    if (call !== undefined) this.#replace(call);
  }

  #replace({ id, connections }: Call): void {
    const there = new Set(connections.map((one) => one.id));
    for (const one of this.#connections.ofCall(id)) {
      if (!there.has(one.id)) this.#connections.delete(one.id);
    }
    for (const one of connections) this.#connections.put(one);
  }

  connections(): readonly Connection[] {
    return this.#connections.all();
  }

  connection(id: string): Connection | undefined {
    return this.#connections.get(id);
  }

  connectionsOf(device: string): readonly Connection[] {
    return this.#connections.ofDevice(device);
  }

  devices(): readonly Device[] {
    return [...this.#devices.values()];
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  calls(): readonly Call[] {
    return this.#connections.calls();
  }

  call(id: string): Call | undefined {
    if (!this.#connections.hasCall(id)) return undefined;
    return { id, connections: this.#connections.ofCall(id) };
  }

  get counts(): { readonly devices: number; readonly calls: number } {
    return { devices: this.#devices.size, calls: this.#connections.callCount };
  }
}
