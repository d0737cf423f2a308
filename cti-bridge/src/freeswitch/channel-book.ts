import { z } from 'zod';
import { BoundedMap } from '../model/bounded-map.ts';
import type { ConnectionFact, Fact } from '../model/facts.ts';
import type { EventCause } from '../model/terms.ts';
import type { EslEvent } from './esl-client.ts';

/** A channel of FreeSWITCH: one party's leg. */
export interface FsChannel {
  readonly uuid: string;
  /** The call that it is part of, as the bridge names it. */
  readonly call: string;
  readonly device: string | undefined;
  /** `inbound`: the party called FreeSWITCH. */
  readonly direction: 'inbound' | 'outbound';
  readonly state: ConnectionFact['state'] | 'down';
  readonly number: string | undefined;
  readonly name: string | undefined;
  /** The channel that it is bridged with. */
  readonly bridged: string | undefined;
}

/** A row of `show channels as json`, as far as it is read. */
export const channelRow = z.looseObject({
  uuid: z.string(),
  direction: z.enum(['inbound', 'outbound']),
  callstate: z.string().default(''),
  presence_id: z.string().default(''),
  call_uuid: z.string().default(''),
  cid_num: z.string().default(''),
  cid_name: z.string().default(''),
  b_uuid: z.string().default(''),
});
export type ChannelRow = z.output<typeof channelRow>;

/** `Channel-Call-State` (switch_channel_callstate_t). */
const STATES: Readonly<Record<string, FsChannel['state']>> = {
  DOWN: 'down',
  DIALING: 'initiated',
  RINGING: 'alerting',
  EARLY: 'alerting',
  RING_WAIT: 'connected',
  ACTIVE: 'connected',
  HELD: 'hold',
  UNHELD: 'connected',
};

/** What the state of a channel is for the party that calls: it hears ringing, and does not ring. */
const CALLING: Readonly<Record<FsChannel['state'], FsChannel['state']>> = {
  down: 'initiated',
  initiated: 'initiated',
  alerting: 'connected',
  connected: 'connected',
  hold: 'hold',
  queued: 'queued',
  fail: 'fail',
};

/** `Hangup-Cause`, Q.850. */
const CAUSES: Readonly<Record<string, EventCause>> = {
  USER_BUSY: 'busy',
  CALL_REJECTED: 'busy',
  NO_ANSWER: 'callNotAnswered',
  NO_USER_RESPONSE: 'callNotAnswered',
  ORIGINATOR_CANCEL: 'callCancelled',
  LOSE_RACE: 'callPickup',
  PICKED_OFF: 'callPickup',
  UNALLOCATED_NUMBER: 'invalidNumber',
  USER_NOT_REGISTERED: 'destNotObtainable',
  NORMAL_TEMPORARY_FAILURE: 'resourcesNotAvailable',
  ATTENDED_TRANSFER: 'transfer',
  BLIND_TRANSFER: 'singleStepTransfer',
};

/** What a phone's channel is for that was called by a command. */
export interface Made {
  readonly role: 'calling' | 'joined';
  /** The call that it is part of; a new one if absent. */
  readonly call?: string;
}

const REMEMBERED = 4096;
const ID = /^[\x21-\x7e]{1,100}$/;

/** What FreeSWITCH says of its channels, told as facts. */
export class ChannelBook {
  readonly #name: string;
  readonly #domain: string;
  readonly #channels = new Map<string, FsChannel>();
  /** FreeSWITCH's call → ours, where calls were merged. */
  readonly #merged = new BoundedMap<string, string>(REMEMBERED);
  readonly #age = new BoundedMap<string, number>(REMEMBERED);
  /** Calls whose next merger is a conference or a transfer, and whose doing it is. */
  readonly #intents = new BoundedMap<
    string,
    { reason: 'transfer' | 'conference'; by?: string | undefined }
  >(64);
  /** Channels of phones that were called so that they can call. */
  readonly #made = new BoundedMap<string, Made>(REMEMBERED);
  /** Channels that are about to end because their call goes on elsewhere. */
  readonly #diverted = new BoundedMap<string, EventCause>(64);
  #begun = 0;

  constructor(name: string, domain: string) {
    this.#name = name;
    this.#domain = domain;
  }

  key(uuid: string): string {
    return `${this.#name}:${uuid}`;
  }

  byKey(key: string): FsChannel | undefined {
    return this.#channels.get(key.slice(this.#name.length + 1));
  }

  channel(uuid: string): FsChannel | undefined {
    return this.#channels.get(uuid);
  }

  inCall(call: string): readonly FsChannel[] {
    return [...this.#channels.values()].filter((one) => one.call === call);
  }

  /** What the next merger of that call with another one is. */
  intend(call: string, reason: 'transfer' | 'conference', by: string | undefined): void {
    this.#intents.set(call, { reason, by });
  }

  /** The channel that a phone will have of what it was told to do. */
  made(uuid: string, what: Made): void {
    this.#made.set(uuid, what);
  }

  divert(uuid: string, cause: EventCause): void {
    this.#diverted.set(uuid, cause);
  }

  reset(rows: readonly ChannelRow[]): readonly ConnectionFact[] {
    this.#channels.clear();
    for (const row of rows) {
      if (!ID.test(row.uuid)) continue;
      const call = row.call_uuid === '' ? row.uuid : row.call_uuid;
      this.#put({
        uuid: row.uuid,
        call: this.#callOf(call),
        device: this.#deviceOf(row.presence_id),
        direction: row.direction,
        state: STATES[row.callstate] ?? 'connected',
        number: row.cid_num || undefined,
        name: row.cid_name || undefined,
        bridged: row.b_uuid || undefined,
      });
    }
    return [...this.#channels.values()].flatMap((one) => this.#facts(one));
  }

  apply(event: EslEvent): Fact[] {
    const uuid = event.get('Unique-ID') ?? '';
    if (!ID.test(uuid)) return [];
    switch (event.get('Event-Name') ?? '') {
      case 'CHANNEL_CREATE':
      case 'CHANNEL_CALLSTATE':
        return this.#state(uuid, event);
      case 'CHANNEL_BRIDGE':
        return this.#bridged(uuid, event.get('Other-Leg-Unique-ID') ?? '');
      case 'CHANNEL_UNBRIDGE':
        this.#update(uuid, { bridged: undefined });
        return [];
      case 'CHANNEL_HANGUP':
        return this.#over(uuid, event.get('Hangup-Cause') ?? '');
      case 'DTMF': {
        const digits = (event.get('DTMF-Digit') ?? '').slice(0, 32);
        return this.#channels.has(uuid) ? [{ kind: 'digits', key: this.key(uuid), digits }] : [];
      }
      default:
        return [];
    }
  }

  /** These are one call from now on: they are in one conference. */
  join(uuids: readonly string[]): Fact[] {
    const [first, ...others] = uuids.flatMap((uuid) => this.#channels.get(uuid) ?? []);
    if (first === undefined) return [];
    return others.flatMap((other) => {
      const now = this.#channels.get(other.uuid);
      const with_ = this.#channels.get(first.uuid);
      if (now === undefined || with_ === undefined || now.call === with_.call) return [];
      return [this.#merge(with_.call, now.call)];
    });
  }

  #state(uuid: string, event: EslEvent): Fact[] {
    const before = this.#channels.get(uuid);
    const state = STATES[event.get('Channel-Call-State') ?? ''];
    if (event.get('Channel-Call-State') === 'HANGUP') return [];
    const call = event.get('Channel-Call-UUID') ?? uuid;
    const number = event.get('Caller-Caller-ID-Number');
    const channel: FsChannel = {
      uuid,
      call: before?.call ?? this.#made.get(uuid)?.call ?? this.#callOf(ID.test(call) ? call : uuid),
      device: before?.device ?? this.#deviceOf(event.get('Channel-Presence-ID') ?? ''),
      direction: event.get('Call-Direction') === 'inbound' ? 'inbound' : 'outbound',
      state: state ?? before?.state ?? 'down',
      number: before?.number ?? number,
      name: before?.name ?? event.get('Caller-Caller-ID-Name'),
      bridged: before?.bridged,
    };
    this.#put(channel);
    return this.#facts(channel);
  }

  #facts(channel: FsChannel): ConnectionFact[] {
    const { uuid, call, device, direction, number, name } = channel;
    const made = this.#made.get(uuid);
    const calls = direction === 'inbound' || made !== undefined;
    const state = calls ? CALLING[channel.state] : channel.state;
    if (state === 'down') return [];
    const own = device ?? number;
    return [
      {
        kind: 'connection',
        key: this.key(uuid),
        call,
        device,
        role: made?.role ?? (calls ? 'calling' : 'called'),
        state,
        party: {
          ...(own === undefined ? {} : { number: own.slice(0, 160) }),
          ...(name === undefined || device !== undefined ? {} : { name: name.slice(0, 160) }),
        },
      },
    ];
  }

  #bridged(uuid: string, other: string): Fact[] {
    this.#update(uuid, { bridged: other });
    this.#update(other, { bridged: uuid });
    const [one, two] = [this.#channels.get(uuid), this.#channels.get(other)];
    if (one === undefined || two === undefined || one.call === two.call) return [];
    return [this.#merge(one.call, two.call)];
  }

  #merge(one: string, other: string): Fact {
    const isOlder = (this.#age.get(one) ?? 0) <= (this.#age.get(other) ?? 0);
    const [into, from] = isOlder ? [one, other] : [other, one];
    const intent = this.#intents.get(into) ?? this.#intents.get(from);
    this.#merged.set(from, into);
    for (const channel of this.inCall(from)) this.#put({ ...channel, call: into });
    return { kind: 'merged', from, into, reason: intent?.reason ?? 'transfer', by: intent?.by };
  }

  #over(uuid: string, why: string): Fact[] {
    const channel = this.#channels.get(uuid);
    if (channel === undefined) return [];
    this.#channels.delete(uuid);
    const key = this.key(uuid);
    const diverted = this.#diverted.get(uuid);
    if (diverted !== undefined) {
      this.#diverted.delete(uuid);
      return [{ kind: 'cleared', key, cause: diverted, diverted: true }];
    }
    const cause = CAUSES[why] ?? 'normalClearing';
    const rang = channel.direction === 'outbound' && channel.state === 'alerting';
    const failed = rang && cause !== 'normalClearing' && cause !== 'callCancelled';
    return [
      ...(failed
        ? this.#facts(channel).map((one) => ({ ...one, state: 'fail', cause }) as const)
        : []),
      { kind: 'cleared', key, cause },
    ];
  }

  #update(uuid: string, more: Partial<FsChannel>): void {
    const before = this.#channels.get(uuid);
    if (before !== undefined) this.#put({ ...before, ...more });
  }

  #put(channel: FsChannel): void {
    this.#channels.set(channel.uuid, channel);
  }

  #callOf(uuid: string): string {
    const call = this.key(uuid);
    const merged = this.#merged.get(call);
    if (merged !== undefined) return merged;
    if (!this.#age.has(call)) this.#age.set(call, this.#begun++);
    return call;
  }

  /** `alice@pbx.example.com`, of the domain that is ours. */
  #deviceOf(presence: string): string | undefined {
    const [user = '', domain = ''] = presence.split('@');
    return domain === this.#domain && ID.test(user) ? user : undefined;
  }
}
