import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sine, writeWav, type Audio } from '@offhook/common/audio';
import { isBound } from '@offhook/common/listening';
import { freePorts } from './ports.ts';
import { ManagedProcess } from './process.ts';
import { readRecording } from './recording.ts';
import { fillTemplates } from './template.ts';
import { until } from './wait.ts';

export interface LinphoneOptions {
  readonly directory: string;
  readonly address: string;
  readonly toneHz: number;
  readonly srtp?: boolean;
}

const TONE_SECONDS = 60;

/** linphonec without a sound card: it plays a file and records into one, worked by its prompt. */
export class Linphone {
  readonly process: ManagedProcess;
  readonly uri: string;
  readonly #directory: string;

  private constructor(process: ManagedProcess, directory: string, uri: string) {
    this.process = process;
    this.#directory = directory;
    this.uri = uri;
  }

  static async start(options: LinphoneOptions): Promise<Linphone> {
    const directory = join(options.directory, 'linphone');
    // It refuses to start without its folders.
    for (const folder of ['.local/share/linphone', '.config/linphone'])
      await mkdir(join(directory, folder), { recursive: true });
    const port = await freePorts(4);
    await fillTemplates('linphone', directory, {
      ADDRESS: options.address,
      PORT: port,
      RTP_PORT: port + 2,
      ENCRYPTION: options.srtp === true ? 'srtp' : 'none',
    });
    const tone = join(directory, 'tone.wav');
    await writeFile(tone, writeWav(sine(options.toneHz, TONE_SECONDS, 16_000)));
    const process = new ManagedProcess({
      name: 'linphonec',
      command: 'linphonec',
      args: [
        '-a',
        '-c',
        join(directory, 'linphonerc'),
        '-d',
        '6',
        '-l',
        join(directory, 'debug.log'),
      ],
      env: {
        HOME: directory,
        XDG_DATA_HOME: join(directory, '.local/share'),
        XDG_CONFIG_HOME: join(directory, '.config'),
        PULSE_SERVER: `unix:${join(directory, 'no-pulse')}`,
      },
      cwd: directory,
      stdin: 'pipe',
      logFile: join(directory, 'linphone.log'),
    });
    const linphone = new Linphone(process, directory, `sip:bob@${options.address}:${port}`);
    await process.ready(() => isBound('udp', port), { within: 10_000 });
    linphone.command('soundcard use files');
    linphone.command(`play ${tone}`);
    linphone.command(`record ${join(directory, 'heard.wav')}`);
    await process.ready(/Using wav files/, { within: 5000 });
    return linphone;
  }

  /** A command of its prompt: `call`, `terminate`, `pause`, `resume`, or digits. */
  command(command: string): void {
    this.process.write(`${command}\n`);
  }

  /** Waits for words in what it prints. */
  async says(words: RegExp, within = 8000): Promise<void> {
    await until(`linphonec to say ${words.source}`, () => words.test(this.process.output), {
      within,
      seen: () => this.process.describe(),
    });
  }

  async heard(): Promise<Audio> {
    return readRecording(join(this.#directory, 'heard.wav'));
  }

  async stop(): Promise<void> {
    this.command('quit');
    await this.process.stop(2000);
  }
}
