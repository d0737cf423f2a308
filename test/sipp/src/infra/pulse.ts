import { join } from 'node:path';
import { ManagedProcess, run } from './process.ts';
import type { Program } from '../phone/programs.ts';

/**
 * A sound server of its own, whose devices are null sinks: what is played into a sink can be recorded
 * from its monitor.
 */
export class Pulse {
  readonly #process: ManagedProcess;
  readonly #env: Readonly<Record<string, string>>;
  readonly #directory: string;

  private constructor(process: ManagedProcess, env: Record<string, string>, directory: string) {
    this.#process = process;
    this.#env = env;
    this.#directory = directory;
  }

  static async start(directory: string, sinks: readonly string[]): Promise<Pulse> {
    const socket = join(directory, 'pulse.sock');
    const env = {
      PULSE_SERVER: `unix:${socket}`,
      PULSE_RUNTIME_PATH: directory,
      PULSE_STATE_PATH: directory,
      XDG_RUNTIME_DIR: directory,
      HOME: directory,
    };
    const modules = [
      `module-native-protocol-unix socket=${socket} auth-anonymous=1`,
      ...sinks.map((name) => `module-null-sink sink_name=${name}`),
    ];
    const process = new ManagedProcess({
      name: 'pulseaudio',
      command: 'pulseaudio',
      args: [
        '-n',
        '--daemonize=no',
        '--use-pid-file=no',
        '--exit-idle-time=-1',
        '--disallow-exit=no',
        ...modules.flatMap((module) => ['-L', module]),
      ],
      env,
      logFile: join(directory, 'pulse.log'),
    });
    const pulse = new Pulse(process, env, directory);
    await process.ready(() => pulse.#answers(), { within: 8000 });
    return pulse;
  }

  /** The same program, with this sound server for its own. */
  wrap(program: Program): Program {
    return { command: 'env', args: [...this.#settings(), program.command, ...program.args] };
  }

  /**
   * Plays a WAVE file into a sink. It asks for little at a time, as the sound of a room comes: a null
   * sink hands on what it plays in such pieces, of up to 2 s otherwise.
   */
  play(file: string, sink: string): ManagedProcess {
    return this.#client('paplay', ['--latency-msec=20', `--device=${sink}`, file]);
  }

  /** Records what a sink plays, as a WAVE file. */
  record(file: string, sink: string): ManagedProcess {
    return this.#client('parec', [
      `--device=${sink}.monitor`,
      '--file-format=wav',
      '--format=s16le',
      '--rate=16000',
      '--channels=1',
      file,
    ]);
  }

  /** Plugs in another device, such as a `null-sink`; `unload-module` takes it away by the result. */
  async plug(kind: string, ...options: readonly string[]): Promise<string> {
    return (await this.control('load-module', `module-${kind}`, ...options)).trim();
  }

  /** `pactl`: what it prints. */
  control(...args: readonly string[]): Promise<string> {
    return run('env', [...this.#settings(), 'pactl', ...args], { within: 8000 });
  }

  async stop(): Promise<void> {
    await this.#process.stop(2000);
  }

  #settings(): readonly string[] {
    return Object.entries(this.#env)
      .filter(([name]) => name === 'PULSE_SERVER')
      .map(([name, value]) => `${name}=${value}`);
  }

  #client(command: string, args: readonly string[]): ManagedProcess {
    const logFile = join(this.#directory, `${command}.log`);
    return new ManagedProcess({ name: command, command, args, env: this.#env, logFile });
  }

  async #answers(): Promise<boolean> {
    const info = this.#client('pactl', ['info']);
    return (await info.exited).code === 0;
  }
}
