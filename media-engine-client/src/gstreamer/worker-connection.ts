import { connect, type Socket } from 'node:net';
import { LineReader, OffhookError, type Clock, type Timer } from '@offhook/common';
import { verbs, workerLine, type Answer, type Verb, type WorkerEvent } from './protocol.ts';

const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Opening a device of a hung sound server is the slowest thing that a verb does. */
const DEADLINE_MS = 10_000;

interface Pending {
  readonly verb: Verb;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

/**
 * One connection to a worker's control socket: requests are pipelined, answers validated. When it
 * closes, everything pending rejects with `{layer: 'worker', code: 'closed'}` and `onClosed` runs.
 */
export class WorkerConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  readonly #onEvent: (event: WorkerEvent) => void;
  #nextId = 1;
  #closed = false;

  private constructor(
    socket: Socket,
    options: { clock: Clock; onEvent: (event: WorkerEvent) => void; onClosed: () => void },
  ) {
    this.#socket = socket;
    this.#clock = options.clock;
    this.#onEvent = options.onEvent;
    const lines = new LineReader(MAX_LINE_BYTES);
    socket.on('data', (chunk) => {
      if (!lines.push(chunk, (line) => this.#take(line))) socket.destroy();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => {
      this.#end();
      options.onClosed();
    });
  }

  /** Rejects with the socket's error when nobody listens at `path`. */
  static open(
    path: string,
    options: { clock: Clock; onEvent: (event: WorkerEvent) => void; onClosed: () => void },
  ): Promise<WorkerConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<WorkerConnection>();
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new WorkerConnection(socket, options));
    });
    return promise;
  }

  request<V extends Verb>(verb: V, params: object = {}): Promise<Answer<V>> {
    if (this.#closed) return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<Answer<V>>();
    const id = this.#nextId++;
    const timer = this.#clock.after(DEADLINE_MS, () => {
      this.#pending.delete(id);
      reject(new OffhookError('worker', 'timeout', `${verb} took longer than ${DEADLINE_MS} ms`));
    });
    this.#pending.set(id, { verb, resolve, reject, timer });
    this.#socket.write(`${JSON.stringify({ id, verb, params })}\n`);
    return promise;
  }

  /** Resolves when the worker has closed the connection, or `ms` have passed. */
  async ended(ms: number): Promise<void> {
    if (this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.after(ms, resolve);
    this.#socket.once('close', () => resolve());
    await promise;
    timer.cancel();
  }

  close(): void {
    this.#socket.destroy();
    this.#end();
  }

  #take(line: string): void {
    const parsed = workerLine.safeParse(parseJson(line));
    if (!parsed.success) return this.#fault();
    const message = parsed.data;
    if ('event' in message) return this.#onEvent(message);
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return undefined; // its deadline has passed
    this.#pending.delete(message.id);
    pending.timer.cancel();
    if ('error' in message) {
      pending.reject(new OffhookError('worker', message.error.code, message.error.message));
      return undefined;
    }
    const answer = verbs[pending.verb].safeParse(message.ok);
    if (answer.success) pending.resolve(answer.data as never);
    else pending.reject(new OffhookError('worker', 'bad-answer', `${pending.verb}: not an answer`));
    return undefined;
  }

  /** A line that is none of the protocol: the worker is not what we think it is. */
  #fault(): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#closed = true;
    for (const pending of this.#pending.values()) {
      pending.timer.cancel();
      pending.reject(closedError());
    }
    this.#pending.clear();
  }
}

function closedError(): OffhookError {
  return new OffhookError('worker', 'closed', 'the media worker has gone');
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
