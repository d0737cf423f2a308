import type { CallModel } from '../model/call-model.ts';
import type { Call, CtiEvent } from '../model/things.ts';
import { stateKeys, type Draft } from './store.ts';

/** Turns what a model tells into what the site's log and state get. */
export class Drafts {
  readonly #model: CallModel;
  /** Ids of calls that went up in one that still goes on. */
  readonly #merged = new Map<string, string[]>();

  constructor(model: CallModel, merged: Readonly<Record<string, string>>) {
    this.#model = model;
    for (const [from, into] of Object.entries(merged)) this.#merge(from, into);
  }

  /** To be called when the model has just told the event. */
  of(event: CtiEvent): Draft {
    if (event.call === undefined) return { event, change: deviceChange(event) };
    const call = this.#model.call(event.call) ?? { id: event.call, connections: [] };
    return { event, call, change: this.#callChange(event, call) };
  }

  #callChange({ connection, moved = [], fromCall }: CtiEvent, call: Call): Draft['change'] {
    const change: Record<string, object | string | null> = {};
    for (const one of moved) change[stateKeys.connection(one.id)] = one;
    if (connection !== undefined) {
      const over = connection.state === 'null';
      change[stateKeys.connection(connection.id)] = over ? null : connection;
    }
    if (fromCall !== undefined) {
      for (const id of [fromCall, ...(this.#merged.get(fromCall) ?? [])]) {
        this.#merge(id, call.id);
        change[stateKeys.merged(id)] = call.id;
      }
      this.#merged.delete(fromCall);
    }
    if (call.connections.length === 0) {
      for (const id of this.#merged.get(call.id) ?? []) change[stateKeys.merged(id)] = null;
      this.#merged.delete(call.id);
    }
    return change;
  }

  #merge(from: string, into: string): void {
    const ids = this.#merged.get(into);
    if (ids === undefined) this.#merged.set(into, [from]);
    else ids.push(from);
  }
}

function deviceChange({ type, device }: CtiEvent): Draft['change'] {
  if (device === undefined) return {};
  return { [stateKeys.device(device.id)]: type === 'deviceRemoved' ? null : device };
}
