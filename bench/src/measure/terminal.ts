import { spawn, type ChildProcess } from 'node:child_process';

import { OffhookError, stopProcess, withDeadline } from '@offhook/common';

import { childOf } from './proc.ts';

export interface TerminalOptions {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Unsaid, the program is told in its environment only, which costs no time at its start. */
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** ECMA-48 private mode 2026, synchronized output: what follows is one frame. */
const FRAME = '\u001b[?2026h';
/** Signs are looked for in what came last. */
const MOST_KEPT = 100_000;

/** A program on a terminal of its own (script(1) makes it), and what it writes there. */
export class Terminal {
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #program: string;
  #shown = '';
  #bytes = 0;
  #frames = 0;
  #ended = false;
  #news: () => void = () => undefined;

  constructor(options: TerminalOptions) {
    const { command, env, size } = options;
    [this.#name = ''] = command;
    this.#program = command.join(' ');
    const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const sized = size === undefined ? '' : `stty rows ${size.rows} cols ${size.columns}; `;
    const child = spawn('script', ['-qefc', `${sized}exec ${line}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, TERM: 'xterm-256color', COLUMNS: '100', LINES: '30', ...env },
    });
    this.#child = child;
    child.stdout.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      this.#bytes += chunk.length;
      this.#frames += text.split(FRAME).length - 1;
      this.#shown = (this.#shown + text).slice(-MOST_KEPT);
      this.#news();
    });
    child.once('close', () => {
      this.#ended = true;
      this.#news();
    });
  }

  /** Bytes written to it so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames drawn on it so far. */
  get frames(): number {
    return this.#frames;
  }

  /** Process id of the program. */
  get pid(): number {
    const pid = childOf(this.#child.pid ?? 0, this.#program);
    if (pid === undefined) throw this.#early();
    return pid;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** When `sign` was on it, by the clock of `performance`. */
  async shows(sign: RegExp, deadlineMs: number): Promise<number> {
    await this.#until(`the screen of ${this.#name}`, deadlineMs, () => sign.test(this.#shown));
    return performance.now();
  }

  /** Waits for more bytes than there were. */
  async writes(since: number, deadlineMs: number): Promise<void> {
    await this.#until(`a frame of ${this.#name}`, deadlineMs, () => this.#bytes > since);
  }

  async close(): Promise<void> {
    this.#news = () => undefined;
    await stopProcess(this.#child);
  }

  async #until(what: string, ms: number, test: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#news = () => {
      if (test()) resolve();
      else if (this.#ended) reject(this.#early());
    };
    this.#news();
    await withDeadline({ layer: 'system', what, ms }, () => promise);
  }

  #early(): OffhookError {
    const text = `${this.#name} ended early: ${this.#shown.slice(-500)}`;
    return new OffhookError('system', 'ended-early', text);
  }
}

/** Milliseconds from the start of a program on a terminal until `sign` is there; it is ended then. */
export async function timeToScreen(
  options: TerminalOptions & { readonly sign: RegExp; readonly deadlineMs: number },
): Promise<number> {
  const terminal = new Terminal(options);
  try {
    return (await terminal.shows(options.sign, options.deadlineMs)) - terminal.startedAt;
  } finally {
    await terminal.close();
  }
}
