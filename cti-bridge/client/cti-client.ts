import {
  describeError,
  Emitter,
  isOffhookError,
  OffhookError,
  systemClock,
  withDeadline,
  type Clock,
  type EventSource,
  type Timer,
} from '@offhook/common';
import { WebSocket } from 'ws';
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
  /**
   * `ws://bridge:8090` or `wss://…`; `http` is taken for `ws`. Several bridges of one site are tried
   * in turn, and events go on at the next where they broke off.
   */
  readonly url: string | readonly string[];
  /** Asked for at each connect, because it may be short-lived. */
  readonly token: () => string | Promise<string>;
  readonly clock?: Clock;
  /** For a connect, and for each request. 10 s. */
  readonly timeoutMs?: number;
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined;
  /** A bridge that has not answered for twice as long is gone: a dead host closes nothing. 10 s. */
  readonly keepAliveMs?: number;
}

export type CtiClientState =
  | { readonly state: 'connected' }
  /** Told again when a later attempt fails for another reason. */
  | {
      readonly state: 'disconnected';
      readonly reason: string;
      /** Of the error: `unauthenticated`, `bridge-unreachable` … */
      readonly code: string;
    };

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
const KEEP_ALIVE_MS = 10_000;
/** What a bridge sends at once is a snapshot: of thousands of devices, some megabytes. */
const MAX_MESSAGE = 64 * 1024 * 1024;

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
  /** Events that came along with the answer to `subscribe`, before that was taken. */
  #early: LogEntry[] | undefined;
  #nextId = 1;
  /** How many connections failed or broke: the next address is tried after each. */
  #turn = 0;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #beat: Timer | undefined;
  /** Why there is no connection, as it was told last. */
  #reason: string | undefined;
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
    this.#socket?.terminate();
    this.#lost('closed', new OffhookError('cti', 'closed', 'the connection was closed'));
    this.#events.clear();
  }

  /** @throws OffhookError `cti`: `bridge-unreachable`, `unauthenticated`, `forbidden`, `timeout` */
  async open(): Promise<void> {
    const url = `${this.#address().replace(/^http/, 'ws').replace(/\/$/, '')}/v1/rpc`;
    const { ca } = this.#options;
    const socket = new WebSocket(url, {
      maxPayload: MAX_MESSAGE,
      ...(ca === undefined ? {} : { ca }),
    });
    socket.on('error', () => undefined);
    const ms = this.#options.timeoutMs ?? TIMEOUT_MS;
    try {
      await withDeadline({ layer: 'cti', what: `connecting with ${url}`, ms }, () =>
        opened(socket, url),
      );
      if (this.#closed) throw new OffhookError('cti', 'closed', 'the connection was closed');
    } catch (error) {
      socket.terminate();
      this.#turn++;
      throw error;
    }
    socket.on('message', (data: Buffer) => this.#message(socket, data.toString('utf8')));
    socket.on('close', (_code, reason) => this.#gone(socket, reason.toString('utf8')));
    this.#socket = socket;
    try {
      await this.#call('authenticate', { token: await this.#options.token() });
      const since = this.#position;
      this.#early = [];
      const start = queries.subscribe.result.parse(
        await this.#call('subscribe', since === undefined ? {} : { since }),
      );
      this.#begin(start);
    } catch (error) {
      // The bridge went meanwhile: `state` has told it.
      if (this.#socket === socket) {
        this.#socket = undefined;
        this.#turn++;
      }
      socket.terminate();
      throw error;
    }
    this.#watch(socket);
  }

  #address(): string {
    const { url } = this.#options;
    if (typeof url === 'string') return url;
    return url[this.#turn % url.length] ?? '';
  }

  /** Begins to connect, and goes on until `close`, whatever comes in between. */
  start(): void {
    void this.#again();
  }

  /** Asks whether the bridge is alive, over and over. */
  #watch(socket: WebSocket): void {
    const ms = this.#options.keepAliveMs ?? KEEP_ALIVE_MS;
    let heard = true;
    socket.on('pong', () => (heard = true));
    const look = () => {
      if (socket !== this.#socket) return;
      if (!heard) {
        this.#gone(socket, 'the bridge does not answer');
        socket.terminate();
        return;
      }
      heard = false;
      socket.ping();
      this.#beat = this.#clock.after(ms, look);
    };
    this.#beat?.cancel();
    this.#beat = this.#clock.after(ms, look);
  }

  #begin(start: z.output<(typeof queries)['subscribe']['result']>): void {
    this.#position = { epoch: start.epoch, seq: start.seq };
    this.#retryMs = FIRST_RETRY_MS;
    this.#reason = undefined;
    const early = this.#early ?? [];
    this.#early = undefined;
    if (start.snapshot !== undefined) {
      this.mirror.reset(start.snapshot);
      this.#events.emit('reset', undefined);
    }
    this.#events.emit('state', { state: 'connected' });
    for (const entry of early) this.#event(entry);
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
    if (this.#early !== undefined) {
      this.#early.push(entry);
      return;
    }
    const position = this.#position;
    // One that was here already; the numbers say so.
    if (position === undefined || entry.seq <= position.seq) return;
    this.#position = { ...position, seq: entry.seq };
    this.mirror.apply(entry.event, entry.call);
    this.#events.emit('event', entry);
  }

  #gone(socket: WebSocket, reason: string): void {
    if (socket !== this.#socket) return;
    const code = /token|nobody/.test(reason) ? 'unauthenticated' : 'bridge-unreachable';
    const why = reason === '' ? 'the bridge is gone' : reason;
    this.#lost(why, new OffhookError('cti', code, why));
    if (!this.#closed) this.#retry();
  }

  #lost(reason: string, error: OffhookError): void {
    const was = this.#socket !== undefined;
    this.#socket = undefined;
    if (was) this.#turn++;
    this.#beat?.cancel();
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    if (was) this.#tellLost(reason, error.code);
  }

  #tellLost(reason: string, code: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#events.emit('state', { state: 'disconnected', reason, code });
  }

  #retry(): void {
    const wait = this.#retryMs;
    this.#retryMs = Math.min(wait * 2, LAST_RETRY_MS);
    this.#timer?.cancel();
    this.#timer = this.#clock.after(wait, () => void this.#again());
  }

  async #again(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      if (this.#closed) return;
      if (isOffhookError(error)) this.#tellLost(error.message, error.code);
      else this.#tellLost(describeError(error), 'failed');
      this.#retry();
    }
  }
}

/** Connects, and stays connected until `close`; rejects when no address can be connected with. */
export async function connectCti(options: CtiClientOptions): Promise<CtiClient> {
  const client = new CtiClient(options);
  const addresses = typeof options.url === 'string' ? 1 : options.url.length;
  for (let left = addresses; ; left--) {
    try {
      await client.open();
      return client;
    } catch (error) {
      if (left > 1) continue;
      client.close();
      throw error;
    }
  }
}

/** Comes to a bridge as soon as there is one: for whoever has other things to do until then. */
export function followCti(options: CtiClientOptions): CtiClient {
  const client = new CtiClient(options);
  // Whoever calls it can listen first.
  queueMicrotask(() => client.start());
  return client;
}

function opened(socket: WebSocket, url: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', () => resolve());
  socket.once('error', (error: Error) =>
    reject(
      new OffhookError('cti', 'bridge-unreachable', `nothing answers at ${url}${why(error)}`, {
        cause: error,
        remedy: 'see that offhook-cti runs',
      }),
    ),
  );
  return promise;
}

/** Only what is no plain refusal: a certificate, a proxy's answer. */
function why(error: Error): string {
  return 'code' in error && error.code === 'ECONNREFUSED' ? '' : ` (${error.message})`;
}
