import { Emitter, OffhookError, type Clock, type EventSource, type Logger } from '@offhook/common';
import type { AdapterStatus, CtiAdapter } from '../adapter/adapter.ts';
import { CallModel } from '../model/call-model.ts';
import { check, type Subject } from '../model/preconditions.ts';
import type { ServiceRequest, ServiceResult } from '../model/services.ts';
import type { Call, Connection, CtiEvent, Device, ModelSnapshot } from '../model/things.ts';

export interface BridgeOptions {
  readonly adapters: readonly CtiAdapter[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface BridgeEvents {
  /** In the order in which they happened; the model is already as it says. */
  event: CtiEvent;
  status: { readonly adapter: string; readonly status: AdapterStatus };
}

interface Attached {
  readonly adapter: CtiAdapter;
  readonly model: CallModel;
  status: AdapterStatus;
}

/** Several PBXs as one: each adapter has a model of its own, and whoever asks sees all of them. */
export class Bridge implements EventSource<BridgeEvents> {
  readonly #attached: readonly Attached[];
  readonly #events = new Emitter<BridgeEvents>();
  #closed = false;

  constructor(options: BridgeOptions) {
    this.#attached = options.adapters.map((adapter) => ({
      adapter,
      model: new CallModel(),
      status: { up: false, reason: 'not connected yet' },
    }));
    for (const attached of this.#attached) this.#start(attached, options.clock);
  }

  on<K extends keyof BridgeEvents>(name: K, listener: (event: BridgeEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  /** By adapter. */
  status(): Readonly<Record<string, AdapterStatus>> {
    return Object.fromEntries(this.#attached.map(({ adapter, status }) => [adapter.name, status]));
  }

  devices(): readonly Device[] {
    return this.#attached.flatMap(({ model }) => model.devices());
  }

  device(id: string): Device | undefined {
    return this.#attached.map(({ model }) => model.device(id)).find((one) => one !== undefined);
  }

  calls(): readonly Call[] {
    return this.#attached.flatMap(({ model }) => model.calls());
  }

  call(id: string): Call | undefined {
    return this.#attached.map(({ model }) => model.call(id)).find((one) => one !== undefined);
  }

  connection(id: string): Connection | undefined {
    return this.#attached.map(({ model }) => model.connection(id)).find((one) => one !== undefined);
  }

  connectionsOf(device: string): readonly Connection[] {
    return this.#attached.flatMap(({ model }) => model.connectionsOf(device));
  }

  snapshot(): ModelSnapshot {
    const all = this.#attached.map(({ model }) => model.snapshot());
    return {
      devices: all.flatMap(({ devices }) => devices),
      connections: all.flatMap(({ connections }) => connections),
    };
  }

  /**
   * Checks a request against the model and has its PBX do it; `allow` may refuse it once the devices
   * are known that it touches. It resolves when the PBX has done it; the events come before.
   *
   * @throws OffhookError layer `cti`: those of model/preconditions.ts, `pbx-gone`, `pbx-refused`,
   * `timeout`
   */
  async request(
    request: ServiceRequest,
    options: { signal?: AbortSignal; allow?: (subject: Subject) => void } = {},
  ): Promise<ServiceResult> {
    const { signal = new AbortController().signal, allow } = options;
    const attached = this.#responsible(request);
    const subject = check(attached.model, request);
    allow?.(subject);
    if (this.#closed) throw new OffhookError('cti', 'closed', 'the bridge is closing');
    return attached.adapter.request(request, signal);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#attached.map(({ adapter }) => adapter.close()));
    this.#events.clear();
  }

  #start(attached: Attached, clock: Clock): void {
    const { adapter, model } = attached;
    adapter.start({
      fact: (fact) => {
        for (const event of model.apply(fact, clock.wall())) this.#events.emit('event', event);
      },
      status: (status) => {
        attached.status = status;
        this.#events.emit('status', { adapter: adapter.name, status });
      },
    });
  }

  /** Ids of connections and calls begin with their adapter's name; devices are looked for. */
  #responsible(request: ServiceRequest): Attached {
    const id = subjectId(request);
    const [prefix] = id.split(':');
    const found =
      this.#attached.find(({ model }) => model.device(id) !== undefined) ??
      this.#attached.find(({ adapter }) => adapter.name === prefix) ??
      this.#attached[0];
    if (found === undefined) throw new OffhookError('cti', 'no-such-device', `no device ${id}`);
    return found;
  }
}

function subjectId({ params }: ServiceRequest): string {
  if ('connection' in params) return params.connection;
  if ('held' in params) return params.held;
  return 'call' in params ? params.call : params.device;
}
