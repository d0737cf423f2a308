import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@offhook/common';
import { audioRole, voiceWishes, type AudioRole, type VoiceWishes } from '@offhook/media-rpc';
import { z } from 'zod';
import type { EngineConfig } from './config.ts';

/**
 * What the person chose while the engine ran: devices and volumes. It outlives the engine in a
 * small file; sessions do not stand there, the worker keeps those.
 */
const stored = z.object({
  devices: z
    .partialRecord(audioRole, z.object({ configured: z.string(), selected: z.string() }))
    .default({}),
  volumes: z.partialRecord(audioRole, z.number().min(0).max(4)).default({}),
  /** As the guests have them; multiplied with those of the person here. */
  guestVolumes: z.partialRecord(audioRole, z.number().min(0).max(4)).default({}),
  /** What the person here has switched. */
  voice: voiceWishes.default({}),
});

type Stored = z.output<typeof stored>;

/** Where settings are kept. */
export interface SettingsStore {
  /** Undefined when there is nothing, or nothing that can be read. */
  read(): Promise<unknown>;
  write(data: unknown): Promise<void>;
}

export class Settings {
  readonly #audio: EngineConfig['audio'];
  readonly #store: SettingsStore;
  #data: Stored = { devices: {}, volumes: {}, guestVolumes: {}, voice: {} };
  #writing: Promise<void> = Promise.resolve();

  constructor(audio: EngineConfig['audio'], store: SettingsStore) {
    this.#audio = audio;
    this.#store = store;
  }

  async load(): Promise<void> {
    const result = stored.safeParse(await this.#store.read());
    if (result.success) this.#data = result.data;
  }

  configuredDevice(role: AudioRole): string {
    return this.#audio[role];
  }

  /** What was chosen counts until the configuration names another device than it did then. */
  device(role: AudioRole): string {
    const choice = this.#data.devices[role];
    const configured = this.configuredDevice(role);
    return choice?.configured === configured ? choice.selected : configured;
  }

  volume(role: AudioRole): number {
    return this.#data.volumes[role] ?? 1;
  }

  guestVolume(role: AudioRole): number {
    return this.#data.guestVolumes[role] ?? 1;
  }

  /** What the person here has switched, and what the configuration says. */
  get voice(): { readonly person: VoiceWishes; readonly configured: VoiceWishes } {
    const { echo_cancellation, noise_suppression, gain_control } = this.#audio;
    const configured = {
      echoCancellation: echo_cancellation,
      noiseSuppression: noise_suppression,
      gainControl: gain_control,
    };
    return { person: this.#data.voice, configured };
  }

  setVoice(voice: VoiceWishes): Promise<void> {
    return this.#change({ ...this.#data, voice: { ...this.#data.voice, ...voice } });
  }

  setGuestVolume(role: AudioRole, volume: number): Promise<void> {
    const guestVolumes = { ...this.#data.guestVolumes, [role]: volume };
    return this.#change({ ...this.#data, guestVolumes });
  }

  setDevice(role: AudioRole, selected: string): Promise<void> {
    const choice = { configured: this.configuredDevice(role), selected };
    return this.#change({ ...this.#data, devices: { ...this.#data.devices, [role]: choice } });
  }

  setVolume(role: AudioRole, volume: number): Promise<void> {
    return this.#change({ ...this.#data, volumes: { ...this.#data.volumes, [role]: volume } });
  }

  #change(data: Stored): Promise<void> {
    this.#data = data;
    const before = this.#writing;
    this.#writing = (async () => {
      await before;
      await this.#store.write(data);
    })();
    return this.#writing;
  }
}

/**
 * Settings, or other state, in a JSON file that only this user can read; replaced as a whole so that
 * a crash leaves the old or the new one.
 */
export function settingsFile(path: string, logger: Logger, what = 'settings'): SettingsStore {
  return {
    async read() {
      try {
        return JSON.parse(await readFile(path, 'utf8'));
      } catch (error) {
        const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
        if (!missing)
          logger.warn({ path, err: error }, `${what} cannot be read, and are begun anew`);
        return undefined;
      }
    },
    async write(data) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await writeFile(`${path}.new`, `${JSON.stringify(data, undefined, 2)}\n`, { mode: 0o600 });
        await rename(`${path}.new`, path);
      } catch (error) {
        logger.warn({ path, err: error }, `${what} cannot be written; they hold until the end`);
      }
    },
  };
}

/** Settings that are forgotten: for engines inside other programs. */
export const noSettings: SettingsStore = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
};
