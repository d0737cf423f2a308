import type { DialogName, DialogTable, WatchedDialog } from '@offhook/signaling/documents';
import { Devices } from '../adapter/devices.ts';
import { BoundedMap } from '../model/bounded-map.ts';
import type { ConnectionFact, Fact } from '../model/facts.ts';
import type { EventCause, ServiceName } from '../model/terms.ts';
import type { Device } from '../model/things.ts';
import { sameAddress } from './address.ts';

export interface WatchedPhone {
  readonly id: string;
  /** SIP URI at which it is reached, and under which it tells its dialogs. */
  readonly uri: string;
}

/** One dialog of a phone, as a connection: it keeps its name when another dialog takes its place. */
export interface Leg {
  readonly key: string;
  readonly device: string;
  readonly dialog: WatchedDialog;
  readonly fact: ConnectionFact;
}

const REMEMBERED = 4096;

/** Why a dialog ended, by the status of the response (RFC 3261 §21). */
const CAUSES: Readonly<Record<number, EventCause>> = {
  404: 'invalidNumber',
  408: 'callNotAnswered',
  480: 'callNotAnswered',
  484: 'invalidNumber',
  486: 'busy',
  487: 'callCancelled',
  503: 'resourcesNotAvailable',
  600: 'busy',
  604: 'invalidNumber',
};

/**
 * What phones say of their dialogs (RFC 4235), told as facts. Dialogs of two phones with one Call-ID
 * are one call. When a call is transferred, other dialogs take the place of the first ones: a dialog
 * says which one it replaces, or who asked for it, and by that connections and calls keep their names.
 */
export class DialogBook {
  readonly #name: string;
  readonly #devices = new Devices();
  readonly #tables = new Map<string, DialogTable>();
  readonly #legs = new Map<string, Leg>();
  /** Call-ID → call. */
  readonly #calls = new BoundedMap<string, string>(REMEMBERED);
  /** Order in which calls began: the older one keeps its name. */
  readonly #age = new BoundedMap<string, number>(REMEMBERED);
  /** Calls that were merged → the ones that they are part of now. */
  readonly #merged = new BoundedMap<string, string>(REMEMBERED);
  /** Connections that are about to be picked up somewhere else. */
  readonly #pickups = new BoundedMap<string, true>(64);
  /** Device → the call that its next dialog is part of. */
  readonly #expected = new BoundedMap<string, string>(64);
  #begun = 0;
  /** Connections whose dialog has gone over to another one, which is theirs now. */
  readonly #keys = new BoundedMap<string, string>(REMEMBERED);

  constructor(name: string, phones: readonly WatchedPhone[], capabilities: readonly ServiceName[]) {
    this.#name = name;
    this.#devices.reset(
      phones.map(({ id, uri }) => ({
        id,
        kind: 'station',
        number: /^sips?:([^@;>]+)@/.exec(uri)?.[1] ?? id,
        inService: false,
        capabilities: [...capabilities],
      })),
    );
  }

  snapshot(): Fact {
    const connections = this.legs().map(({ fact }) => fact);
    return { kind: 'snapshot', connections, devices: this.#devices.list() };
  }

  legs(): readonly Leg[] {
    return [...this.#legs.values()];
  }

  leg(key: string): Leg | undefined {
    return this.#legs.get(key);
  }

  legsOf(device: string): readonly Leg[] {
    return this.legs().filter((leg) => leg.device === device);
  }

  /** The other phone of a call between two that are watched. */
  partner(leg: Leg): Leg | undefined {
    const { callId } = leg.dialog;
    return this.legs().find((one) => one !== leg && one.dialog.callId === callId);
  }

  /** That connection will ring no more, because the device takes its call. */
  pickUp({ key, fact }: Leg, device: string): void {
    this.#pickups.set(key, true);
    this.#expected.set(device, fact.call);
  }

  /** It came to nothing. */
  notPickedUp({ key }: Leg, device: string): void {
    this.#pickups.delete(key);
    this.#expected.delete(device);
  }

  table(device: string): DialogTable | undefined {
    return this.#tables.get(device);
  }

  setDevice(id: string, more: Partial<Device>): Fact[] {
    return this.#devices.set(id, more);
  }

  /** Nobody tells of that phone any more. */
  lost(device: string): void {
    this.#tables.delete(device);
    for (const { key } of this.legsOf(device)) this.#legs.delete(key);
    this.setDevice(device, { inService: false });
  }

  /** Takes what a phone has told. */
  update(device: string, table: DialogTable): Fact[] {
    this.#tables.set(device, table);
    return [
      ...table.dialogs.flatMap((dialog) => this.#living(device, dialog)),
      ...table.ended.flatMap((dialog) => this.#ended(device, dialog)),
    ];
  }

  #living(device: string, dialog: WatchedDialog): Fact[] {
    const name = this.#dialogKey(device, dialog.id);
    const known = this.#keys.get(name);
    const joined = known === undefined ? this.#begin(device, dialog, name) : [];
    const key = this.#keys.get(name) ?? name;
    const before = this.#legs.get(key);
    // A dialog that was asked for by a transfer is nothing new until it is confirmed.
    if (before !== undefined && before.dialog.id !== dialog.id && dialog.state !== 'confirmed') {
      return joined;
    }
    const fact = this.#fact(key, device, dialog, before?.fact);
    this.#legs.set(key, { key, device, dialog, fact });
    const isNew = before === undefined && fact.role === 'calling' && fact.state !== 'initiated';
    return [...joined, ...(isNew ? [{ ...fact, state: 'initiated' } as const] : []), fact];
  }

  #begin(device: string, dialog: WatchedDialog, name: string): Fact[] {
    const taken = this.#predecessor(device, dialog);
    this.#keys.set(name, taken?.key ?? name);
    const callId = dialog.callId ?? name;
    const expected = dialog.direction === 'initiator' ? this.#expected.get(device) : undefined;
    if (expected !== undefined) {
      this.#expected.delete(device);
      this.#calls.set(callId, expected);
    }
    const now = this.#known(callId);
    if (taken === undefined) return [];
    const before = taken.fact.call;
    if (now === undefined) {
      this.#calls.set(callId, before);
      const by = this.partner(taken)?.device;
      const consulting = by !== undefined && this.legsOf(by).length > 1;
      if (dialog.referredBy === undefined || consulting) return [];
      return [{ kind: 'transferred', call: before, by }];
    }
    return now === before ? [] : [this.#merge(now, before, this.partner(taken)?.device)];
  }

  /** The connection whose place a new dialog takes. */
  #predecessor(device: string, dialog: WatchedDialog): Leg | undefined {
    const mine = this.legsOf(device).filter((leg) => leg.dialog.id !== dialog.id);
    const { replaces, referredBy } = dialog;
    if (replaces !== undefined) return mine.find((leg) => isNamed(leg.dialog, replaces));
    if (referredBy === undefined) return undefined;
    return mine.find(({ dialog: { remote } }) => sameAddress(remote?.uri, referredBy));
  }

  #merge(one: string, other: string, by: string | undefined): Fact {
    const isOlder = (this.#age.get(one) ?? 0) <= (this.#age.get(other) ?? 0);
    const [into, from] = isOlder ? [one, other] : [other, one];
    this.#merged.set(from, into);
    for (const leg of this.legs()) {
      if (leg.fact.call !== from) continue;
      this.#legs.set(leg.key, { ...leg, fact: { ...leg.fact, call: into } });
    }
    return { kind: 'merged', from, into, reason: 'transfer', by };
  }

  #ended(device: string, dialog: WatchedDialog): Fact[] {
    const name = this.#dialogKey(device, dialog.id);
    const key = this.#keys.get(name) ?? name;
    const leg = this.#legs.get(key);
    this.#keys.delete(name);
    if (leg === undefined) return [];
    if (leg.dialog.id !== dialog.id) return [];
    const next = this.table(device)?.dialogs.find(
      (one) => one.id !== dialog.id && this.#keys.get(this.#dialogKey(device, one.id)) === key,
    );
    // The call goes on in the dialog that was to take its place.
    if (next !== undefined) {
      const fact = this.#fact(key, device, next, leg.fact);
      this.#legs.set(key, { key, device, dialog: next, fact });
      return [fact];
    }
    this.#legs.delete(key);
    return this.#over(leg, dialog);
  }

  #over({ key, fact }: Leg, { end }: WatchedDialog): Fact[] {
    if (this.#pickups.has(key)) {
      this.#pickups.delete(key);
      return [{ kind: 'cleared', key, cause: 'callPickup', diverted: true }];
    }
    const cause = CAUSES[end.code ?? 0] ?? 'normalClearing';
    const failed = end.event === 'rejected' && fact.role === 'called' && cause !== 'callCancelled';
    return [
      ...(failed ? [{ ...fact, state: 'fail', cause } as const] : []),
      { kind: 'cleared', key, cause },
    ];
  }

  #fact(
    key: string,
    device: string,
    dialog: WatchedDialog,
    before: ConnectionFact | undefined,
  ): ConnectionFact {
    const role = before?.role ?? (dialog.direction === 'recipient' ? 'called' : 'calling');
    const { number } = this.#devices.get(device) ?? {};
    return {
      kind: 'connection',
      key,
      call: before?.call ?? this.#callOf(dialog.callId ?? key),
      device,
      role,
      state: stateOf(dialog, role),
      party: number === undefined ? {} : { number },
    };
  }

  #callOf(callId: string): string {
    const known = this.#known(callId);
    if (known !== undefined) return known;
    const call = `${this.#name}:${printable(callId)}`;
    this.#calls.set(callId, call);
    this.#age.set(call, this.#begun++);
    return call;
  }

  #known(callId: string): string | undefined {
    const call = this.#calls.get(callId);
    return call === undefined ? undefined : (this.#merged.get(call) ?? call);
  }

  #dialogKey(device: string, id: string): string {
    return `${this.#name}:${device}/${printable(id)}`;
  }
}

function stateOf(dialog: WatchedDialog, role: 'calling' | 'called' | 'joined') {
  if (dialog.state === 'confirmed') return dialog.held ? 'hold' : 'connected';
  if (role === 'called') return 'alerting';
  return dialog.state === 'trying' ? 'initiated' : 'connected';
}

function isNamed(dialog: WatchedDialog, { callId, localTag, remoteTag }: DialogName): boolean {
  return dialog.callId === callId && dialog.localTag === localTag && dialog.remoteTag === remoteTag;
}

/** For an identifier, as the model has them. */
function printable(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, 100);
}
