import {
  Emitter,
  isOffhookError,
  OffhookError,
  type Clock,
  type EventSource,
  type Logger,
} from '@offhook/common';
import { countersPath, mergeCounters, readCounters, type PortCounters } from './counters.ts';
import type { Answer, Verb, WorkerEvent } from './protocol.ts';
import { WorkerConnection } from './worker-connection.ts';
import { startWorker } from './worker-process.ts';

export interface WorkerLinkOptions {
  readonly workerPath: string;
  readonly socketPath: string;
  /** At first; see `setLease`. */
  readonly leaseMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface WorkerLinkEvents {
  event: WorkerEvent;
  /** The worker is gone; another is being started. */
  lost: { readonly message: string };
  failed: { readonly message: string };
}

/** Delays before restarts within `WINDOW_MS`, in ms; after the last one it has failed for a while. */
const DELAYS_MS = [0, 0, 100, 500, 2000, 5000];
const WINDOW_MS = 60_000;
const FAILED_RETRY_MS = 30_000;
/** Closing devices takes time. */
const QUIT_MS = 4000;

/**
 * Keeps a worker: takes over the one that runs, or starts one, and starts another as soon as it
 * dies. `rebuild` runs on every new worker before anybody else's requests do.
 */
export class WorkerLink implements EventSource<WorkerLinkEvents> {
  readonly #options: WorkerLinkOptions;
  readonly #events = new Emitter<WorkerLinkEvents>();
  readonly #rebuild: (counters: ReadonlyMap<string, PortCounters>) => Promise<void>;
  #connection: WorkerConnection | undefined;
  #leaseMs: number;
  #ready = unsettled();
  #starts: number[] = [];
  #counters: ReadonlyMap<string, PortCounters> = new Map();
  #restarting = false;
  #closed = false;
  #pid = 0;

  constructor(
    options: WorkerLinkOptions,
    rebuild: (counters: ReadonlyMap<string, PortCounters>) => Promise<void>,
  ) {
    this.#options = options;
    this.#leaseMs = options.leaseMs;
    this.#rebuild = rebuild;
  }

  on<K extends keyof WorkerLinkEvents>(
    name: K,
    listener: (event: WorkerLinkEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  get pid(): number {
    return this.#pid;
  }

  /** Connects to a running worker or starts one. */
  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch {
      await startWorker(this.#options);
      await this.#connect();
    }
    this.#ready.resolve();
  }

  /** Resolves when requests can be made; rejects when the worker has failed or this is closed. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  request<V extends Verb>(verb: V, params: object = {}): Promise<Answer<V>> {
    return this.#connection === undefined
      ? Promise.reject(new OffhookError('worker', 'closed', 'the media worker is not there'))
      : this.#connection.request(verb, params);
  }

  /** For this worker, and each that follows it. */
  async setLease(ms: number): Promise<void> {
    this.#leaseMs = ms;
    await this.request('lease', { ms });
  }

  /** Ends a worker that does not answer any more; another takes over as after any death. */
  kill(): void {
    this.#options.logger.error({ pid: this.#pid }, 'the media worker hangs and is killed');
    try {
      process.kill(this.#pid, 'SIGKILL');
    } catch {
      // It has gone by itself.
    }
  }

  async close(options: { stopWorker: boolean }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ready.reject(new OffhookError('worker', 'closed', 'the media plane is closed'));
    if (options.stopWorker) await this.#quit();
    this.#connection?.close();
    this.#connection = undefined;
    this.#events.clear();
  }

  async #quit(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    await connection.request('quit').catch(() => undefined);
    await connection.ended(QUIT_MS); // its ports are free then
    connection.close();
    this.#connection = undefined;
  }

  async #connect(): Promise<void> {
    const { socketPath, clock } = this.#options;
    const connection = await WorkerConnection.open(socketPath, {
      clock,
      onEvent: (event) => this.#events.emit('event', event),
      onClosed: () => this.#lost(connection),
    });
    this.#connection = connection;
    const hello = await connection.request('hello').catch((error: unknown) => {
      if (isOffhookError(error, 'bad-answer')) void connection.request('quit'); // of another version
      throw error;
    });
    this.#pid = hello.pid;
    await connection.request('lease', { ms: this.#leaseMs });
  }

  #lost(connection: WorkerConnection): void {
    if (this.#closed || this.#connection !== connection) return;
    this.#connection = undefined;
    // Before the next worker makes a new file in place of this one.
    const counters = readCounters(countersPath(this.#options.socketPath));
    this.#counters = mergeCounters(this.#counters, counters);
    if (this.#restarting) return;
    this.#ready = unsettled();
    this.#events.emit('lost', { message: 'the media worker died and is being restarted' });
    void this.#restart();
  }

  async #restart(): Promise<void> {
    this.#restarting = true;
    while (!this.#closed) {
      await this.#backOff();
      if (this.#closed) break;
      try {
        await startWorker(this.#options);
        await this.#connect();
        await this.#rebuild(this.#counters);
        this.#counters = new Map();
        this.#ready.resolve();
        break;
      } catch (error) {
        this.#options.logger.error({ err: error }, 'the media worker could not be restarted');
        await this.#quit(); // or it would be in the way of the next one for its lease
      }
    }
    this.#restarting = false;
  }

  async #backOff(): Promise<void> {
    const now = this.#options.clock.now();
    this.#starts = [...this.#starts.filter((at) => now - at < WINDOW_MS), now];
    const delay = DELAYS_MS[this.#starts.length - 1];
    if (delay === undefined) {
      const message = 'the media worker keeps dying';
      this.#ready.reject(new OffhookError('worker', 'failed', message));
      this.#events.emit('failed', { message });
      this.#starts = [];
      this.#ready = unsettled();
    }
    if (delay !== 0) await this.#sleep(delay ?? FAILED_RETRY_MS);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(ms, resolve);
    });
  }
}

/** A promise whose rejection nobody has to hear. */
function unsettled(): PromiseWithResolvers<void> {
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => undefined);
  return ready;
}
