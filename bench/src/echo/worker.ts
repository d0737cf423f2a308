import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { stopProcess } from '@offhook/common';
import { readWav, writeWav } from '@offhook/common/audio';

import { RATE, type Heard } from './simulated-room.ts';

const WORKER = join(import.meta.dirname, '../../../media-engine-client/build/offhook-worker');

/** How long before it is heard a loudspeaker is given what it plays, ms: its buffer. */
const AHEAD_MS = 40;
/** By the clock of the pipeline what the loudspeaker plays is heard so much later than it was made, ms. */
export const PLAYED_MS = AHEAD_MS + 10;

/** The media worker, told what to do as the engine tells it (media-engine-client/worker/README.md). */
export class VoiceWorker {
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #answers = new Map<number, (answer: unknown) => void>();
  #next = 1;

  private constructor(directory: string, child: ChildProcess, socket: Socket) {
    this.#directory = directory;
    this.#child = child;
    this.#socket = socket;
    createInterface({ input: socket }).on('line', (line) => {
      const message = JSON.parse(line) as { id?: number };
      if (message.id !== undefined) this.#answers.get(message.id)?.(message);
    });
  }

  static async start(directory: string): Promise<VoiceWorker> {
    const path = join(directory, 'worker.sock');
    const child = spawn(WORKER, [path, '600000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
    const socket = createConnection(path);
    await once(socket, 'connect');
    return new VoiceWorker(directory, child, socket);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * What is sent of what the microphone hears, processed as `properties` of `offhookvoice` say, in real
   * time: samples lie in time as devices would say that they do, however busy the machine is.
   */
  async process(
    name: string,
    { far, microphone }: Heard,
    properties: string,
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Float32Array> {
    const file = (what: string) => join(this.#directory, `${name}-${what}.wav`);
    const seconds = microphone.length / RATE;
    await writeFile(file('far'), writeWav({ sampleRate: RATE, samples: far }));
    await writeFile(file('near'), writeWav({ sampleRate: RATE, samples: microphone }));
    await this.#ask('pipeline.play', {
      id: name,
      tag: '',
      description: [
        `offhooksrc location=${file('far')} frame-ms=10 ! offhooktap bus=${name} ! fakesink sync=true async=false render-delay=${1_000_000 * AHEAD_MS}`,
        `offhooksrc location=${file('near')} frame-ms=10 ! offhookvoice far-end=${name} ${properties} ! offhookwavsink sync=true async=false location=${file('sent')}`,
      ].join('  '),
    });
    const done = performance.now() + 1000 * seconds + 60_000;
    await meanwhile();
    for (;;) {
      const sent = await readFile(file('sent')).then(readWav, () => undefined);
      if (sent !== undefined && sent.samples.length >= microphone.length) {
        await this.#ask('pipeline.close', { id: name });
        return sent.samples.subarray(0, microphone.length);
      }
      if (performance.now() > done) throw new Error(`${name} was not processed in time`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await stopProcess(this.#child);
  }

  async #ask(verb: string, params: object): Promise<void> {
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, resolve);
    this.#socket.write(`${JSON.stringify({ id, verb, params })}\n`);
    const answer = (await promise) as { error?: { message: string } };
    this.#answers.delete(id);
    if (answer.error !== undefined) throw new Error(`${verb}: ${answer.error.message}`);
  }
}
