import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { exited, OffhookError, stopProcess, withDeadline } from '@offhook/common';

/** A node start, a worker start and a socket, on a busy machine. */
const READY_WITHIN_MS = 20_000;
/** A daemon hangs up and unregisters when it is asked to end. */
const STOP_GRACE_MS = 8000;

/** One of Offhook's daemons as a process of its own: it prints `ready` once it serves. */
export class Child {
  readonly name: string;
  readonly #process: ChildProcess;

  private constructor(name: string, process: ChildProcess) {
    this.name = name;
    this.#process = process;
  }

  /** Resolves when it is ready; what it logs goes to `logFile`. */
  static async start(options: {
    readonly name: string;
    readonly file: string;
    readonly args: readonly string[];
    readonly logFile: string;
    readonly signal: AbortSignal;
  }): Promise<Child> {
    const { name, file, args, logFile, signal } = options;
    const log = openSync(logFile, 'a', 0o600);
    // A group of its own: Ctrl-C at the terminal is for the demo, which ends its children in order.
    const child = spawn(process.execPath, [file, ...args], {
      stdio: ['ignore', 'pipe', log],
      detached: true,
    });
    closeSync(log);
    const started = new Child(name, child);
    const what = `start of ${name}`;
    try {
      await withDeadline({ layer: 'system', what, ms: READY_WITHIN_MS, signal }, () =>
        Promise.race([saysReady(child), diesEarly(name, child, logFile)]),
      );
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await stopProcess(this.#process, { graceMs: STOP_GRACE_MS });
  }
}

async function saysReady(child: ChildProcess): Promise<void> {
  if (child.stdout === null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'ready') resolve();
  });
  await promise;
}

async function diesEarly(name: string, child: ChildProcess, logFile: string): Promise<never> {
  const { code, signal } = await exited(child);
  const said = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  throw new OffhookError('system', 'child-ended', `${name} ended with ${signal ?? code}:\n${said}`);
}
