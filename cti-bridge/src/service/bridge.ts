import { Emitter, OffhookError, type Clock, type EventSource, type Logger } from '@offhook/common';
import type { AdapterStatus, CtiAdapter } from '../adapter/adapter.ts';
import { Mirror } from '../model/mirror.ts';
import { check, type Subject } from '../model/preconditions.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { Call, Connection, CtiEvent, Device, ModelSnapshot } from '../model/things.ts';
import { siteGone } from '../site/errors.ts';
import { Errands } from '../site/errands.ts';
import { EventLog } from '../site/event-log.ts';
import { Membership } from '../site/membership.ts';
import { MemorySite } from '../site/memory-store.ts';
import type { Pbx } from '../site/owned-pbx.ts';
import { Seen } from '../site/seen.ts';
import type { SiteEntry, SiteStart, SiteStore } from '../site/store.ts';
import type { LogEntry, Position } from './wire.ts';

export interface BridgeOptions {
  /** Every PBX of the site; in a site of several bridges all of them have the same. */
  readonly pbxs: readonly Pbx[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is shared with other bridges of the site; without it this one is alone. */
  readonly store?: SiteStore;
  /** For readers that come back. 20,000. */
  readonly eventsKept?: number;
}

export interface BridgeEvents {
  /** In the order in which they happened; what the bridge says of itself is already as it says. */
  event: CtiEvent;
  /** The same, with its number. */
  entry: LogEntry;
  /** The numbers begin anew, or some were missed: whoever follows them has to begin anew as well. */
  restart: undefined;
}

const EVENTS_KEPT = 20_000;

/**
 * The PBXs of a site as one. This process speaks with some or all of them itself, and with the
 * others through the bridges that have them; whoever asks sees no difference.
 */
export class Bridge implements EventSource<BridgeEvents> {
  /** Resolves when it is known what is there. */
  readonly ready: Promise<void>;
  readonly #options: BridgeOptions;
  readonly #store: SiteStore;
  readonly #events = new Emitter<BridgeEvents>();
  readonly #membership: Membership;
  readonly #errands: Errands;
  readonly #view = new Mirror();
  readonly #seen = new Seen();
  /** Calls that went up in others, and the PBX of each device. */
  readonly #merged = new Map<string, string>();
  readonly #pbxOf = new Map<string, string>();
  #log: EventLog<SiteEntry>;
  #storeAway: string | undefined;
  #closed = false;

  constructor(options: BridgeOptions) {
    const { clock, logger, pbxs, eventsKept = EVENTS_KEPT } = options;
    this.#options = options;
    this.#store = options.store ?? new MemorySite({ clock, eventsKept }).join();
    this.#log = new EventLog({ epoch: 'none yet', limit: eventsKept });
    this.#membership = new Membership({
      pbxs,
      store: this.#store,
      clock,
      logger,
      onChange: () => {
        this.#errands.owners(this.#membership.owners);
      },
    });
    this.#errands = new Errands({
      store: this.#store,
      logger,
      owned: (pbx) => this.#membership.owned(pbx),
      seen: (seq, signal) => this.#seen.until(seq, signal),
    });
    const started = Promise.withResolvers<void>();
    this.#store.open({
      start: (start) => {
        this.#start(start);
        started.resolve();
      },
      entries: (entries) => {
        for (const one of entries) this.#entry(one);
        this.#seen.reached(this.#log.position.seq);
      },
      message: (message) => this.#errands.message(message),
      away: (reason) => {
        this.#storeAway = reason;
      },
    });
    this.ready = Promise.all([started.promise, this.#membership.refresh()]).then(() => undefined);
  }

  on<K extends keyof BridgeEvents>(name: K, listener: (event: BridgeEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  /** By PBX. */
  status(): Readonly<Record<string, AdapterStatus>> {
    return this.#membership.status();
  }

  /** Why other bridges of the site cannot be reached; what is shown may be out of date then. */
  get away(): string | undefined {
    return this.#storeAway ?? this.#membership.away;
  }

  /** The PBXs that this process speaks with itself. */
  get own(): readonly string[] {
    return this.#options.pbxs.flatMap(({ name }) =>
      this.#membership.owned(name) === undefined ? [] : [name],
    );
  }

  get counts(): { readonly devices: number; readonly calls: number } {
    return this.#view.counts;
  }

  get position(): Position {
    return this.#log.position;
  }

  /** The events after that one; undefined where some are not kept any more. */
  since(position: Position): readonly LogEntry[] | undefined {
    return this.#log.since(position)?.map(({ entry }) => entry);
  }

  devices(): readonly Device[] {
    return this.#view.devices();
  }

  device(id: string): Device | undefined {
    return this.#view.device(id);
  }

  calls(): readonly Call[] {
    return this.#view.calls();
  }

  /** Also by the id of a call that went up in it. */
  call(id: string): Call | undefined {
    return this.#view.call(this.#merged.get(id) ?? id);
  }

  connection(id: string): Connection | undefined {
    return this.#view.connection(id);
  }

  connectionsOf(device: string): readonly Connection[] {
    return this.#view.connectionsOf(device);
  }

  snapshot(): ModelSnapshot {
    return { devices: [...this.#view.devices()], connections: [...this.#view.connections()] };
  }

  /**
   * Checks a request and has its PBX do it; `allow` may refuse it once the devices are known that it
   * touches. It resolves when the PBX has done it; the events come before.
   *
   * @throws OffhookError layer `cti`: those of model/preconditions.ts, `pbx-gone`, `pbx-refused`,
   * `timeout`, `site-gone`
   */
  async request(
    request: ServiceRequest,
    options: { signal?: AbortSignal; allow?: (subject: Subject) => void } = {},
  ): Promise<ServiceResult> {
    const { signal = new AbortController().signal, allow = () => undefined } = options;
    if (this.#closed) throw new OffhookError('cti', 'closed', 'the bridge is closing');
    const pbx = this.#pbxFor(request);
    const owned = this.#membership.owned(pbx);
    if (owned !== undefined) {
      const { result, seq } = await owned.request(request, signal, allow);
      await this.#seen.until(seq, signal);
      return result;
    }
    const subject = check(this, request);
    allow(subject);
    if (this.away !== undefined) throw siteGone(this.away);
    let node = this.#otherOwner(pbx);
    if (node === undefined) {
      // It may have changed hands since the last look.
      await this.#membership.refresh();
      node = this.#otherOwner(pbx);
    }
    if (node === undefined) {
      throw new OffhookError('cti', 'pbx-gone', `no bridge has ${pbx} at the moment`, {
        remedy: 'ask again in a second',
      });
    }
    return this.#errands.send(node, pbx, request, subject, signal);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#errands.close();
    await this.#membership.close();
    await this.#store.close();
    this.#events.clear();
  }

  #otherOwner(pbx: string): string | undefined {
    const node = this.#membership.owners[pbx];
    return node === this.#store.node ? undefined : node;
  }

  #start({ epoch, seq, states, entries }: SiteStart): void {
    const limit = this.#options.eventsKept ?? EVENTS_KEPT;
    const all = Object.entries(states);
    this.#view.reset({
      devices: all.flatMap(([, { devices }]) => devices),
      connections: all.flatMap(([, { connections }]) => connections),
    });
    this.#merged.clear();
    this.#pbxOf.clear();
    for (const [pbx, { devices, merged }] of all) {
      for (const { id } of devices) this.#pbxOf.set(id, pbx);
      for (const [from, into] of Object.entries(merged)) this.#merged.set(from, into);
    }
    this.#log = new EventLog({ epoch, limit, seq, entries });
    this.#seen.restart(seq);
    this.#events.emit('restart', undefined);
  }

  #entry(one: SiteEntry): void {
    const { entry, pbx } = one;
    const { event, call } = entry;
    this.#view.apply(event, call);
    if (event.type === 'deviceRemoved') this.#pbxOf.delete(event.device?.id ?? '');
    else if (event.device !== undefined) this.#pbxOf.set(event.device.id, pbx);
    if (event.fromCall !== undefined && call !== undefined) {
      this.#merged.set(event.fromCall, call.id);
      for (const [from, into] of this.#merged) {
        if (into === event.fromCall) this.#merged.set(from, call.id);
      }
    }
    if (call?.connections.length === 0) {
      for (const [from, into] of this.#merged) if (into === call.id) this.#merged.delete(from);
    }
    this.#log.append(one);
    this.#events.emit('event', event);
    this.#events.emit('entry', entry);
  }

  /** Ids of connections and calls begin with their adapter's name; devices are looked for. */
  #pbxFor(request: ServiceRequest): string {
    const id = subjectId(request);
    const [prefix = ''] = id.split(':');
    const found =
      this.#pbxOf.get(id) ??
      this.#options.pbxs.find(({ name }) => name === prefix)?.name ??
      this.#options.pbxs[0]?.name;
    if (found === undefined) throw new OffhookError('cti', 'no-such-device', `no device ${id}`);
    return found;
  }
}

/** An adapter that is there already, for as long as the process is. */
export function only(adapter: CtiAdapter): Pbx {
  const close = () => Promise.resolve();
  return { name: adapter.name, open: () => Promise.resolve({ adapter, close }) };
}

function subjectId({ params }: ServiceRequest): string {
  if ('connection' in params) return params.connection;
  if ('held' in params) return params.held;
  return 'call' in params ? params.call : params.device;
}
