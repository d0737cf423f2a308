import { Emitter, OffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import type {
  CtiClient,
  CtiClientState,
  CtiEvent,
  Device,
  ServiceName,
  ServiceParams,
  ServiceResult,
} from '@offhook/cti-bridge/client';
import type { CallHistory, HistoryEntry } from '../call/history.ts';
import { isOver, type Call, type TransferProgress } from '../call/model.ts';
import { DeskCall } from './desk-call.ts';
import { deskCallId, deskCalls, type DeskContext, type SeenCall } from './desk-calls.ts';
import { endOfCall } from './end-of-call.ts';
import { statusOf, type DeskStatus } from './status.ts';

/** What is remembered of connections that are not there yet, or that end. */
const MOST_NOTES = 64;
/** A bridge that was started anew finds its PBX, then the phone, then the phone's calls. */
const FINDS_PBX_MS = 30_000;
const FINDS_CALLS_MS = 1000;
/** The bridge answers a request when the PBX has done it; the call is then there, or nearly. */
const CALL_WITHIN_MS = 3000;

/** What is needed of the bridge's client. */
export type DeskClient = Pick<CtiClient, 'on' | 'mirror' | 'connected' | 'request' | 'close'>;

export interface DeskLineParts {
  readonly client: DeskClient;
  readonly url: string;
  readonly device: string;
  readonly domain: string;
  readonly nameOf: (uri: string) => string | undefined;
  readonly history: CallHistory;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface DeskLineEvents {
  changed: Call;
  ended: HistoryEntry;
  dtmf: { readonly call: string; readonly digit: string; readonly durationMs: number };
  status: DeskStatus;
}

/**
 * The desk phone as the bridge tells of it: its calls and whether it can be worked. While the bridge is
 * gone the calls stand as they were last seen; they are put right when it is back.
 */
export class DeskLine {
  readonly events = new Emitter<DeskLineEvents>();
  readonly #parts: DeskLineParts;
  readonly #calls = new Map<string, DeskCall>();
  readonly #context: DeskContext;
  readonly #dialled = new Map<string, string>();
  /** What the phone has been asked to dial, until it is known as which connection. */
  #dialling: string | undefined;
  readonly #transfers = new Map<string, TransferProgress>();
  /** Why connections and calls of the bridge ended, or failed. */
  readonly #causes = new Map<string, CtiEvent['cause']>();
  /** Connections that are cleared because the person wants it. */
  readonly #ending = new Set<string>();
  /** Runs while a bridge that knows of no calls may not have found them yet. */
  #unsure: Timer | undefined;
  #link: CtiClientState | undefined;
  #told: DeskStatus;

  constructor(parts: DeskLineParts) {
    this.#parts = parts;
    const { client, device } = parts;
    this.#context = {
      domain: parts.domain,
      account: `desk:${device}`,
      nameOf: parts.nameOf,
      dialled: (connection) => {
        const isNew = !this.#calls.has(deskCallId(connection));
        return this.#dialled.get(connection) ?? (isNew ? this.#dialling : undefined);
      },
      transfer: (connection) => this.#transfers.get(connection),
    };
    this.#told = this.status;
    client.on('state', (state) => {
      this.#link = state;
      this.#tellStatus();
    });
    client.on('reset', () => {
      if (client.mirror.device(device) === undefined) this.#unsureFor(FINDS_PBX_MS);
      else this.#sure();
    });
    client.on('event', ({ event, call }) => {
      const connections = [
        ...(event.connection === undefined ? [] : [event.connection]),
        ...(event.moved ?? []),
        ...(call?.connections ?? []),
      ];
      if (event.device?.id === device) {
        if (this.#unsure !== undefined) this.#unsureFor(FINDS_CALLS_MS);
        this.#tellStatus();
      }
      const ours =
        connections.some((one) => one.device === device) ||
        [...this.#calls.values()].some((one) => one.connection.call === event.call);
      if (!ours) return;
      this.#note(event);
      this.#look();
    });
  }

  get status(): DeskStatus {
    const { device, url } = this.#parts;
    return statusOf({ link: this.#link, device, known: this.known, url });
  }

  get known(): Device | undefined {
    return this.#parts.client.mirror.device(this.#parts.device);
  }

  list(): readonly DeskCall[] {
    return [...this.#calls.values()];
  }

  /** @throws OffhookError `unknown-call` (layer `call`) */
  get(id: string): DeskCall {
    const call = this.#calls.get(id);
    if (call !== undefined) return call;
    throw new OffhookError('call', 'unknown-call', `no call ${id} at the desk phone`, {
      details: { calls: [...this.#calls.keys()] },
    });
  }

  /** The phone, if it can be worked. @throws OffhookError `desk-phone-gone` (layer `cti`) */
  get device(): Device {
    const { known } = this;
    const { state, text } = this.status;
    if (known !== undefined && this.#parts.client.connected) return known;
    throw new OffhookError('cti', 'desk-phone-gone', text, {
      remedy:
        state === 'no-device'
          ? 'see `offhook-cti devices` with this token'
          : 'work the phone by its own keys until then',
    });
  }

  get mirror(): DeskClient['mirror'] {
    return this.#parts.client.mirror;
  }

  request<N extends ServiceName>(service: N, params: ServiceParams<N>): Promise<ServiceResult> {
    return this.#parts.client.request(service, params);
  }

  /** The person wants these calls to end. */
  ends(...calls: readonly DeskCall[]): void {
    for (const { connection } of calls) this.#ending.add(connection.id);
    bound(this.#ending);
  }

  transferring(call: DeskCall, progress: TransferProgress): void {
    this.#transfers.set(call.connection.id, progress);
    bound(this.#transfers);
    this.#look();
  }

  /** The call that a service makes; `to` is what is dialled. */
  async make<N extends 'makeCall' | 'consultationCall'>(
    service: N,
    params: ServiceParams<N> & { to: string },
  ): Promise<DeskCall> {
    const { to } = params;
    this.#dialling = to;
    let connection: string;
    try {
      ({ connection = '' } = await this.request(service, params));
    } finally {
      this.#dialling = undefined;
    }
    this.#dialled.set(connection, to);
    bound(this.#dialled);
    this.#look();
    const id = deskCallId(connection);
    const found = await this.until(() => this.#calls.get(id), CALL_WITHIN_MS);
    if (found !== undefined) return found;
    throw new OffhookError('call', 'timeout', `the desk phone does not dial ${to}`);
  }

  /** What `look` gives, as soon as it gives something; undefined at the deadline or abort. */
  until<T>(look: () => T | undefined, ms: number, signal?: AbortSignal): Promise<T | undefined> {
    const now = look();
    if (now !== undefined) return Promise.resolve(now);
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const settle = (found: T | undefined) => {
      timer.cancel();
      stop();
      signal?.removeEventListener('abort', abort);
      resolve(found);
    };
    const abort = () => settle(undefined);
    const stop = this.events.on('changed', () => {
      const found = look();
      if (found !== undefined) settle(found);
    });
    const timer = this.#parts.clock.after(ms, abort);
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** Calls at the phone go on. Idempotent. */
  close(): void {
    this.#unsure?.cancel();
    this.#parts.client.close();
    this.events.clear();
  }

  #unsureFor(ms: number): void {
    this.#unsure?.cancel();
    this.#unsure = this.#parts.clock.after(ms, () => this.#sure());
  }

  #sure(): void {
    this.#unsure?.cancel();
    this.#unsure = undefined;
    this.#look();
  }

  #note(event: CtiEvent): void {
    const { connection, call, cause, type } = event;
    if (type === 'digitsGenerated' && connection?.device !== this.#parts.device) {
      const of = this.list().find((one) => one.connection.call === call);
      for (const digit of of === undefined ? '' : (event.digits ?? '')) {
        this.events.emit('dtmf', { call: of?.id ?? '', digit, durationMs: 0 });
      }
    }
    if (type === 'failed' && call !== undefined) this.#causes.set(call, cause);
    if (connection?.state === 'null') this.#causes.set(connection.id, cause);
    if (type === 'transferred' || type === 'conferenced') {
      for (const one of this.#calls.values()) {
        if (one.connection.call === call || one.connection.call === event.fromCall) {
          this.#causes.set(one.connection.id, cause);
        }
      }
    }
    bound(this.#causes);
  }

  #look(): void {
    const { client, device, clock } = this.#parts;
    const before = new Map(this.list().map(({ id, call }) => [id, call]));
    const seen = deskCalls(device, client.mirror.connections(), before, this.#context);
    const there = new Set(seen.map(({ call }) => call.id));
    for (const one of this.list()) {
      if (!there.has(one.id) && this.#unsure === undefined) this.#over(one);
    }
    for (const one of seen) this.#take(one, clock);
  }

  #take({ mine, call }: SeenCall, clock: Clock): void {
    const known = this.#calls.get(call.id);
    if (known === undefined) {
      this.#calls.set(call.id, new DeskCall(call, mine, clock));
    } else {
      if (JSON.stringify(known.call) === JSON.stringify(call)) {
        known.connection = mine;
        return;
      }
      known.become(call, mine);
    }
    this.events.emit('changed', call);
  }

  #over(one: DeskCall): void {
    const { clock, history, logger } = this.#parts;
    const { connection } = one;
    this.#calls.delete(one.id);
    const failed =
      one.call.answeredAt === undefined ? this.#causes.get(connection.call) : undefined;
    const end = endOfCall({
      cause: failed ?? this.#causes.get(connection.id),
      byUs: this.#ending.has(connection.id),
    });
    const call: Call = { ...one.call, phase: 'ended', endedAt: clock.wall(), end };
    for (const notes of [this.#causes, this.#ending, this.#dialled, this.#transfers]) {
      notes.delete(connection.id);
    }
    one.become(call, connection);
    logger.info({ call: call.id, remote: call.remote.uri, end }, 'call at the desk phone ended');
    this.events.emit('changed', call);
    const entry: HistoryEntry = { call, stats: undefined };
    history.add(entry);
    this.events.emit('ended', entry);
  }

  #tellStatus(): void {
    const { status } = this;
    const before = this.#told;
    if (JSON.stringify(status) === JSON.stringify(before)) return;
    this.#told = status;
    if (status.state !== before.state) {
      const known = {
        device: this.#parts.device,
        calls: this.list().filter(({ call }) => !isOver(call)).length,
      };
      if (status.state === 'connected') this.#parts.logger.info(known, status.text);
      else this.#parts.logger.warn(known, status.text);
    }
    this.events.emit('status', status);
  }
}

/** Lets go of the oldest notes. */
function bound(notes: Map<string, unknown> | Set<string>): void {
  for (const oldest of notes.keys()) {
    if (notes.size <= MOST_NOTES) return;
    notes.delete(oldest);
  }
}
