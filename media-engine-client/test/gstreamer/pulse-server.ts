import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const run = promisify(execFile);

/** A PulseAudio of our own with null sinks, whose monitors serve as microphones. */
export class PulseServer implements AsyncDisposable {
  readonly directory: string;
  #process: ChildProcess;
  readonly #sinks: readonly string[];
  readonly #before = process.env['PULSE_SERVER'];

  private constructor(directory: string, sinks: readonly string[], child: ChildProcess) {
    this.directory = directory;
    this.#sinks = sinks;
    this.#process = child;
  }

  /** Workers started after this use it. */
  static async start(sinks: readonly string[]): Promise<PulseServer> {
    const directory = await mkdtemp(join(tmpdir(), 'offhook-pulse-'));
    const server = new PulseServer(directory, sinks, await launch(directory, sinks));
    process.env['PULSE_SERVER'] = server.address;
    return server;
  }

  get address(): string {
    return `unix:${join(this.directory, 'native')}`;
  }

  async pactl(...args: string[]): Promise<string> {
    const { stdout } = await run('pactl', ['--server', this.address, ...args]);
    return stdout.trim();
  }

  /** Plays a 16-bit mono file of 16 kHz into a sink until it ends or this is closed. */
  play(path: string, sink: string): ChildProcess {
    const args = ['--raw', '--rate=16000', '--channels=1', '--format=s16le', '--latency-msec=20'];
    return spawn('pacat', ['--server', this.address, ...args, '-d', sink, path], {
      stdio: 'ignore',
    });
  }

  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  async restart(): Promise<void> {
    await rm(join(this.directory, 'native'), { force: true });
    this.#process = await launch(this.directory, this.#sinks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#before === undefined) delete process.env['PULSE_SERVER'];
    else process.env['PULSE_SERVER'] = this.#before;
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}

async function launch(directory: string, sinks: readonly string[]): Promise<ChildProcess> {
  const socket = join(directory, 'native');
  const modules = [
    `module-native-protocol-unix auth-anonymous=1 socket=${socket}`,
    ...sinks.map((sink) => `module-null-sink sink_name=${sink}`),
  ];
  const options = ['-n', '--daemonize=no', '--exit-idle-time=-1', '--disable-shm=yes'];
  const child = spawn(
    'pulseaudio',
    [...options, '--use-pid-file=no', ...modules.flatMap((module) => ['-L', module])],
    {
      stdio: 'ignore',
      env: {
        ...process.env,
        HOME: directory,
        XDG_RUNTIME_DIR: directory,
        PULSE_RUNTIME_PATH: directory,
      },
    },
  );
  const give = performance.now() + 10_000;
  while (!(await answers(socket))) {
    if (performance.now() > give || child.exitCode !== null)
      throw new Error('pulseaudio does not start');
    await sleep(20);
  }
  return child;
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', () => resolve(false));
  return promise;
}
