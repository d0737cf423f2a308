import type { ToneCadence } from '../media-plane.ts';
import { deviceFailure } from './device-fallback.ts';
import { outputElements, type SoundServer } from './device-elements.ts';
import { speakerTap } from './voice-elements.ts';
import type { WorkerLink } from './worker-link.ts';

interface Playing {
  readonly tone: ToneCadence;
  readonly device: string;
  /** The device in use, which may be another one that stands in. */
  using: string;
}

const PREFIX = 'tone:';

export interface TonePlayerOptions {
  readonly sound: () => SoundServer;
  readonly volume: () => number;
  /** What to try in place of a device, in order. */
  readonly standIns: (device: string) => readonly string[];
  readonly isPresent: (device: string) => boolean;
  /** It was there and is not any more. */
  readonly isGone: (device: string) => boolean;
  /** A tone has begun, moved or ended. */
  readonly onMoved: () => void;
}

/** Call progress tones, each as a pipeline of its own. */
export class TonePlayer {
  readonly #link: WorkerLink;
  readonly #options: TonePlayerOptions;
  readonly #playing = new Map<string, Playing>();

  constructor(link: WorkerLink, options: TonePlayerOptions) {
    this.#link = link;
    this.#options = options;
  }

  /** Plays it on another device where that one fails; rejects when none can be heard. */
  async play(id: string, tone: ToneCadence, device: string): Promise<void> {
    const playing = { tone, device, using: device };
    this.#playing.set(id, playing);
    try {
      await this.#start(id, playing, [device, ...this.#options.standIns(device)]);
    } catch (error) {
      this.#playing.delete(id);
      throw error;
    }
  }

  /** The pipeline's device has failed; the tone goes on on another one, if it is one's. */
  async failed(pipeline: string): Promise<void> {
    const id = pipeline.slice(PREFIX.length);
    const playing = pipeline.startsWith(PREFIX) ? this.#playing.get(id) : undefined;
    if (playing === undefined) return;
    const others = this.#options.standIns(playing.device).filter((to) => to !== playing.using);
    await this.#start(id, playing, others);
  }

  /**
   * Devices have come or gone: a tone goes back to its own; and leaves one that is gone, which a sound
   * server may have replaced without a word.
   */
  async devicesChanged(): Promise<void> {
    const { isPresent, isGone, standIns } = this.#options;
    for (const [id, playing] of this.#playing) {
      const { device, using } = playing;
      const others = standIns(device);
      if (using !== device && isPresent(device))
        await this.#start(id, playing, [device, ...others]);
      else if (using === device && device !== 'default' && isGone(device))
        await this.#start(id, playing, others);
    }
  }

  /** What a tone plays on instead of its own device. */
  get standIn(): string | undefined {
    return [...this.#playing.values()].find(({ device, using }) => using !== device)?.using;
  }

  async stop(id: string): Promise<void> {
    this.#playing.delete(id);
    this.#options.onMoved();
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
    await Promise.allSettled(
      [...this.#playing].map(([id, playing]) =>
        this.#start(id, playing, [playing.device, ...this.#options.standIns(playing.device)]),
      ),
    );
  }

  async #start(id: string, playing: Playing, devices: readonly string[]): Promise<void> {
    let failure: unknown;
    for (const device of devices) {
      try {
        playing.using = device;
        await this.#play(id, playing);
        this.#options.onMoved();
        return;
      } catch (error) {
        if (deviceFailure(error) === undefined) throw error;
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #play(id: string, { tone, using }: Playing): Promise<void> {
    const rate = 16_000;
    const steps = tone.steps.map((step) => `${step.frequencies.join('+')}/${Math.round(step.ms)}`);
    const source = `offhooksrc frame-ms=20 tones="${steps.join(' ')}" level-db=${Math.min(0, tone.levelDb)}`;
    // The microphone hears a tone, too.
    const tap = speakerTap(using, this.#options.sound()).map((element) => `${element} ! `);
    const sink = outputElements(using, { sound: this.#options.sound(), append: false });
    await this.#link.request('pipeline.play', {
      id: PREFIX + id,
      tag: '',
      closeFirst: false,
      description: `${source} ! audio/x-raw,rate=${rate},channels=1 ! volume name=volume volume=${this.#options.volume()} ! ${tap.join('')}${sink}`,
    });
  }
}
