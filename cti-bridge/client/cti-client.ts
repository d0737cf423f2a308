import {
  Emitter,
  OffhookError,
  systemClock,
  withDeadline,
  type Clock,
  type EventSource,
  type Timer,
} from '@offhook/common';
import { z } from 'zod';
import { Mirror } from '../src/model/mirror.ts';
import { serviceResult, type ServiceParams } from '../src/model/services.ts';
import type { ServiceName } from '../src/model/terms.ts';
import {
  logEntry,
  queries,
  type LogEntry,
  type Position,
  type QueryName,
  type QueryParams,
  type QueryResult,
} from '../src/service/wire.ts';

export interface CtiClientOptions {
  /** `ws://bridge:8090` or `wss://…`; `http` is taken for `ws`. */
  readonly url: string;
  /** Asked for at each connect, because it may be short-lived. */
  readonly token: () => string | Promise<string>;
  readonly clock?: Clock;
  /** For a connect, and for each request. 10 s. */
  readonly timeoutMs?: number;
}

export type CtiClientState =
  | { readonly state: 'connected' }
  | { readonly state: 'disconnected'; readonly reason: string };

export interface CtiClientEvents {
  /** After the mirror has taken it. */
  event: LogEntry;
  /** The mirror was filled anew: what happened in between is in no event. */
  reset: undefined;
  state: CtiClientState;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
const TIMEOUT_MS = 10_000;

const message = z.object({
  id: z.number().nullish(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: z
    .object({
      message: z.string(),
      data: z.object({ code: z.string(), remedy: z.string().optional() }).optional(),
    })
    .optional(),
});

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A bridge as seen from a program: what is there is in `mirror`, and stays right over reconnects;
 * events come once each and in order.
 */
export class CtiClient implements EventSource<CtiClientEvents> {
  readonly mirror = new Mirror();
  readonly #options: CtiClientOptions;
  readonly #clock: Clock;
  readonly #events = new Emitter<CtiClientEvents>();
  readonly #pending = new Map<number, Pending>();
  #socket: WebSocket | undefined;
  #position: Position | undefined;
  #nextId = 1;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: CtiClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  on<K extends keyof CtiClientEvents>(
    name: K,
    listener: (event: CtiClientEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Has a service done; rejects with the bridge's OffhookError of layer `cti`. */
  async request<N extends ServiceName>(service: N, params: ServiceParams<N>) {
    return serviceResult.parse(await this.#call(service, params));
  }

  async query<N extends Exclude<QueryName, 'authenticate' | 'subscribe' | 'unsubscribe'>>(
    name: N,
    params: QueryParams<N>,
  ): Promise<QueryResult<N>> {
    return queries[name].result.parse(await this.#call(name, params)) as QueryResult<N>;
  }

  /** Idempotent; what is pending rejects. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#socket?.close();
    this.#lost('closed', new OffhookError('cti', 'closed', 'the connection was closed'));
    this.#events.clear();
  }

  /** @throws OffhookError `cti`: `bridge-unreachable`, `unauthenticated`, `forbidden`, `timeout` */
  async open(): Promise<void> {
    const url = `${this.#options.url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/rpc`;
    const socket = new WebSocket(url);
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    try {
      await withDeadline({ layer: 'cti', what: `connecting with ${url}`, ms }, () =>
        opened(socket, url),
      );
    } catch (error) {
      socket.close();
      throw error;
    }
    socket.addEventListener('message', ({ data }) => this.#message(socket, String(data)));
    socket.addEventListener('close', ({ reason }) => this.#gone(socket, reason));
    this.#socket = socket;
    try {
      await this.#call('authenticate', { token: await this.#options.token() });
      const since = this.#position;
      const start = queries.subscribe.result.parse(
        await this.#call('subscribe', since === undefined ? {} : { since }),
      );
      this.#begin(start);
    } catch (error) {
      this.#socket = undefined;
      socket.close();
      throw error;
    }
  }

  #begin(start: z.output<(typeof queries)['subscribe']['result']>): void {
    this.#position = { epoch: start.epoch, seq: start.seq };
    this.#retryMs = FIRST_RETRY_MS;
    if (start.snapshot !== undefined) {
      this.mirror.reset(start.snapshot);
      this.#events.emit('reset', undefined);
    }
    this.#events.emit('state', { state: 'connected' });
  }

  async #call(method: string, params: object): Promise<unknown> {
    const socket = this.#socket;
    if (socket === undefined) {
      throw new OffhookError('cti', 'bridge-unreachable', 'there is no connection with the bridge');
    }
    const id = this.#nextId++;
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    try {
      return await withDeadline({ layer: 'cti', what: method, ms }, () => {
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        this.#pending.set(id, { resolve, reject });
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
        return promise;
      });
    } finally {
      this.#pending.delete(id);
    }
  }

  #message(socket: WebSocket, text: string): void {
    if (this.#closed || socket !== this.#socket) return;
    const { id, method, params, result, error } = message.parse(JSON.parse(text));
    if (method === 'event') {
      this.#event(logEntry.parse(params));
      return;
    }
    const pending = this.#pending.get(id ?? -1);
    if (error === undefined) pending?.resolve(result);
    else {
      const { code = 'refused', remedy } = error.data ?? {};
      pending?.reject(new OffhookError('cti', code, error.message, { remedy }));
    }
  }

  #event(entry: LogEntry): void {
    const position = this.#position;
    // One that was here already; the numbers say so.
    if (position === undefined || entry.seq <= position.seq) return;
    this.#position = { ...position, seq: entry.seq };
    this.mirror.apply(entry.event, entry.call);
    this.#events.emit('event', entry);
  }

  #gone(socket: WebSocket, reason: string): void {
    if (socket !== this.#socket) return;
    const why = reason === '' ? 'the bridge is gone' : reason;
    this.#lost(why, new OffhookError('cti', 'bridge-unreachable', why));
    if (!this.#closed) this.#retry();
  }

  #lost(reason: string, error: OffhookError): void {
    const was = this.#socket !== undefined;
    this.#socket = undefined;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    if (was) this.#events.emit('state', { state: 'disconnected', reason });
  }

  #retry(): void {
    const wait = this.#retryMs;
    this.#retryMs = Math.min(wait * 2, LAST_RETRY_MS);
    this.#timer = this.#clock.after(wait, () => void this.#again());
  }

  async #again(): Promise<void> {
    try {
      await this.open();
    } catch {
      if (!this.#closed) this.#retry();
    }
  }
}

/** Connects, and stays connected until `close`; rejects when the first connect fails. */
export async function connectCti(options: CtiClientOptions): Promise<CtiClient> {
  const client = new CtiClient(options);
  await client.open();
  return client;
}

function opened(socket: WebSocket, url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.addEventListener('open', () => resolve());
  socket.addEventListener('error', () =>
    reject(
      new OffhookError('cti', 'bridge-unreachable', `nothing answers at ${url}`, {
        remedy: 'see that offhook-cti runs',
      }),
    ),
  );
  return promise;
}
