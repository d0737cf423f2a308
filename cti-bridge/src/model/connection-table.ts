import type { Call, Connection } from './things.ts';

/** Connections, found by their id, their call and their device. A call without any is over. */
export class ConnectionTable {
  readonly #all = new Map<string, Connection>();
  readonly #byCall = new Map<string, Set<string>>();
  readonly #byDevice = new Map<string, Set<string>>();

  get(id: string): Connection | undefined {
    return this.#all.get(id);
  }

  /** In the order in which they came. */
  all(): Connection[] {
    return [...this.#all.values()];
  }

  hasCall(call: string): boolean {
    return this.#byCall.has(call);
  }

  ofCall(call: string): Connection[] {
    return this.#pick(this.#byCall.get(call));
  }

  ofDevice(device: string): Connection[] {
    return this.#pick(this.#byDevice.get(device));
  }

  calls(): readonly Call[] {
    return [...this.#byCall].map(([id, keys]) => ({ id, connections: this.#pick(keys) }));
  }

  get callCount(): number {
    return this.#byCall.size;
  }

  put(connection: Connection): void {
    const before = this.#all.get(connection.id);
    if (before !== undefined) this.#unlink(before, connection);
    this.#all.set(connection.id, connection);
    add(this.#byCall, connection.call, connection.id);
    if (connection.device !== undefined) add(this.#byDevice, connection.device, connection.id);
  }

  delete(id: string): void {
    const before = this.#all.get(id);
    if (before === undefined) return;
    this.#all.delete(id);
    this.#unlink(before);
  }

  clear(): void {
    this.#all.clear();
    this.#byCall.clear();
    this.#byDevice.clear();
  }

  #unlink(before: Connection, after?: Connection): void {
    if (before.call !== after?.call) remove(this.#byCall, before.call, before.id);
    if (before.device !== undefined && before.device !== after?.device) {
      remove(this.#byDevice, before.device, before.id);
    }
  }

  #pick(ids: ReadonlySet<string> = new Set()): Connection[] {
    return [...ids].flatMap((id) => this.#all.get(id) ?? []);
  }
}

function add(index: Map<string, Set<string>>, key: string, value: string): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}

function remove(index: Map<string, Set<string>>, key: string, value: string): void {
  const set = index.get(key);
  set?.delete(value);
  if (set?.size === 0) index.delete(key);
}
