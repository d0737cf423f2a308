import type { Socket } from 'node:net';
import type { z } from 'zod';
import { CANCEL, fromWire, MAX_LINE_BYTES, response, SUBSCRIBE } from './control-protocol.ts';
import { OffhookError } from './errors.ts';
import { LineReader } from './line-reader.ts';
import { connectUnix } from './unix-socket.ts';
import { withDeadline } from './wait.ts';

export interface ControlCallOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds; 30,000 by default. */
  timeoutMs?: number | undefined;
}

/** A client of a control socket. */
export interface ControlClient {
  /**
   * Calls a method. With `result` the answer is validated.
   *
   * @throws the daemon's OffhookError; or layer `control`: `timeout`, `closed`, `invalid-result`.
   */
  call<R extends z.ZodType>(
    method: string,
    params: unknown,
    options: ControlCallOptions & { result: R },
  ): Promise<z.output<R>>;
  call(method: string, params?: unknown, options?: ControlCallOptions): Promise<unknown>;
  /** Turns on events: all, or those named. */
  subscribe(events?: readonly string[], options?: ControlCallOptions): Promise<void>;
  /** Listens to one event, or with `*` to every one. Returns the function that stops it. */
  on(event: string, listener: (params: unknown, event: string) => void): () => void;
  /** Called once when the connection has gone: with the reason unless `close` was called. */
  onClose(listener: (error: OffhookError | undefined) => void): () => void;
  readonly closed: boolean;
  /** Idempotent; pending calls reject with `closed`. */
  close(): Promise<void>;
}

export interface ConnectControlOptions {
  /** Milliseconds for connecting; 2,000 by default. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Connects to a daemon's control socket.
 *
 * @throws OffhookError layer `control`: `not-reachable` when no daemon is there, `timeout`,
 * `permission-denied`, `path-too-long`, `connect-failed`.
 */
export async function connectControl(
  path: string,
  options: ConnectControlOptions = {},
): Promise<ControlClient> {
  const { timeoutMs = 2000, signal } = options;
  return new SocketClient(await connectUnix({ path, layer: 'control', timeoutMs, signal }));
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class SocketClient implements ControlClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, Set<(params: unknown, event: string) => void>>();
  readonly #closeListeners = new Set<(error: OffhookError | undefined) => void>();
  readonly #gone = Promise.withResolvers<void>();
  #nextId = 1;
  #closed = false;
  #closing = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // The server bounds its own lines; the reserve is for the envelope of the largest one.
    const lines = new LineReader(2 * MAX_LINE_BYTES);
    socket.on('data', (chunk: Buffer) => {
      const fits = lines.push(chunk, (line) => this.#line(line));
      if (!fits)
        this.#end(new OffhookError('control', 'too-large', 'the daemon sent too long a line'));
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      const lost = new OffhookError('control', 'closed', 'the daemon closed the connection');
      this.#end(this.#closing ? undefined : lost);
      this.#gone.resolve();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  async call(
    method: string,
    params: unknown = {},
    options: ControlCallOptions & { result?: z.ZodType } = {},
  ): Promise<unknown> {
    const { timeoutMs = 30_000, signal, result: schema } = options;
    signal?.throwIfAborted();
    if (this.#closed || this.#closing) throw notConnected();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#send({ jsonrpc: '2.0', id, method, params });
    try {
      const result = await withDeadline(
        { layer: 'control', what: method, ms: timeoutMs, signal },
        () => promise,
      );
      return schema === undefined ? result : validated(method, schema, result);
    } finally {
      // Still waiting means that this end has lost interest: tell the daemon.
      if (this.#waiting.delete(id)) {
        promise.catch(() => undefined);
        this.#send({ jsonrpc: '2.0', method: CANCEL, params: { id } });
      }
    }
  }

  async subscribe(events?: readonly string[], options?: ControlCallOptions): Promise<void> {
    await this.call(SUBSCRIBE, events === undefined ? {} : { events }, options);
  }

  on(event: string, listener: (params: unknown, event: string) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener);
    return () => set.delete(listener);
  }

  onClose(listener: (error: OffhookError | undefined) => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#end(undefined);
    }
    await this.#gone.promise;
  }

  #send(message: object): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #line(line: string): void {
    const parsed = response.safeParse(tryJson(line));
    if (!parsed.success) return;
    const { id, method, params, result, error } = parsed.data;
    if (method !== undefined) {
      for (const name of [method, '*']) {
        for (const listener of this.#listeners.get(name) ?? []) listener(params, method);
      }
    } else if (typeof id === 'number') {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(fromWire(error));
    } else if (error !== undefined) {
      // Not about one request: the daemon refuses the connection and says why.
      this.#end(fromWire(error));
    }
  }

  #end(error: OffhookError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const waiting of this.#waiting.values()) waiting.reject(error ?? notConnected());
    this.#waiting.clear();
    this.#socket.destroy();
    for (const listener of this.#closeListeners) listener(error);
  }
}

function validated(method: string, schema: z.ZodType, result: unknown): unknown {
  const parsed = schema.safeParse(result);
  if (parsed.success) return parsed.data;
  throw new OffhookError(
    'control',
    'invalid-result',
    `${method}: the daemon's answer is not understood`,
    {
      remedy: 'restart the daemon: it may be of another version',
    },
  );
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function notConnected(): OffhookError {
  return new OffhookError('control', 'closed', 'the connection to the daemon is closed');
}
