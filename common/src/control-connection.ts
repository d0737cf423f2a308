import type { Socket } from 'node:net';
import { nearest } from './config-schema.ts';
import {
  CANCEL,
  cancelParams,
  invalidParams,
  MAX_LINE_BYTES,
  request,
  rpcCode,
  SUBSCRIBE,
  subscribeParams,
  toWire,
  type RequestId,
} from './control-protocol.ts';
import type { ControlMethods } from './control-server.ts';
import { OffhookError } from './errors.ts';
import { LineReader } from './line-reader.ts';
import type { Logger } from './log.ts';

/** How long a client has to take its last bytes when the server ends the connection. */
const END_MS = 500;
/** Requests of one client that may be in the works at a time. */
const MAX_PENDING = 256;

interface Options {
  readonly methods: ControlMethods;
  readonly logger: Logger;
  readonly maxQueued: number;
}

/** The server's side of one client of the control socket. */
export class ControlConnection {
  readonly #socket: Socket;
  readonly #options: Options;
  readonly #pending = new Map<RequestId, AbortController>();
  /** Undefined: no events; empty: all of them. */
  #events: ReadonlySet<string> | undefined;

  constructor(socket: Socket, options: Options) {
    this.#socket = socket;
    this.#options = options;
    const lines = new LineReader(MAX_LINE_BYTES);
    socket.on('data', (chunk: Buffer) => {
      if (!lines.push(chunk, (line) => this.#line(line))) this.#tooLong();
    });
    socket.once('close', () => this.#abortAll());
  }

  wants(event: string): boolean {
    return this.#events !== undefined && (this.#events.size === 0 || this.#events.has(event));
  }

  /** Queues a whole line; a client that has left too much unread is cut off. */
  send(line: string): void {
    if (!this.#socket.writable) return;
    if (this.#socket.writableLength > this.#options.maxQueued) {
      this.#options.logger.warn(
        { queuedBytes: this.#socket.writableLength },
        'control client does not read; disconnected',
      );
      this.destroy();
      return;
    }
    this.#socket.write(line);
  }

  /** Aborts what is being handled and closes once everything is sent, soon at any rate. */
  end(): void {
    this.#abortAll();
    this.#events = undefined;
    this.#socket.end();
    // What the client still sends is read and ignored, or its half would stay open.
    this.#socket.removeAllListeners('data').resume();
    const timer = setTimeout(() => this.#socket.destroy(), END_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Tells the client why it is not served, and ends. */
  refuse(error: OffhookError, rpc: number = rpcCode.named): void {
    this.#reply(null, { error: toWire(error, rpc) });
    this.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #line(line: string): void {
    if (line.trim() === '') return;
    let data: unknown;
    try {
      data = JSON.parse(line);
    } catch {
      this.#fail(null, 'parse-error', 'not a JSON text', rpcCode.parse);
      return;
    }
    const parsed = request.safeParse(data);
    if (!parsed.success) {
      this.#fail(null, 'invalid-request', 'not a JSON-RPC 2.0 request', rpcCode.invalidRequest);
      return;
    }
    const { id, method, params = {} } = parsed.data;
    if (id === undefined) this.#notification(method, params);
    else void this.#request(id, method, params);
  }

  #notification(method: string, params: unknown): void {
    if (method !== CANCEL) return;
    const parsed = cancelParams.safeParse(params);
    if (parsed.success) this.#pending.get(parsed.data.id)?.abort(cancelled());
  }

  async #request(id: RequestId, method: string, params: unknown): Promise<void> {
    if (this.#pending.has(id)) {
      this.#fail(id, 'invalid-request', 'this id is in use', rpcCode.invalidRequest);
      return;
    }
    if (this.#pending.size >= MAX_PENDING) {
      this.#fail(id, 'too-many-requests', `more than ${MAX_PENDING} requests at a time`);
      return;
    }
    const controller = new AbortController();
    this.#pending.set(id, controller);
    try {
      const result = await this.#run(method, params, controller.signal);
      this.#reply(id, { result });
    } catch (error) {
      this.#reply(id, { error: this.#translate(method, error) });
    } finally {
      this.#pending.delete(id);
    }
  }

  async #run(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    if (method === SUBSCRIBE) return this.#subscribe(params);
    const { methods } = this.#options;
    const row = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (row === undefined) {
      const meant = nearest(method, Object.keys(methods));
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      throw new OffhookError('control', 'unknown-method', `no method ${method}${hint}`);
    }
    const parsed = row.params.safeParse(params);
    if (!parsed.success) throw invalidParams(method, parsed.error);
    return row.result.parse(await row.handle(parsed.data, { signal }));
  }

  #subscribe(params: unknown): object {
    const parsed = subscribeParams.safeParse(params);
    if (!parsed.success) throw invalidParams(SUBSCRIBE, parsed.error);
    this.#events = new Set(parsed.data.events);
    return {};
  }

  #translate(method: string, error: unknown): object {
    if (error instanceof OffhookError) {
      if (error.code === 'unknown-method') return toWire(error, rpcCode.unknownMethod);
      if (error.code === 'invalid-params') return toWire(error, rpcCode.invalidParams);
      return toWire(error);
    }
    if (error instanceof Error && error.name === 'AbortError') return toWire(cancelled());
    this.#options.logger.error({ err: error, method }, 'control method failed unexpectedly');
    const internal = new OffhookError('control', 'internal', `${method} failed; see the log`);
    return toWire(internal, rpcCode.internal);
  }

  #fail(id: RequestId | null, code: string, message: string, rpc: number = rpcCode.named): void {
    this.#reply(id, { error: toWire(new OffhookError('control', code, message), rpc) });
  }

  #reply(id: RequestId | null, body: object): void {
    let line = `${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n`;
    if (Buffer.byteLength(line) > MAX_LINE_BYTES) {
      const error = new OffhookError('control', 'too-large', 'the result does not fit into a line');
      line = `${JSON.stringify({ jsonrpc: '2.0', id, error: toWire(error) })}\n`;
    }
    this.send(line);
  }

  #tooLong(): void {
    const what = `a line is longer than ${MAX_LINE_BYTES} bytes`;
    this.refuse(new OffhookError('control', 'too-large', what), rpcCode.parse);
  }

  #abortAll(): void {
    for (const controller of this.#pending.values()) controller.abort(cancelled());
  }
}

function cancelled(): OffhookError {
  return new OffhookError('control', 'cancelled', 'the request was taken back');
}
