import { spawn, type ChildProcess } from 'node:child_process';
import { systemClock, type Clock } from './clock.ts';
import type { Output } from './cli.ts';
import { exited, type ProcessExit } from './process.ts';
import { afterExit, neverFailed, type RestartState } from './restart-policy.ts';

export interface SuperviseOptions {
  /** For messages: `offhook daemon`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly output: Output;
  readonly clock?: Clock;
  /** When it aborts, the process is asked to end (SIGTERM). */
  readonly signal: AbortSignal;
}

/**
 * Keeps a process running: starts it again when it dies, with growing pauses, and gives up when it
 * dies at once every time. Its first line on standard output (`ready`) is passed on once, its standard
 * error always. Resolves with the exit code to end with.
 */
export async function supervise(options: SuperviseOptions): Promise<number> {
  const { name, output, signal, clock = systemClock } = options;
  let state: RestartState = neverFailed;
  let told = false;
  const ready = (text: string): void => {
    if (!told) output.out(text);
    told = true;
  };
  for (;;) {
    const from = clock.now();
    const exit = await oneLife(options, ready);
    if (signal.aborted) return exit.code ?? 0;
    const decision = afterExit(state, exit, clock.now() - from);
    const how = exit.signal === null ? `exit code ${exit.code ?? '?'}` : exit.signal;
    if (decision.action === 'stop') return decision.code;
    if (decision.action === 'give-up') {
      output.err(
        `${name}: died ${decision.failures} times in a row (${how}), and is not started again; ` +
          'see its messages above\n',
      );
      return 1;
    }
    output.err(`${name}: died (${how}), and is started again\n`);
    ({ state } = decision);
    await pause(clock, decision.afterMs, signal);
    if (signal.aborted) return 0;
  }
}

async function oneLife(
  { command, args, signal }: SuperviseOptions,
  ready: (text: string) => void,
): Promise<ProcessExit> {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.on('data', (chunk: Buffer) => ready(chunk.toString()));
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const exit = await exited(child);
  signal.removeEventListener('abort', stop);
  return exit;
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** The same for this very program, without the word that asked for a supervisor, until a signal. */
export async function superviseSelf(name: string, output: Output): Promise<number> {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  process.on('SIGINT', () => stop.abort());
  const [entry = '', ...words] = process.argv.slice(1);
  return await supervise({
    name,
    command: process.execPath,
    args: [...process.execArgv, entry, ...words.filter((word) => word !== '--supervise')],
    output,
    signal: stop.signal,
  });
}
