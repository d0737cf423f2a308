import type { ToneCadence } from '../media-plane.ts';
import { outputElements, type SoundServer } from './device-elements.ts';
import type { WorkerLink } from './worker-link.ts';

interface Playing {
  readonly tone: ToneCadence;
  readonly device: string;
}

/** Call progress tones, each as a pipeline of its own. */
export class TonePlayer {
  readonly #link: WorkerLink;
  readonly #sound: () => SoundServer;
  readonly #volume: () => number;
  readonly #playing = new Map<string, Playing>();

  constructor(link: WorkerLink, options: { sound: () => SoundServer; volume: () => number }) {
    this.#link = link;
    this.#sound = options.sound;
    this.#volume = options.volume;
  }

  async play(id: string, tone: ToneCadence, device: string): Promise<void> {
    this.#playing.set(id, { tone, device });
    try {
      await this.#play(id, { tone, device });
    } catch (error) {
      this.#playing.delete(id);
      throw error;
    }
  }

  async stop(id: string): Promise<void> {
    this.#playing.delete(id);
    await this.#link.request('pipeline.close', { id: `tone:${id}` });
  }

  async setVolume(volume: number): Promise<void> {
    await Promise.all(
      [...this.#playing.keys()].map((id) =>
        this.#link.request('pipeline.set', {
          id: `tone:${id}`,
          element: 'volume',
          property: 'volume',
          value: String(volume),
        }),
      ),
    );
  }

  /** The same tones on a new worker. */
  async rebuild(): Promise<void> {
    await Promise.allSettled([...this.#playing].map(([id, playing]) => this.#play(id, playing)));
  }

  async #play(id: string, { tone, device }: Playing): Promise<void> {
    const rate = 16_000;
    const steps = tone.steps.map((step) => `${step.frequencies.join('+')}/${Math.round(step.ms)}`);
    const source = `offhooksrc frame-ms=20 tones="${steps.join(' ')}" level-db=${Math.min(0, tone.levelDb)}`;
    const sink = outputElements(device, { sound: this.#sound(), append: false });
    await this.#link.request('pipeline.play', {
      id: `tone:${id}`,
      tag: '',
      closeFirst: false,
      description: `${source} ! audio/x-raw,rate=${rate},channels=1 ! volume name=volume volume=${this.#volume()} ! ${sink}`,
    });
  }
}
