import { Emitter, type EventSource } from '@offhook/common';
import {
  mediaError,
  type AudioDevice,
  type AudioRole,
  type StandIns,
  type VoiceWishes,
} from '@offhook/media-rpc';
import type { MediaPlane, VoiceProcessing } from './media-plane.ts';
import type { Settings } from './settings.ts';
import { canEcho, voiceProcessing } from './voice-policy.ts';

export interface DevicesEvents {
  /** What legs are made of has changed: a device, or what the voice is processed by. */
  settle: undefined;
  changed: DeviceList;
}

export interface DeviceList {
  devices: AudioDevice[];
  selected: Record<AudioRole, string>;
  /** Devices in use in place of selected ones that are gone. */
  standIns: StandIns;
}

/** Who asks: the person at the thin client may name any file, a guest none. */
export type DeviceChooser = 'person' | 'guest';

/** Of a volume: +12 dB. */
const LOUDEST = 4;

const roles = ['input', 'output', 'ringer'] as const satisfies readonly AudioRole[];

/** Which devices there are, which are in use, and how loud. */
export class Devices implements EventSource<DevicesEvents> {
  readonly #plane: MediaPlane;
  readonly #settings: Settings;
  readonly #guestsSelect: boolean;
  readonly #events = new Emitter<DevicesEvents>();
  readonly #unsubscribe: readonly (() => void)[];
  #known: readonly AudioDevice[] = [];
  #standIns: StandIns = {};
  #guestVoice: VoiceWishes = {};

  constructor(options: { plane: MediaPlane; settings: Settings; guestsSelect: boolean }) {
    this.#plane = options.plane;
    this.#settings = options.settings;
    this.#guestsSelect = options.guestsSelect;
    this.#unsubscribe = [
      this.#plane.on('devicesChanged', ({ devices }) => {
        this.#known = devices;
        this.#changed();
      }),
      this.#plane.on('standIns', ({ standIns }) => {
        this.#standIns = standIns;
        this.#changed();
      }),
    ];
  }

  on<K extends keyof DevicesEvents>(name: K, listener: (event: DevicesEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  /** The device that calls use for the role now. */
  selected(role: AudioRole): string {
    return this.#settings.device(role);
  }

  async list(): Promise<DeviceList> {
    this.#known = await this.#plane.listDevices();
    return this.#list(this.#known);
  }

  get standIns(): StandIns {
    return this.#standIns;
  }

  /** What the microphone's audio is processed by, with the devices that are in use now. */
  get voice(): VoiceProcessing {
    const { person, configured } = this.#settings.voice;
    const output = this.#standIns.output ?? this.selected('output');
    const device = this.#known.find(({ id }) => id === output);
    return voiceProcessing([person, this.#guestVoice, configured], canEcho(device));
  }

  /** What the person here has switched. */
  get switchedVoice(): VoiceWishes {
    return this.#settings.voice.person;
  }

  /** What the person here wishes holds over the end of the engine, what guests wish does not. */
  async setVoice(wishes: VoiceWishes, chooser: DeviceChooser): Promise<void> {
    if (chooser === 'guest') this.#guestVoice = { ...this.#guestVoice, ...wishes };
    else await this.#settings.setVoice(wishes);
    this.#changed();
  }

  /** @throws `no-such-device`, `not-allowed` */
  async select(role: AudioRole, id: string, chooser: DeviceChooser): Promise<void> {
    if (chooser === 'guest' && !this.#guestsSelect) throw mediaError('not-allowed');
    const devices = await this.#plane.listDevices();
    this.#known = devices;
    const listed = this.#list(devices).devices;
    const known = listed.some((device) => device.id === id && device.roles.includes(role));
    if (!known && !(chooser === 'person' && isVirtual(id, role))) {
      throw mediaError('no-such-device', `There is no ${role} device ${JSON.stringify(id)}`);
    }
    if (this.selected(role) === id) return;
    await this.#settings.setDevice(role, id);
    this.#changed();
  }

  /** Of the person here and of the guests, each its own: what is heard is their product. */
  async setVolume(role: AudioRole, volume: number, chooser: DeviceChooser): Promise<void> {
    if (chooser === 'guest') await this.#settings.setGuestVolume(role, volume);
    else await this.#settings.setVolume(role, volume);
    await this.#plane.setVolume(role, this.#heard(role));
    this.#events.emit('changed', this.#list(this.#known));
  }

  volume(role: AudioRole): number {
    return this.#settings.volume(role);
  }

  guestVolume(role: AudioRole): number {
    return this.#settings.guestVolume(role);
  }

  /** Learns of the devices, and tells the worker what was set before it was started. */
  async restore(): Promise<void> {
    await this.list();
    for (const role of roles) {
      const volume = this.#heard(role);
      if (volume !== 1) await this.#plane.setVolume(role, volume);
    }
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#events.clear();
  }

  #heard(role: AudioRole): number {
    return Math.min(LOUDEST, this.volume(role) * this.guestVolume(role));
  }

  #changed(): void {
    this.#events.emit('settle', undefined);
    this.#events.emit('changed', this.#list(this.#known));
  }

  /** The worker's devices, with what is configured and selected among them even if it is not there. */
  #list(found: readonly AudioDevice[]): DeviceList {
    const devices = found.map((device) => ({ ...device, roles: [...device.roles] }));
    const add = (id: string, role: AudioRole) => {
      const device = devices.find((one) => one.id === id);
      if (device === undefined) {
        const present = isVirtual(id, role) || id === 'default';
        devices.push({ id, name: id, roles: [role], present });
      } else if (!device.roles.includes(role)) {
        device.roles.push(role);
      }
    };
    for (const role of roles) {
      add('default', role);
      add('null', role);
      add(this.#settings.configuredDevice(role), role);
      add(this.selected(role), role);
    }
    const selected = {
      input: this.selected('input'),
      output: this.selected('output'),
      ringer: this.selected('ringer'),
    };
    return { devices, selected, standIns: this.#standIns };
  }
}

function isVirtual(id: string, role: AudioRole): boolean {
  if (id === 'null' || /^file:.+/u.test(id)) return true;
  return role === 'input' && (id === 'echo' || /^tone:\d{2,5}$/u.test(id));
}
