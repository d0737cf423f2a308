import { mkdir, readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Audio } from '@offhook/common/audio';
import { z } from 'zod';
import { ManagedProcess } from './process.ts';
import { freePorts } from './ports.ts';
import { readRecording } from './recording.ts';
import { fillTemplates } from './template.ts';
import { until, within } from './wait.ts';
import type { Program } from '../phone/programs.ts';

const RTP_PORTS = 20;

export interface BaresipOptions {
  readonly directory: string;
  /** Where it is; its SIP port is chosen. */
  readonly address: string;
  readonly toneHz: number;
  /** Parameters of its account: `;answermode=auto;audio_codecs=PCMA/8000/1`. */
  readonly parameters?: string;
  /** `sip:bob@host`; its own address by default. */
  readonly aor?: string;
  readonly wrap?: (program: Program) => Program;
}

const message = z.looseObject({
  event: z.boolean().optional(),
  type: z.string().optional(),
  response: z.boolean().optional(),
  ok: z.boolean().optional(),
  data: z.unknown().optional(),
  /** The digit of a CALL_DTMF_START. */
  param: z.string().optional(),
});

type Message = z.output<typeof message>;

/** baresip 1.0 without a screen, worked by its ctrl_tcp module: JSON in netstrings. */
export class Baresip {
  readonly process: ManagedProcess;
  readonly uri: string;
  readonly #directory: string;
  readonly #events: Message[] = [];
  #socket: Socket | undefined;
  #buffer = Buffer.alloc(0);
  #answer: ((message: Message) => void) | undefined;

  private constructor(process: ManagedProcess, directory: string, uri: string) {
    this.process = process;
    this.#directory = directory;
    this.uri = uri;
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const directory = join(options.directory, 'baresip');
    await mkdir(directory, { recursive: true });
    const port = await freePorts(2);
    const control = await freePorts(2);
    const rtp = await freePorts(RTP_PORTS);
    const uri = `sip:bob@${options.address}:${port}`;
    await fillTemplates('baresip', directory, {
      RUN: directory,
      ADDRESS: options.address,
      PORT: port,
      CONTROL: control,
      TONE: options.toneHz,
      RTP_FROM: rtp,
      RTP_TO: rtp + RTP_PORTS,
      MODULES: '/usr/lib/baresip/modules',
      ACCOUNT: `<${options.aor ?? uri}>${options.parameters ?? ';regint=0;answermode=auto'}`,
    });
    const plain = { command: 'baresip', args: ['-f', directory] };
    const process = new ManagedProcess({
      name: 'baresip',
      ...(options.wrap?.(plain) ?? plain),
      cwd: directory,
      logFile: join(directory, 'baresip.log'),
    });
    const baresip = new Baresip(process, directory, uri);
    await process.ready(/baresip is ready/, { within: 10_000 });
    // Out of another namespace its control port cannot be reached: then it only answers.
    if (options.wrap === undefined)
      await process.ready(() => baresip.#connect(control), { within: 5000 });
    return baresip;
  }

  /** A command of its menu: `dial`, `hangup`, `hold`, `resume`, `sndcode` … */
  async command(command: string, params = ''): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#answer = resolve;
    const json = JSON.stringify({ command, params, token: '1' });
    this.#socket?.write(`${Buffer.byteLength(json)}:${json},`);
    const answer = await within(`baresip's answer to ${command}`, 5000, promise);
    if (answer.ok !== true) throw new Error(`baresip: ${command}: ${JSON.stringify(answer.data)}`);
  }

  /** Waits until its registrar has taken its binding. */
  async registered(within = 8000): Promise<void> {
    await until('baresip to be registered', () => /200 OK .*binding/.test(this.process.output), {
      within,
      seen: () => this.process.describe(),
    });
  }

  /** Waits until a call of its has ended. */
  async hungUp(within = 8000): Promise<void> {
    await until(
      'baresip to have ended its call',
      () => /terminated|closed/.test(this.process.output),
      {
        within,
      },
    );
  }

  /** Waits for an event: CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED, CALL_DTMF_START … */
  async event(type: string, within = 8000): Promise<Message> {
    return until(`baresip's ${type}`, () => this.#events.find((event) => event.type === type), {
      within,
      seen: () => `there was ${this.#events.map((event) => event.type).join(', ')}`,
    });
  }

  /** The keys that its peer has pressed, from its events. */
  get digits(): string {
    return this.#events
      .filter((event) => event.type === 'CALL_DTMF_START')
      .map((event) => event.param ?? '')
      .join('');
  }

  /** What it has heard, all calls one after another. */
  async heard(): Promise<Audio> {
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('dec.wav'));
    const parts = await Promise.all(
      names.toSorted().map((name) => readRecording(join(this.#directory, name))),
    );
    const samples = Float32Array.from(parts.flatMap((part) => [...part.samples]));
    return { sampleRate: parts[0]?.sampleRate ?? 8000, samples };
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    await this.process.stop(2000);
  }

  async #connect(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1');
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    if (!connected) return false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket = socket;
    return true;
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (;;) {
      const colon = this.#buffer.indexOf(':');
      const length = Number(this.#buffer.subarray(0, Math.max(0, colon)).toString('latin1'));
      const end = colon + 1 + length;
      if (colon < 0 || this.#buffer.length <= end) return;
      const text = this.#buffer.subarray(colon + 1, end).toString('utf8');
      this.#buffer = this.#buffer.subarray(end + 1);
      const parsed = message.parse(JSON.parse(text));
      if (parsed.event === true) this.#events.push(parsed);
      else this.#answer?.(parsed);
    }
  }
}
