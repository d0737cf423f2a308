import type { Fact } from '../model/facts.ts';
import type { ForwardingType, ServiceName } from '../model/terms.ts';
import type { Agent, Device, Forwarding } from '../model/things.ts';
import type { AmiPacket } from './ami-packet.ts';
import { known } from './channel.ts';

/** AstDB keys of the contract with the dial plan, below `offhook/<device>`. */
export const FORWARDING_KEYS: Readonly<Record<ForwardingType, string>> = {
  immediate: 'cfu',
  busy: 'cfb',
  noAnswer: 'cfna',
};
export const DND_KEY = 'dnd';
export const MWI_KEY = 'mwi';

/** The queue's name for a member that is not ready, because it still writes down the last call. */
export const WRAP_UP_REASON = 'wrap-up';

interface Station {
  readonly id: string;
  inService: boolean;
  readonly features: Map<string, string>;
  readonly agent: Map<string, Agent>;
}

/** What the manager's events say of phones and queues. */
export class DeviceTable {
  readonly #capabilities: (device: string) => readonly ServiceName[];
  readonly #stations = new Map<string, Station>();
  readonly #queues = new Set<string>();

  constructor(capabilities: (device: string) => readonly ServiceName[]) {
    this.#capabilities = capabilities;
  }

  has(id: string): boolean {
    return this.#stations.has(id);
  }

  memberOf(device: string, queue: string): boolean {
    return this.#stations.get(device)?.agent.has(queue) ?? false;
  }

  /** Begins anew with the listings of PJSIPShowEndpoints, QueueStatus and DBGetTree. */
  reset(listings: {
    readonly endpoints: readonly AmiPacket[];
    readonly queues: readonly AmiPacket[];
    readonly database: readonly AmiPacket[];
  }): void {
    this.#stations.clear();
    this.#queues.clear();
    for (const row of listings.endpoints) {
      const id = row['ObjectName'] ?? '';
      if (id === '') continue;
      const inService = isInService(row['DeviceState'] ?? '');
      this.#stations.set(id, { id, inService, features: new Map(), agent: new Map() });
    }
    for (const row of listings.queues) {
      const queue = row['Queue'] ?? '';
      if (row['Event'] === 'QueueParams' && queue !== '') this.#queues.add(queue);
      if (row['Event'] === 'QueueMember') this.#member(row, row['Location']);
    }
    for (const row of listings.database) {
      const [, id = '', key = ''] = /^\/offhook\/([^/]+)\/(\w+)$/.exec(row['Key'] ?? '') ?? [];
      this.#stations.get(id)?.features.set(key, row['Val'] ?? '');
    }
  }

  devices(): Device[] {
    return [
      ...[...this.#stations.values()].map((one) => this.#describe(one)),
      ...[...this.#queues].map((name): Device => ({
        id: queueDevice(name),
        kind: 'queue',
        name,
        inService: true,
        capabilities: [],
      })),
    ];
  }

  apply(event: AmiPacket): Fact[] {
    switch (event['Event'] ?? '') {
      case 'DeviceStateChange': {
        const [, id = ''] = /^PJSIP\/(.+)$/.exec(event['Device'] ?? '') ?? [];
        const station = this.#stations.get(id);
        if (station === undefined) return [];
        station.inService = isInService(event['State'] ?? '');
        return this.#fact(station);
      }
      case 'QueueMemberAdded':
      case 'QueueMemberPause':
      case 'QueueMemberStatus':
        return this.#member(event, event['Interface']);
      case 'QueueMemberRemoved': {
        const station = this.#stationOf(event['Interface']);
        if (station === undefined) return [];
        station.agent.delete(queueDevice(event['Queue'] ?? ''));
        return this.#fact(station);
      }
      case 'UserEvent':
        if (event['UserEvent'] !== 'OffhookFeature') return [];
        return this.feature(event['Device'] ?? '', event['Feature'] ?? '', known(event['Value']));
      default:
        return [];
    }
  }

  /** A feature was set, or (undefined) taken back. */
  feature(device: string, key: string, value: string | undefined): Fact[] {
    const station = this.#stations.get(device);
    if (station === undefined) return [];
    if (value === undefined) station.features.delete(key);
    else station.features.set(key, value);
    return this.#fact(station);
  }

  #member(packet: AmiPacket, location: string | undefined): Fact[] {
    const station = this.#stationOf(location);
    if (station === undefined) return [];
    const paused = packet['Paused'] === '1';
    const reason = known(packet['PausedReason'] ?? packet['Reason']);
    const queue = queueDevice(packet['Queue'] ?? '');
    station.agent.set(queue, {
      queue,
      state: paused ? (reason === WRAP_UP_REASON ? 'wrapUp' : 'notReady') : 'ready',
      ...(paused && reason !== undefined && reason !== WRAP_UP_REASON
        ? { reason: reason.slice(0, 80) }
        : {}),
    });
    return this.#fact(station);
  }

  #stationOf(location: string | undefined): Station | undefined {
    return this.#stations.get(/^PJSIP\/(.+)$/.exec(location ?? '')?.[1] ?? '');
  }

  #fact(station: Station): Fact[] {
    return [{ kind: 'device', device: this.#describe(station) }];
  }

  #describe({ id, inService, features, agent }: Station): Device {
    const forwarding = Object.entries(FORWARDING_KEYS).flatMap(([type, key]): Forwarding[] => {
      const to = features.get(key);
      return to === undefined ? [] : [{ type: type as ForwardingType, to: to.slice(0, 160) }];
    });
    return {
      id,
      kind: 'station',
      number: id,
      inService,
      doNotDisturb: features.get(DND_KEY) === '1',
      forwarding,
      messageWaiting: features.get(MWI_KEY) === '1',
      agent: [...agent.values()],
      capabilities: [...this.#capabilities(id)],
    };
  }
}

/** Queues share the name space of devices with phones. */
export function queueDevice(name: string): string {
  return `queue/${name}`;
}

/** The name of a queue device; undefined when it is none. */
export function queueName(device: string): string | undefined {
  return /^queue\/(.+)$/.exec(device)?.[1];
}

/** AMI has device states in two spellings: `UNAVAILABLE` and `Unavailable`. */
function isInService(state: string): boolean {
  return !['UNAVAILABLE', 'INVALID', 'UNKNOWN', ''].includes(state.toUpperCase());
}
