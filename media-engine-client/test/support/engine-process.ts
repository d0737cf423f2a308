import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { exited, OffhookError, withDeadline } from '@offhook/common';
import { findTone, readWav, type Audio, type ToneReport } from '@offhook/common/audio';
import { connectMedia, type MediaConnection } from '@offhook/media-rpc';
import { connectChannel } from '@offhook/virtual-channel';
import { shipped } from '../../../common/test/shipped.ts';

const MAIN = shipped('offhook-engine');

export interface EngineProcessOptions {
  readonly directory: string;
  readonly name: string;
  readonly input: string;
  /** UDP port range; engines of one test must not share one. */
  readonly ports: string;
  /** Lines of TOML behind the rest. */
  readonly more?: string;
}

export interface CommandOutcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `offhook-engine run` as a process of its own, with a tone for a microphone and a file to play to. */
export class EngineProcess {
  readonly stateDir: string;
  readonly socket: string;
  readonly #speaker: string;
  readonly #config: string;
  #child: ChildProcess | undefined;
  /** Everything on standard error. */
  log = '';

  private constructor(stateDir: string) {
    this.stateDir = stateDir;
    this.socket = join(stateDir, 'engine.sock');
    this.#speaker = join(stateDir, 'speaker.wav');
    this.#config = join(stateDir, 'engine.toml');
  }

  static async start(options: EngineProcessOptions): Promise<EngineProcess> {
    const engine = new EngineProcess(join(options.directory, options.name));
    await mkdir(engine.stateDir, { mode: 0o700 });
    await writeFile(
      engine.#config,
      `[engine]
listen = "unix:${engine.socket}"
[rtp]
address = "127.0.0.1"
ports = "${options.ports}"
[audio]
input = "${options.input}"
output = "file:${engine.#speaker}"
ringer = "null"
${options.more ?? ''}`,
    );
    await engine.run();
    return engine;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it (again); resolves when it says that it is ready. */
  async run(): Promise<void> {
    const args = [MAIN, 'run', '--config', this.#config, '--state-dir', this.stateDir];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    const ready = Promise.withResolvers<void>();
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out === 'ready\n') ready.resolve();
    });
    const ended = exited(child).then(({ code, signal }) => {
      throw new Error(`the engine ended at its start (${signal ?? code}): ${this.log}`);
    });
    await withDeadline({ layer: 'engine', what: 'starting the engine', ms: 20_000 }, () =>
      Promise.race([ready.promise, ended]),
    );
  }

  /** SIGTERM by default: a clean end. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    const ending = { layer: 'engine', what: `ending the engine`, ms: 10_000 } as const;
    return (await withDeadline(ending, () => exited(child))).code;
  }

  /** A guest's connection. */
  async connect(instanceId = 'guest-of-the-test'): Promise<MediaConnection> {
    const channel = await connectChannel(`unix:${this.socket}`);
    return connectMedia(channel, { instanceId, leaseMs: 30_000 });
  }

  /** A command of the person at the thin client. */
  cli(...words: string[]): Promise<CommandOutcome> {
    return this.cliWith({}, ...words);
  }

  /** The same with variables in its environment. */
  async cliWith(env: Record<string, string>, ...words: string[]): Promise<CommandOutcome> {
    const args = [MAIN, ...words, '--state-dir', this.stateDir, '--config', this.#config];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const { code } = await exited(child);
    return { code, out, err };
  }

  /** Process id of its worker, from the process table. */
  async workerPid(): Promise<number> {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/u.test(name)) continue;
      const words = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (words.includes('offhook-worker') && words.includes(this.stateDir)) return Number(name);
    }
    return 0;
  }

  /** What it has played from `from` seconds on. */
  async played(from = 0): Promise<Audio> {
    const bytes = await readFile(this.#speaker).catch(() => undefined);
    if (bytes === undefined || bytes.length < 44)
      return { sampleRate: 16_000, samples: new Float32Array() };
    const { sampleRate, samples } = readWav(bytes);
    return { sampleRate, samples: samples.subarray(Math.round(from * sampleRate)) };
  }

  /** Throws away what it has played, so that the next call is heard by itself. */
  async forget(): Promise<void> {
    await rm(this.#speaker, { force: true });
  }

  /** Seconds played so far. */
  async mark(): Promise<number> {
    const { samples, sampleRate } = await this.played();
    return samples.length / sampleRate;
  }

  /** Waits until `ms` of the tone have been played since `from` seconds; what was heard by then. */
  async hears(hz: number, options: { ms?: number; from?: number } = {}): Promise<ToneReport> {
    const { ms = 400, from = 0 } = options;
    let report: ToneReport | undefined;
    const what = { layer: 'media', what: `hearing ${hz} Hz for ${ms} ms`, ms: 12_000 } as const;
    try {
      return await withDeadline(what, async (signal) => {
        for (;;) {
          report = findTone(await this.played(from), hz);
          if (report.presentMs >= ms) return report;
          await delay(50, undefined, { signal });
        }
      });
    } catch (error) {
      const heard = `heard ${report?.presentMs} ms of ${hz} Hz in ${report?.totalMs} ms`;
      throw new OffhookError('media', 'not-heard', heard, { cause: error });
    }
  }

  /** Waits until `ms` more have been played, whatever they are. */
  async plays(ms: number, from: number): Promise<void> {
    const what = { layer: 'media', what: `playing ${ms} ms`, ms: 12_000 } as const;
    await withDeadline(what, async (signal) => {
      while ((await this.mark()) < from + ms / 1000) await delay(50, undefined, { signal });
    });
  }
}
