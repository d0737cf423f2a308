import { BoundedMap } from '../model/bounded-map.ts';
import type { ConnectionFact, Fact } from '../model/facts.ts';
import type { EventCause } from '../model/terms.ts';
import type { AmiPacket } from './ami-packet.ts';
import {
  dialFailure,
  endpointOf,
  hangupCause,
  known,
  roleOf,
  stateOf,
  type Channel,
} from './channel.ts';

export interface ChannelTableOptions {
  /** The adapter's name, which every id begins with. */
  readonly name: string;
  /** The dial plan's context of docs/cti.md. */
  readonly contract: string;
  /** Whether an endpoint is a device of ours; others are trunks, parties outside. */
  readonly isDevice: (endpoint: string) => boolean;
}

interface Intent {
  readonly reason: 'transfer' | 'conference';
  readonly by: string | undefined;
}

const REMEMBERED = 4096;

/**
 * What the manager's events say of channels, told as facts about connections. Channels are kept by
 * their unique id, which survives renames; a call is what channels were created for each other, or
 * came together in a bridge.
 */
export class ChannelTable {
  readonly #options: ChannelTableOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #gone = new BoundedMap<string, true>(REMEMBERED);
  /** Call merged → call that it is part of. */
  readonly #merged = new BoundedMap<string, string>(REMEMBERED);
  /** Why two calls are about to become one, by call. */
  readonly #intents = new BoundedMap<string, Intent>(64);
  /** Channels whose end is no end of the call, with the cause to tell. */
  readonly #diverting = new BoundedMap<string, EventCause>(256);
  /** Channels that appeared while a listing was under way, and may be missing in it. */
  #born: Set<string> | undefined;

  constructor(options: ChannelTableOptions) {
    this.#options = options;
  }

  /** The channel of a connection. */
  byKey(key: string): Channel | undefined {
    const id = key.slice(this.#options.name.length + 1).split('~')[0] ?? '';
    const channel = this.#channels.get(id);
    return channel?.key === key ? channel : undefined;
  }

  byId(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  inCall(call: string): readonly Channel[] {
    const current = this.#resolve(call);
    return [...this.#channels.values()].filter((one) => this.#resolve(one.call) === current);
  }

  inBridge(bridge: string): readonly Channel[] {
    return [...this.#channels.values()].filter((one) => one.bridge === bridge);
  }

  /** The next bridge that has channels of this call and another one is for that reason. */
  expectMerge(call: string, intent: Intent): void {
    this.#intents.set(this.#resolve(call), intent);
  }

  /** That channel's end is told as diverted. */
  expectDivert(id: string, cause: EventCause): void {
    this.#diverting.set(id, cause);
  }

  /** To be called before a new connection: what the last one had to tell was told. */
  beginListing(): void {
    this.#born = new Set();
    this.#gone.filter(() => false);
    this.#merged.filter((_, call) => this.inCall(call).length > 0);
  }

  /** Takes the rows of CoreShowChannels for the truth, but for what happened since they were asked for. */
  endListing(rows: readonly AmiPacket[]): void {
    const born = this.#born ?? new Set();
    this.#born = undefined;
    const listed = new Set(rows.map((row) => row['Uniqueid'] ?? ''));
    for (const id of this.#channels.keys()) {
      if (!listed.has(id) && !born.has(id)) this.#channels.delete(id);
    }
    for (const row of rows) {
      const id = row['Uniqueid'] ?? '';
      if (this.#gone.has(id) || !isPhone(row)) continue;
      const linked = row['Linkedid'] !== undefined && row['Linkedid'] !== id;
      const channel = this.#channels.get(id) ?? this.#create(row, linked);
      this.#refresh(channel, row);
      channel.dialling ||= channel.role === 'calling' && row['Application'] === 'Dial';
      channel.bridge = known(row['BridgeId']);
    }
  }

  /** Every connection as it is now. */
  facts(): ConnectionFact[] {
    return [...this.#channels.values()].flatMap((channel) => this.#fact(channel));
  }

  apply(event: AmiPacket): Fact[] {
    const id = event['Uniqueid'] ?? '';
    if (event['Event'] === 'Newchannel') return this.#newChannel(event);
    if (event['Event'] === 'DialBegin') return this.#dialBegin(event);
    if (event['Event'] === 'DialEnd') return this.#dialEnd(event);
    if (event['Event'] === 'BlindTransfer') return this.#blindTransfer(event);
    if (event['Event'] === 'AttendedTransfer') return this.#attendedTransfer(event);
    if (event['Event'] === 'ChanSpyStart') return this.#spy(event);
    if (event['Event'] === 'ParkedCall' || event['Event']?.startsWith('ParkedCall') === true) {
      return this.#parked(event, event['Event'] === 'ParkedCall');
    }
    if (event['Event'] === 'UnParkedCall') return this.#parked(event, false);
    const channel = this.#channels.get(id);
    if (channel !== undefined) return this.#ofChannel(channel, event);
    // It may be in the listing that was asked for, and is over by the time that is taken.
    if (event['Event'] === 'Hangup' && this.#born !== undefined) this.#gone.set(id, true);
    return [];
  }

  #ofChannel(channel: Channel, event: AmiPacket): Fact[] {
    switch (event['Event'] ?? '') {
      case 'Newstate':
      case 'NewCallerid':
      case 'NewConnectedLine':
      case 'Newexten':
        this.#refresh(channel, event);
        return this.#fact(channel);
      case 'Rename':
        return this.#rename(channel, event);
      case 'BridgeEnter':
        channel.bridge = event['BridgeUniqueid'];
        return [...this.#cameTogether(channel), ...this.#fact(channel)];
      case 'BridgeLeave':
        if (channel.bridge === event['BridgeUniqueid']) channel.bridge = undefined;
        return this.#fact(channel);
      case 'Hold':
        channel.phoneHeld = true;
        return this.#fact(channel);
      case 'Unhold':
        channel.phoneHeld = false;
        return this.#fact(channel);
      case 'DTMFEnd':
        return event['Direction'] === 'Received'
          ? [{ kind: 'digits', key: channel.key, digits: event['Digit'] ?? '' }]
          : [];
      case 'Hangup':
        return this.#hangup(channel, hangupCause(event));
      default:
        return [];
    }
  }

  #newChannel(event: AmiPacket): Fact[] {
    const id = event['Uniqueid'] ?? '';
    if (!isPhone(event) || this.#gone.has(id)) return [];
    const linked = event['Linkedid'] !== undefined && event['Linkedid'] !== id;
    const channel = this.#channels.get(id) ?? this.#create(event, linked);
    this.#born?.add(id);
    return this.#fact(channel);
  }

  #create(packet: AmiPacket, linked: boolean): Channel {
    const id = packet['Uniqueid'] ?? '';
    const state = Number(packet['ChannelState']);
    const first = this.#channels.get(packet['Linkedid'] ?? id);
    const { name } = this.#options;
    const channel: Channel = {
      id,
      name: packet['Channel'] ?? '',
      key: `${name}:${id}`,
      device: this.#deviceOf(packet['Channel'] ?? ''),
      call: first?.call ?? `${name}:${packet['Linkedid'] ?? id}`,
      state,
      role: roleOf(id, state, linked),
      dialling: false,
      bridge: undefined,
      number: known(packet['CallerIDNum']),
      title: known(packet['CallerIDName']),
      context: packet['Context'] ?? '',
      exten: packet['Exten'] ?? '',
      phoneHeld: false,
      parked: false,
    };
    this.#channels.set(id, channel);
    return channel;
  }

  #refresh(channel: Channel, packet: AmiPacket): void {
    if (packet['ChannelState'] !== undefined) channel.state = Number(packet['ChannelState']);
    channel.number = known(packet['CallerIDNum']) ?? channel.number;
    channel.title = known(packet['CallerIDName']) ?? channel.title;
    // Newexten has the extension under a name of its own.
    channel.context = packet['Context'] ?? channel.context;
    channel.exten = packet['Extension'] ?? packet['Exten'] ?? channel.exten;
  }

  #dialBegin(event: AmiPacket): Fact[] {
    const caller = this.#channels.get(event['Uniqueid'] ?? '');
    if (caller === undefined) return [];
    caller.dialling = true;
    return this.#fact(caller);
  }

  #dialEnd(event: AmiPacket): Fact[] {
    const called = this.#channels.get(event['DestUniqueid'] ?? '');
    const cause = dialFailure(event['DialStatus']);
    if (called === undefined || cause === undefined) return [];
    return [{ ...this.#describe(called, 'fail'), cause }];
  }

  #hangup(channel: Channel, cause: EventCause): Fact[] {
    this.#channels.delete(channel.id);
    this.#gone.set(channel.id, true);
    this.#born?.delete(channel.id);
    const diverted = this.#diverting.get(channel.id);
    return [
      diverted === undefined
        ? { kind: 'cleared', key: channel.key, cause }
        : { kind: 'cleared', key: channel.key, cause: diverted, diverted: true },
    ];
  }

  /** A masquerade (pick-up, some transfers) gives a channel to another device under the same id. */
  #rename(channel: Channel, event: AmiPacket): Fact[] {
    const name = event['Newname'] ?? '';
    if (name.endsWith('<ZOMBIE>')) return [];
    if (name.endsWith('<MASQ>')) return [];
    channel.name = name;
    const device = this.#deviceOf(name);
    if (device === channel.device) return [];
    const old = channel.key;
    channel.device = device;
    const [base = '', generation = '1'] = old.split('~');
    channel.key = `${base}~${Number(generation) + 1}`;
    return [
      { kind: 'cleared', key: old, cause: 'redirected', diverted: true },
      ...this.#fact(channel),
    ];
  }

  #blindTransfer(event: AmiPacket): Fact[] {
    const channel = this.#channels.get(event['TransfererUniqueid'] ?? '');
    if (channel === undefined || event['Result'] !== 'Success') return [];
    return [{ kind: 'transferred', call: this.#resolve(channel.call), by: channel.device }];
  }

  #attendedTransfer(event: AmiPacket): Fact[] {
    const first = this.#channels.get(event['OrigTransfererUniqueid'] ?? '');
    const second = this.#channels.get(event['SecondTransfererUniqueid'] ?? '');
    if (first === undefined || second === undefined) return [];
    if (event['Result'] !== 'Success') return [];
    const intent: Intent = { reason: 'transfer', by: first.device };
    return this.#merge(first.call, second.call, intent);
  }

  #spy(event: AmiPacket): Fact[] {
    const spyer = this.#channels.get(event['SpyerUniqueid'] ?? '');
    const spied = this.#channels.get(event['SpyeeUniqueid'] ?? '');
    if (spyer === undefined || spied === undefined) return [];
    return this.#merge(spied.call, spyer.call, { reason: 'conference', by: spyer.device });
  }

  #parked(event: AmiPacket, parked: boolean): Fact[] {
    const channel = this.#channels.get(event['ParkeeUniqueid'] ?? '');
    if (channel === undefined) return [];
    channel.parked = parked;
    return this.#fact(channel);
  }

  #cameTogether(channel: Channel): Fact[] {
    const { bridge } = channel;
    if (bridge === undefined) return [];
    const others = this.inBridge(bridge).filter(
      (one) => this.#resolve(one.call) !== this.#resolve(channel.call),
    );
    const reason = this.inBridge(bridge).length > 2 ? 'conference' : 'transfer';
    return others.flatMap((one) => this.#merge(one.call, channel.call, { reason, by: undefined }));
  }

  /** The older call keeps its id: the one whose first channel came first. */
  #merge(one: string, other: string, otherwise: Intent): Fact[] {
    const [a, b] = [this.#resolve(one), this.#resolve(other)];
    if (a === b) return [];
    const [into, from] = this.#age(a) <= this.#age(b) ? [a, b] : [b, a];
    const { reason, by } = this.#intents.get(a) ?? this.#intents.get(b) ?? otherwise;
    this.#merged.set(from, into);
    return [{ kind: 'merged', from, into, reason, by }];
  }

  /** Channels are kept in the order in which they came. */
  #age(call: string): number {
    return [...this.#channels.values()].findIndex((one) => this.#resolve(one.call) === call);
  }

  #resolve(call: string): string {
    let id = call;
    for (let next = this.#merged.get(id); next !== undefined; next = this.#merged.get(id)) {
      id = next;
    }
    return id;
  }

  #fact(channel: Channel): ConnectionFact[] {
    const state = stateOf(channel, this.#options.contract);
    return state === undefined ? [] : [this.#describe(channel, state)];
  }

  #describe(channel: Channel, state: ConnectionFact['state']): ConnectionFact {
    const { number, title } = channel;
    return {
      kind: 'connection',
      key: channel.key,
      call: this.#resolve(channel.call),
      device: channel.device,
      role: channel.role,
      state,
      party: {
        ...(number === undefined ? {} : { number }),
        ...(title === undefined ? {} : { name: title }),
      },
    };
  }

  #deviceOf(channelName: string): string | undefined {
    const endpoint = endpointOf(channelName);
    return endpoint !== undefined && this.#options.isDevice(endpoint) ? endpoint : undefined;
  }
}

/** Local channels, recorders and announcers are the PBX's own doings, nobody's connection. */
function isPhone(packet: AmiPacket): boolean {
  return endpointOf(packet['Channel'] ?? '') !== undefined;
}
