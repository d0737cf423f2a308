import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { stopProcess } from '@offhook/common';
import { readPcm16, type Audio } from '@offhook/common/audio';
import type { Pulse } from '@offhook/test-sipp';

const RATE = 48_000;
const BYTES_A_SECOND = 2 * RATE;

/** Records what a sink plays, and knows when: on the clock of `performance.now()`. */
export class Recorder {
  readonly #child: ChildProcess;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** When the first sample was played, seconds, as the chunk with the least delay says. */
  #start = Number.POSITIVE_INFINITY;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      const start = performance.now() / 1000 - this.#bytes / BYTES_A_SECOND;
      this.#start = Math.min(this.#start, start);
    });
  }

  /** Resolves when sound has begun to come in. */
  static async start(pulse: Pulse, sink: string): Promise<Recorder> {
    const { command, args } = pulse.wrap({
      command: 'parec',
      args: [
        '--raw',
        `--device=${sink}.monitor`,
        '--format=s16le',
        `--rate=${RATE}`,
        '--channels=1',
        '--latency-msec=5',
      ],
    });
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const recorder = new Recorder(child);
    await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
    return recorder;
  }

  async stop(): Promise<{ readonly audio: Audio; readonly start: number }> {
    await stopProcess(this.#child);
    const samples = readPcm16(Buffer.concat(this.#chunks));
    return { audio: { sampleRate: RATE, samples }, start: this.#start };
  }
}
