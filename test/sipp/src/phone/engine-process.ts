import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTone, type Audio } from '@offhook/common/audio';
import { readRecording } from '../infra/recording.ts';
import { ManagedProcess } from '../infra/process.ts';
import { freePorts } from '../infra/ports.ts';
import { until } from '../infra/wait.ts';
import { engineProgram, type Program } from './programs.ts';
import { toToml, type TomlTable } from './toml.ts';

export interface EngineOptions {
  readonly directory: string;
  /** Sections over the ones of the tests. */
  readonly config?: Readonly<Record<string, TomlTable>>;
  /** Behind `run` on its command line. */
  readonly args?: readonly string[];
  /** Wraps the command, to run it in a network namespace. */
  readonly wrap?: ((program: Program) => Program) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The microphone of every engine in the tests, unless a scenario says otherwise. */
export const MICROPHONE_HZ = 440;

/** `offhook-engine run` with a tone for a microphone and a file for a loudspeaker. */
export class EngineProcess {
  readonly process: ManagedProcess;
  readonly channel: string;
  readonly socketPath: string;
  readonly stateDir: string;
  /** Where it keeps recordings, if it may make any. */
  readonly recordings: string;
  readonly #speaker: string;

  private constructor(options: EngineOptions, paths: Paths) {
    this.socketPath = paths.socket;
    this.channel = `unix:${paths.socket}`;
    this.stateDir = paths.state;
    this.recordings = paths.recordings;
    this.#speaker = paths.speaker;
    const program = engineProgram([
      'run',
      '--config',
      paths.config,
      '--state-dir',
      paths.state,
      ...(options.args ?? []),
    ]);
    this.process = new ManagedProcess({
      name: 'offhook-engine',
      ...(options.wrap?.(program) ?? program),
      logFile: join(options.directory, 'engine.log'),
    });
  }

  static async start(options: EngineOptions): Promise<EngineProcess> {
    const { directory } = options;
    const paths: Paths = {
      socket: join(directory, 'engine.sock'),
      config: join(directory, 'engine.toml'),
      state: join(directory, 'engine'),
      speaker: join(directory, 'speaker.wav'),
      recordings: join(directory, 'recordings'),
    };
    // None are taken where the configuration has its own: each engine after a fault has the same ones.
    const own = options.config?.['rtp']?.['ports'] !== undefined;
    const ports = own ? 0 : await freePorts(PORTS);
    await mkdir(paths.state, { recursive: true, mode: 0o700 });
    await writeFile(paths.config, toToml(configuration(options, paths, ports)));
    const engine = new EngineProcess(options, paths);
    await engine.process.ready(/^ready$/m, { within: 20_000, signal: options.signal });
    return engine;
  }

  /** What it has played since `mark` seconds of its loudspeaker file. */
  async played(mark = 0): Promise<Audio> {
    const audio = await readRecording(this.#speaker);
    return {
      sampleRate: audio.sampleRate,
      samples: audio.samples.subarray(Math.round(mark * audio.sampleRate)),
    };
  }

  /**
   * Takes the file of the loudspeaker away, so that nothing of an earlier call is taken for the
   * next one's; every call begins it anew.
   */
  async forgetPlayed(): Promise<void> {
    await rm(this.#speaker, { force: true });
  }

  /** Seconds in its loudspeaker file by now. */
  async mark(): Promise<number> {
    const audio = await this.played();
    return audio.samples.length / audio.sampleRate;
  }

  /** Waits until it has played `ms` of the tone since `mark`. */
  async plays(
    hz: number,
    options: { ms?: number; within?: number; mark?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const ms = options.ms ?? 300;
    let heard = 0;
    let total = 0;
    await until(
      `${ms} ms of ${hz} Hz at the thin client`,
      async () => {
        const report = findTone(await this.played(options.mark), hz);
        heard = report.presentMs;
        total = report.totalMs;
        return heard >= ms;
      },
      {
        within: options.within ?? 6000,
        every: 100,
        signal: options.signal,
        seen: () => `it played ${heard} ms of it in ${Math.round(total)} ms`,
      },
    );
  }

  async stop(): Promise<void> {
    await this.process.stop(5000);
  }
}

interface Paths {
  readonly socket: string;
  readonly config: string;
  readonly state: string;
  readonly speaker: string;
  readonly recordings: string;
}

const PORTS = 64;

function configuration(options: EngineOptions, paths: Paths, ports: number): TomlTable {
  const own = options.config ?? {};
  const { engine: _engine, rtp: _rtp, audio: _audio, recording, ...others } = own;
  return {
    engine: { listen: `unix:${paths.socket}`, log_level: 'debug', ...own['engine'] },
    rtp: { ports: `${ports}-${ports + PORTS - 1}`, loopback: 'allow', ...own['rtp'] },
    audio: {
      input: `tone:${MICROPHONE_HZ}`,
      output: `file:${paths.speaker}`,
      ringer: 'null',
      country: 'de',
      ...own['audio'],
    },
    ...(recording !== undefined && {
      recording: { directory: paths.recordings, min_free_mb: 0, ...recording },
    }),
    ...others,
  };
}
