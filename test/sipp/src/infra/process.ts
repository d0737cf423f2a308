import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { until, within } from './wait.ts';

export interface ProcessOptions {
  /** For messages: `sipp`, `kamailio` … */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Everything it prints is kept here as well, so that a failure can be read afterwards. */
  readonly logFile?: string;
  readonly stdin?: 'ignore' | 'pipe';
  /** It runs as root or in a namespace, where the parent-death signal would be lost. */
  readonly plain?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const TAIL = 64 * 1024;
const running = new Set<ManagedProcess>();
process.on('exit', () => {
  for (const child of running) child.killNow();
});

/**
 * A child process that never outlives the runner: it is killed by the kernel when the runner dies
 * (`setpriv --pdeathsig`), and by `stop` otherwise. What it prints is kept in a bounded tail.
 */
export class ManagedProcess {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #tail = '';
  #exit: Exit | undefined;
  #spawnError: Error | undefined;

  constructor(options: ProcessOptions) {
    this.name = options.name;
    const command = options.plain === true ? options.command : 'setpriv';
    const prefix = options.plain === true ? [] : ['--pdeathsig', 'KILL', options.command];
    this.#child = spawn(command, [...prefix, ...options.args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running.add(this);
    const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a', 0o600);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      const decoder = new StringDecoder('utf8');
      stream?.on('data', (chunk: Buffer) => {
        this.#tail = (this.#tail + decoder.write(chunk)).slice(-TAIL);
        if (log !== undefined) writeSync(log, chunk);
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#spawnError = error;
        resolve(this.#ended({ code: null, signal: null }));
      });
      this.#child.once('close', (code, signal) => {
        if (log !== undefined) closeSync(log);
        resolve(this.#ended({ code, signal }));
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} did not start: ${this.describe()}`);
    return pid;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** The last 64 KiB of what it printed. */
  get output(): string {
    return this.#tail;
  }

  /** Why it is not there, with the end of its output. */
  describe(): string {
    if (this.#spawnError !== undefined) return this.#spawnError.message;
    const state =
      this.#exit === undefined
        ? 'runs'
        : `ended with ${this.#exit.signal ?? `exit code ${this.#exit.code}`}`;
    const tail = this.#tail.trim().split('\n').slice(-12).join('\n');
    return `${this.name} ${state}${tail === '' ? '' : `:\n${tail}`}`;
  }

  /** Resolves when it has printed that, or when `probe` is content; fails when it dies before. */
  async ready(
    sign: RegExp | (() => Promise<boolean> | boolean),
    options: { within: number; signal?: AbortSignal | undefined },
  ): Promise<this> {
    try {
      await until(
        `${this.name} to be ready`,
        async () => {
          if (this.#exit !== undefined) throw new Error(this.describe());
          return sign instanceof RegExp ? sign.test(this.#tail) : await sign();
        },
        { ...options, seen: () => this.describe() },
      );
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this;
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Nothing more is written to it. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit !== undefined || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      this.#child.kill(signal);
    }
  }

  killNow(): void {
    this.signal('SIGKILL');
  }

  /** SIGTERM, and SIGKILL when that was not enough after `graceMs`. Idempotent. */
  async stop(graceMs = 2000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit;
    this.signal('SIGTERM');
    const escalate = setTimeout(() => this.signal('SIGKILL'), graceMs);
    try {
      return await within(`the end of ${this.name}`, graceMs + 3000, this.exited);
    } finally {
      clearTimeout(escalate);
    }
  }

  #ended(exit: Exit): Exit {
    this.#exit = exit;
    running.delete(this);
    return exit;
  }
}

/** Runs a command to its end, within a deadline; rejects when its exit code is not 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: { within: number; cwd?: string; env?: Record<string, string>; input?: string },
): Promise<string> {
  const child = new ManagedProcess({
    name: command,
    command,
    args,
    stdin: options.input === undefined ? 'ignore' : 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  if (options.input !== undefined) {
    child.write(options.input);
    child.endInput();
  }
  try {
    const exit = await within(`${command} ${args[0] ?? ''}`, options.within, child.exited);
    if (exit.code !== 0) throw new Error(`${command} ${args.join(' ')}: ${child.describe()}`);
    return child.output;
  } finally {
    child.killNow();
  }
}
