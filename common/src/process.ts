import type { ChildProcess } from 'node:child_process';
import { systemClock, type Clock, type Timer } from './clock.ts';
import { Emitter, type EventSource } from './emitter.ts';
import { OffhookError } from './errors.ts';

/** How a process ended: `code` unless a signal killed it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Resolves when the child has exited or could not be started. */
export function exited(child: ChildProcess): Promise<ProcessExit> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}

/** Asks a child to end (SIGTERM), and kills it (SIGKILL) after `graceMs` (default 2,000). */
export async function stopProcess(
  child: ChildProcess,
  options: { graceMs?: number; clock?: Clock } = {},
): Promise<ProcessExit> {
  const { graceMs = 2000, clock = systemClock } = options;
  const end = exited(child);
  child.kill('SIGTERM');
  const timer = clock.after(graceMs, () => child.kill('SIGKILL'));
  try {
    return await end;
  } finally {
    timer.cancel();
  }
}

export interface SupervisorEvents {
  started: { readonly pid: number };
  /** The child ended by itself; `restartInMs` is absent when it will not be started again. */
  exited: ProcessExit & { readonly restartInMs?: number };
  /** It ended too often: `{layer: 'system', code: 'restart-limit'}`. Nothing follows. */
  failed: OffhookError;
}

export interface SupervisorOptions {
  /** For messages: `offhook-worker`. */
  name: string;
  spawn: () => ChildProcess;
  clock?: Clock;
  /** Restarts allowed within `windowMs`; 5 in 60,000 ms. */
  maxRestarts?: number;
  windowMs?: number;
  /** The delay before the first restart in a window, doubled for each further one; 100, up to 5,000. */
  firstDelayMs?: number;
  maxDelayMs?: number;
}

/** Keeps one child process running: started again with growing delays, and not for ever. */
export class Supervisor implements EventSource<SupervisorEvents> {
  readonly #options: Required<SupervisorOptions>;
  readonly #events = new Emitter<SupervisorEvents>();
  #child: ChildProcess | undefined;
  #restarts: number[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = {
      clock: systemClock,
      maxRestarts: 5,
      windowMs: 60_000,
      firstDelayMs: 100,
      maxDelayMs: 5000,
      ...options,
    };
  }

  on<K extends keyof SupervisorEvents>(
    name: K,
    listener: (event: SupervisorEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /** The running child's process id. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the child; does nothing if it runs or is about to. */
  start(): void {
    if (this.#child !== undefined || this.#timer !== undefined || this.#stopped) return;
    const child = this.#options.spawn();
    this.#child = child;
    if (child.pid !== undefined) this.#events.emit('started', { pid: child.pid });
    void exited(child).then((exit) => this.#ended(exit));
  }

  /** Ends the child and supervision. Idempotent. */
  async stop(options: { graceMs?: number } = {}): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    const child = this.#child;
    if (child !== undefined) await stopProcess(child, { ...options, clock: this.#options.clock });
  }

  #ended(exit: ProcessExit): void {
    this.#child = undefined;
    if (this.#stopped) {
      this.#events.emit('exited', exit);
      return;
    }
    const { clock, name, windowMs, maxRestarts, firstDelayMs, maxDelayMs } = this.#options;
    const now = clock.now();
    this.#restarts = this.#restarts.filter((at) => now - at < windowMs);
    if (this.#restarts.length >= maxRestarts) {
      this.#stopped = true;
      this.#events.emit('exited', exit);
      const what = `${name} ended ${maxRestarts + 1} times in ${windowMs / 1000} s`;
      this.#events.emit('failed', new OffhookError('system', 'restart-limit', what));
      return;
    }
    const restartInMs = Math.min(maxDelayMs, firstDelayMs * 2 ** this.#restarts.length);
    this.#restarts.push(now);
    this.#timer = clock.after(restartInMs, () => {
      this.#timer = undefined;
      this.start();
    });
    this.#events.emit('exited', { ...exit, restartInMs });
  }
}
