import { OffhookError, systemClock, type Clock, type Timer } from '@offhook/common';
import type { z } from 'zod';
import { services, type ServiceRequest, type ServiceResult } from '../model/services.ts';
import type { ServiceName } from '../model/terms.ts';
import type { Call, ModelSnapshot } from '../model/things.ts';
import { VERSION } from '../version.ts';
import type { Principal } from './access.ts';
import type { Audit } from './audit.ts';
import type { Bridge } from './bridge.ts';
import type { Metrics } from './metrics.ts';
import type { RateLimit } from './rate-limit.ts';
import { visibleEntry, visibleSnapshot } from './visible.ts';
import type { LogEntry, Position, QueryName, QueryParams, QueryResult } from './wire.ts';

export interface OfficeOptions {
  readonly bridge: Bridge;
  readonly rateLimit: RateLimit;
  readonly audit: Audit;
  readonly clock?: Clock;
}

export interface Reader {
  entry(entry: LogEntry): void;
  /** The numbers begin anew: it has to subscribe again. */
  restart(): void;
}

export interface Subscription {
  readonly resumed: boolean;
  readonly position: Position;
  readonly snapshot: ModelSnapshot | undefined;
  /** What was missed, to be sent before anything else. */
  readonly missed: readonly LogEntry[];
  close(): void;
}

type Answers = { [N in Exclude<QueryName, 'authenticate' | 'subscribe' | 'unsubscribe'>]: true };

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const NO_TIMER: Timer = { cancel: () => undefined };

/**
 * What every way in has in common: who asks sees his own devices, does what his token is good for,
 * not too often, and it is written down.
 */
export class Office {
  readonly #options: OfficeOptions;
  readonly #clock: Clock;
  readonly #readers = new Set<Reader>();
  readonly #stops: readonly (() => void)[];
  /** Set once, because metrics ask the office themselves. */
  metrics: Metrics | undefined;

  constructor(options: OfficeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#stops = [
      options.bridge.on('entry', (entry) => this.#entry(entry)),
      options.bridge.on('restart', () => {
        for (const reader of this.#readers) reader.restart();
      }),
    ];
  }

  get subscribers(): number {
    return this.#readers.size;
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#readers.clear();
  }

  /**
   * Has a service done.
   *
   * @throws OffhookError `cti`: `forbidden`, `rate-limited`, `invalid-params`, and those of
   * `Bridge.request`
   */
  async perform(
    who: Principal,
    service: ServiceName,
    params: unknown,
    options: { from: string; signal?: AbortSignal },
  ): Promise<ServiceResult> {
    const { rateLimit, bridge, audit } = this.#options;
    const since = this.#clock.now();
    const known = services[service].params.safeParse(params);
    let result = 'ok';
    try {
      this.#admit(who);
      who.demandService(service);
      if (!known.success) throw invalid(service, known.error);
      rateLimit.take(who.name);
      const request = { service, params: known.data } as ServiceRequest;
      return await bridge.request(request, {
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        allow: ({ device, also }) => who.demandDevices([device.id, ...also]),
      });
    } catch (error) {
      result = error instanceof OffhookError ? error.code : 'unexpected';
      throw error;
    } finally {
      // What could not be understood is not repeated in a log.
      const told = known.success ? known.data : {};
      audit.record({ who: who.name, from: options.from, service, params: told, result });
      this.metrics?.requests.inc({ service, result });
      this.metrics?.seconds.observe({ service }, (this.#clock.now() - since) / 1000);
    }
  }

  /** @throws OffhookError `cti`: `forbidden`, `rate-limited`, `no-such-device`, `no-such-call` */
  query<N extends keyof Answers>(who: Principal, name: N, params: QueryParams<N>): QueryResult<N> {
    this.#admit(who);
    who.demand('monitor');
    this.#options.rateLimit.take(who.name);
    return this.#answer(who, name, params) as QueryResult<N>;
  }

  /** Tells `reader` of everything from now on that `who` may see. */
  subscribe(who: Principal, since: Position | undefined, reader: Reader): Subscription {
    this.#admit(who);
    who.demand('monitor');
    this.#options.rateLimit.take(who.name);
    const { position } = this.#options.bridge;
    const missed = since === undefined ? undefined : this.#options.bridge.since(since);
    const own: Reader = {
      entry: (entry) => {
        const visible = this.#clock.wall() < who.expiresAt ? visibleEntry(who, entry) : undefined;
        if (visible !== undefined) reader.entry(visible);
      },
      restart: () => reader.restart(),
    };
    this.#readers.add(own);
    return {
      resumed: missed !== undefined,
      position,
      missed: (missed ?? []).flatMap((entry) => visibleEntry(who, entry) ?? []),
      snapshot:
        missed === undefined ? visibleSnapshot(who, this.#options.bridge.snapshot()) : undefined,
      close: () => void this.#readers.delete(own),
    };
  }

  /** Does that when the token of `who` expires; it may live on for as long as a timer can run. */
  atExpiry(who: Principal, end: () => void): Timer {
    const left = who.expiresAt - this.#clock.wall();
    return left < LONGEST_TIMER_MS ? this.#clock.after(Math.max(0, left), end) : NO_TIMER;
  }

  #answer(
    who: Principal,
    name: keyof Answers,
    params: Partial<QueryParams<'snapshotDevice'> & QueryParams<'snapshotCall'>>,
  ): object {
    const { bridge } = this.#options;
    switch (name) {
      case 'systemStatus':
        return {
          version: VERSION,
          pbxs: Object.entries(bridge.status()).map(([pbx, status]) => ({ name: pbx, ...status })),
        };
      case 'devices':
        return { devices: bridge.devices().filter(({ id }) => who.sees(id)) };
      case 'snapshotDevice': {
        const id = params.device ?? '';
        const device = who.sees(id) ? bridge.device(id) : undefined;
        if (device === undefined) {
          throw new OffhookError('cti', 'no-such-device', `there is no device ${id}`);
        }
        const ids = new Set(bridge.connectionsOf(id).map(({ call }) => call));
        return { device, calls: [...ids].flatMap((call) => bridge.call(call) ?? []) };
      }
      case 'calls':
        return { calls: bridge.calls().filter((call) => isSeen(who, call)) };
      case 'snapshotCall': {
        const call = bridge.call(params.call ?? '');
        if (call === undefined || !isSeen(who, call)) {
          throw new OffhookError('cti', 'no-such-call', `there is no call ${params.call ?? ''}`);
        }
        return call;
      }
      case 'snapshot':
        return { ...bridge.position, ...visibleSnapshot(who, bridge.snapshot()) };
      default:
        return name satisfies never;
    }
  }

  #admit(who: Principal): void {
    if (this.#clock.wall() < who.expiresAt) return;
    throw new OffhookError('cti', 'unauthenticated', 'the token has expired');
  }

  #entry(entry: LogEntry): void {
    this.metrics?.events.inc({ type: entry.event.type });
    for (const reader of this.#readers) reader.entry(entry);
  }
}

function isSeen(who: Principal, call: Call): boolean {
  return call.connections.some(({ device }) => device !== undefined && who.sees(device));
}

export function invalid(method: string, error: z.ZodError): OffhookError {
  const problems = error.issues.map(({ path, message }) => {
    const where = path.map(String).join('.');
    return where === '' ? message : `${where}: ${message}`;
  });
  return new OffhookError('cti', 'invalid-params', `${method}: ${problems.join('; ')}`);
}
