import { BoundedMap } from '../model/bounded-map.ts';
import type { ConnectionFact, Fact } from '../model/facts.ts';
import {
  eventCause,
  type ConnectionRole,
  type ConnectionState,
  type EventCause,
  type ForwardingType,
} from '../model/terms.ts';
import type { Device, Forwarding } from '../model/things.ts';
import type { Told } from './outcome.ts';
import type { ConnectionId } from './requests.ts';
import { child, textOf, type Element } from './xml.ts';

export interface CstaDevice {
  readonly id: string;
  readonly number?: string | undefined;
}

/** Events whose connection is simply in a state afterwards (ECMA-269 §17.2). */
const STATES: Readonly<
  Record<string, { element: string; state: ConnectionFact['state']; role: ConnectionRole }>
> = {
  ServiceInitiatedEvent: { element: 'initiatedConnection', state: 'initiated', role: 'calling' },
  OriginatedEvent: { element: 'originatedConnection', state: 'connected', role: 'calling' },
  DeliveredEvent: { element: 'connection', state: 'alerting', role: 'called' },
  EstablishedEvent: { element: 'establishedConnection', state: 'connected', role: 'called' },
  HeldEvent: { element: 'heldConnection', state: 'hold', role: 'called' },
  RetrievedEvent: { element: 'retrievedConnection', state: 'connected', role: 'called' },
  QueuedEvent: { element: 'queuedConnection', state: 'queued', role: 'called' },
  FailedEvent: { element: 'failedConnection', state: 'fail', role: 'called' },
};

const FORWARDING: Readonly<Record<string, ForwardingType>> = {
  forwardImmediate: 'immediate',
  forwardBusy: 'busy',
  forwardNoAns: 'noAnswer',
};

const REMEMBERED = 4096;

/**
 * What CSTA events say, told as facts. A switch gives a call a new id at a transfer or a conference
 * and says which connection is which: here they keep the names that they had first.
 */
export class CstaBook implements Told {
  readonly #name: string;
  readonly #devices = new Map<string, Device>();
  /** Connection of the switch → our key. */
  readonly #keys = new BoundedMap<string, string>(REMEMBERED);
  readonly #ids = new BoundedMap<string, ConnectionId>(REMEMBERED);
  readonly #calls = new BoundedMap<string, string>(REMEMBERED);
  readonly #current = new Map<string, ConnectionFact>();

  constructor(name: string, devices: readonly CstaDevice[], capabilities: Device['capabilities']) {
    this.#name = name;
    for (const { id, number = id } of devices) {
      const device: Device = { id, kind: 'station', number, inService: false, capabilities };
      this.#devices.set(id, device);
    }
  }

  /** As the switch names it now. */
  connectionId(key: string): ConnectionId | undefined {
    return this.#ids.get(key);
  }

  key({ callID, deviceID }: ConnectionId): string {
    const id = `${callID} ${deviceID}`;
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    const key = `${this.#name}:${callID}/${deviceID}`;
    this.#keys.set(id, key);
    this.#ids.set(key, { callID, deviceID });
    return key;
  }

  stateOf(key: string): ConnectionState {
    return this.#current.get(key)?.state ?? 'null';
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  callKey(callID: string): string {
    return this.#calls.get(callID) ?? `${this.#name}:${callID}`;
  }

  facts(): Fact {
    const connections = [...this.#current.values()];
    return { kind: 'snapshot', connections, devices: [...this.#devices.values()] };
  }

  /** Takes what is asked about a device once its monitor runs. */
  snapshot(device: string, response: Element): void {
    for (const [key, one] of this.#current) {
      if (one.device === device) this.#current.delete(key);
    }
    const list = child(response, 'crossRefIDorSnapshotData', 'snapshotData')?.children ?? [];
    for (const info of list) {
      const id = connectionIn(info, 'connectionIdentifier');
      const state = textOf(info, 'localCallState', 'compoundCallState', 'localConnectionState');
      const known = STATE_NAMES[state ?? ''];
      if (id === undefined || known === undefined) continue;
      this.#remember(id, known, 'called', 'systemInitiated');
    }
    this.#set(device, { inService: true });
  }

  /** Nobody tells of that device any more. */
  lost(device: string): void {
    for (const [key, one] of this.#current) {
      if (one.device === device) this.#current.delete(key);
    }
    this.#set(device, { inService: false });
  }

  event(event: Element): Fact[] {
    const simple = STATES[event.name];
    const cause = causeIn(event);
    if (simple !== undefined) {
      const id = connectionIn(event, simple.element);
      return id === undefined ? [] : [this.#remember(id, simple.state, simple.role, cause)];
    }
    switch (event.name) {
      case 'ConnectionClearedEvent':
        return this.#over(connectionIn(event, 'droppedConnection'), cause, false);
      case 'DivertedEvent':
        return this.#over(connectionIn(event, 'connection'), cause, true);
      case 'TransferedEvent':
        return this.#joined(event, 'transfer', 'transferringDevice', 'transferredConnections');
      case 'ConferencedEvent':
        return this.#joined(event, 'conference', 'conferencingDevice', 'conferenceConnections');
      case 'DigitsGeneratedEvent': {
        const id = connectionIn(event, 'connection');
        const digits = (textOf(event, 'digitGeneratedList') ?? '').slice(0, 32);
        return id === undefined ? [] : [{ kind: 'digits', key: this.key(id), digits }];
      }
      default:
        return this.#feature(event);
    }
  }

  #feature(event: Element): Fact[] {
    const id =
      textOf(event, 'device', 'deviceIdentifier') ??
      textOf(event, 'targetDevice', 'deviceIdentifier');
    const device = this.#devices.get(id ?? '');
    if (device === undefined) return [];
    switch (event.name) {
      case 'DoNotDisturbEvent':
        return this.#set(device.id, { doNotDisturb: textOf(event, 'doNotDisturbOn') === 'true' });
      case 'MessageWaitingEvent':
        return this.#set(device.id, {
          messageWaiting: textOf(event, 'messageWaitingOn') === 'true',
        });
      case 'OutOfServiceEvent':
        return this.#set(device.id, { inService: false });
      case 'BackInServiceEvent':
        return this.#set(device.id, { inService: true });
      case 'ForwardingEvent': {
        const type = FORWARDING[textOf(event, 'forwardingType') ?? ''];
        const to = textOf(event, 'forwardTo') ?? '';
        if (type === undefined) return [];
        const on = textOf(event, 'forwardStatus') === 'true';
        const rest = (device.forwarding ?? []).filter((one) => one.type !== type);
        const forwarding: Forwarding[] = on ? [...rest, { type, to: to.slice(0, 160) }] : rest;
        return this.#set(device.id, { forwarding });
      }
      default:
        return [];
    }
  }

  #set(id: string, more: Partial<Device>): Fact[] {
    const before = this.#devices.get(id);
    if (before === undefined) return [];
    const device = { ...before, ...more };
    this.#devices.set(id, device);
    return [{ kind: 'device', device }];
  }

  #remember(
    id: ConnectionId,
    state: ConnectionFact['state'],
    role: ConnectionRole,
    cause: EventCause | undefined,
  ): ConnectionFact {
    const key = this.key(id);
    const before = this.#current.get(key);
    const device = this.#devices.has(id.deviceID) ? id.deviceID : undefined;
    const fact: ConnectionFact = {
      kind: 'connection',
      key,
      call: before?.call ?? this.callKey(id.callID),
      device,
      role: before?.role ?? role,
      state,
      party: { number: id.deviceID },
      ...(cause === undefined ? {} : { cause }),
    };
    this.#current.set(key, fact);
    return fact;
  }

  #over(id: ConnectionId | undefined, cause: EventCause | undefined, diverted: boolean): Fact[] {
    if (id === undefined) return [];
    const key = this.key(id);
    this.#current.delete(key);
    return [{ kind: 'cleared', key, diverted, ...(cause === undefined ? {} : { cause }) }];
  }

  #joined(
    event: Element,
    reason: 'transfer' | 'conference',
    byElement: string,
    listElement: string,
  ): Fact[] {
    const first = connectionIn(event, 'primaryOldCall');
    const second = connectionIn(event, 'secondaryOldCall');
    const by = textOf(event, byElement, 'deviceIdentifier');
    const list = (child(event, listElement)?.children ?? []).flatMap((item) => {
      const before = connectionIn(item, 'oldConnection');
      const after = connectionIn(item, 'newConnection');
      return after === undefined ? [] : [{ before: before ?? after, after }];
    });
    // Every device of the call is told it; once is enough.
    if (first === undefined || list.every(({ after }) => this.#calls.has(after.callID))) return [];
    const into = this.callKey(first.callID);
    const from = second === undefined ? into : this.callKey(second.callID);
    const stays = new Set(list.map(({ before }) => this.key(before)));
    const over = [...this.#current.values()].filter(
      ({ key, call }) => (call === into || call === from) && !stays.has(key),
    );
    for (const { before, after } of list) {
      this.#calls.set(after.callID, into);
      this.#rename(before, after);
    }
    for (const [key, one] of this.#current) {
      if (one.call === from) this.#current.set(key, { ...one, call: into });
    }
    for (const { key } of over) this.#current.delete(key);
    return [
      from === into
        ? { kind: 'transferred', call: into, by }
        : { kind: 'merged', from, into, reason, by },
      ...over.map(({ key }): Fact => ({ kind: 'cleared', key, cause: reason })),
      ...(reason === 'conference' ? list.map(({ after }) => this.#talks(after)) : []),
    ];
  }

  #talks(id: ConnectionId): Fact {
    return this.#remember(id, 'connected', 'joined', 'conference');
  }

  #rename(before: ConnectionId, after: ConnectionId): void {
    const key = this.key(before);
    this.#keys.set(`${after.callID} ${after.deviceID}`, key);
    this.#ids.set(key, after);
  }
}

const STATE_NAMES: Readonly<Record<string, ConnectionFact['state']>> = {
  initiated: 'initiated',
  alerting: 'alerting',
  connected: 'connected',
  hold: 'hold',
  queued: 'queued',
  fail: 'fail',
};

export function connectionIn(element: Element, name: string): ConnectionId | undefined {
  const one = child(element, name);
  if (one === undefined) return undefined;
  const callID = textOf(one, 'callID');
  const deviceID = textOf(one, 'deviceID');
  if (callID === undefined || deviceID === undefined) return undefined;
  if (!NAME.test(callID) || !NAME.test(deviceID)) return undefined;
  return { callID, deviceID };
}

const NAME = /^[\x21-\x7e]{1,64}$/;

function causeIn(event: Element): EventCause | undefined {
  const parsed = eventCause.safeParse(textOf(event, 'cause'));
  return parsed.success ? parsed.data : undefined;
}
