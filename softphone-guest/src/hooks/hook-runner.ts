import { spawn } from 'node:child_process';
import { exited, stopProcess, type Clock, type Logger } from '@offhook/common';

/** A command and what it is told. */
export interface HookJob {
  readonly event: string;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Comes on its standard input. */
  readonly json: string;
}

const AT_ONCE = 4;
/** More wait than this when commands are slower than events: then the newest are left out. */
const MOST_WAITING = 100;
const MAX_ERROR_CHARACTERS = 500;

/**
 * Runs commands of the configuration, a few at once, each with its deadline. What they do wrong is
 * logged, and never disturbs a call.
 */
export class HookRunner {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting: HookJob[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #end = new AbortController();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  run(job: HookJob): void {
    if (this.#end.signal.aborted) return;
    if (this.#waiting.length >= MOST_WAITING) {
      const { event, command } = job;
      this.#logger.warn({ event, command: command[0] }, 'hook left out: too many are waiting');
      return;
    }
    this.#waiting.push(job);
    this.#next();
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    this.#end.abort();
    await Promise.all(this.#running);
  }

  #next(): void {
    while (this.#running.size < AT_ONCE) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const done = this.#execute(job).finally(() => {
        this.#running.delete(done);
        this.#next();
      });
      this.#running.add(done);
    }
  }

  async #execute({ event, command, timeoutMs, json }: HookJob): Promise<void> {
    const [program = '', ...words] = command;
    const child = spawn(program, words, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { ...process.env, OFFHOOK_EVENT: event },
    });
    let said = '';
    let problem: string | undefined;
    child.once('error', (error) => (problem = error.message));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, MAX_ERROR_CHARACTERS);
    });
    // A command that does not read is no error.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${json}\n`);
    const stop = () => void stopProcess(child, { clock: this.#clock });
    const timer = this.#clock.after(timeoutMs, () => {
      problem = `took longer than ${timeoutMs / 1000} s`;
      stop();
    });
    this.#end.signal.addEventListener('abort', stop, { once: true });
    const { code, signal } = await exited(child);
    timer.cancel();
    this.#end.signal.removeEventListener('abort', stop);
    if (code === 0 || this.#end.signal.aborted) return;
    const reason = problem ?? `exit ${code ?? signal ?? 'unknown'}`;
    this.#logger.warn({ event, command: program, reason, said: said.trim() }, 'hook failed');
  }
}
