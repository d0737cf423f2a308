import { Emitter, type EventSource } from '@offhook/common';
import { mediaError, type AudioDevice, type AudioRole } from '@offhook/media-rpc';
import type { MediaPlane } from './media-plane.ts';
import type { Settings } from './settings.ts';

export interface DevicesEvents {
  /** Another device is selected for the role. */
  selected: AudioRole;
  changed: DeviceList;
}

export interface DeviceList {
  devices: AudioDevice[];
  selected: Record<AudioRole, string>;
}

/** Who asks: the person at the thin client may name any file, a guest none. */
export type DeviceChooser = 'person' | 'guest';

const roles = ['input', 'output', 'ringer'] as const satisfies readonly AudioRole[];

/** Which devices there are, which are in use, and how loud. */
export class Devices implements EventSource<DevicesEvents> {
  readonly #plane: MediaPlane;
  readonly #settings: Settings;
  readonly #guestsSelect: boolean;
  readonly #events = new Emitter<DevicesEvents>();
  readonly #unsubscribe: () => void;

  constructor(options: { plane: MediaPlane; settings: Settings; guestsSelect: boolean }) {
    this.#plane = options.plane;
    this.#settings = options.settings;
    this.#guestsSelect = options.guestsSelect;
    this.#unsubscribe = this.#plane.on('devicesChanged', ({ devices }) =>
      this.#events.emit('changed', this.#list(devices)),
    );
  }

  on<K extends keyof DevicesEvents>(name: K, listener: (event: DevicesEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  /** The device that calls use for the role now. */
  selected(role: AudioRole): string {
    return this.#settings.device(role);
  }

  async list(): Promise<DeviceList> {
    return this.#list(await this.#plane.listDevices());
  }

  /** @throws `no-such-device`, `not-allowed` */
  async select(role: AudioRole, id: string, chooser: DeviceChooser): Promise<void> {
    if (chooser === 'guest' && !this.#guestsSelect) throw mediaError('not-allowed');
    const devices = await this.#plane.listDevices();
    const listed = this.#list(devices).devices;
    const known = listed.some((device) => device.id === id && device.roles.includes(role));
    if (!known && !(chooser === 'person' && isVirtual(id, role))) {
      throw mediaError('no-such-device', `There is no ${role} device ${JSON.stringify(id)}`);
    }
    if (this.selected(role) === id) return;
    await this.#settings.setDevice(role, id);
    this.#events.emit('selected', role);
    this.#events.emit('changed', this.#list(devices));
  }

  async setVolume(role: AudioRole, volume: number): Promise<void> {
    await this.#plane.setVolume(role, volume);
    await this.#settings.setVolume(role, volume);
  }

  volume(role: AudioRole): number {
    return this.#settings.volume(role);
  }

  /** Tells the worker what was set before it, or this engine, was started. */
  async restoreVolumes(): Promise<void> {
    for (const role of roles) {
      const volume = this.volume(role);
      if (volume !== 1) await this.#plane.setVolume(role, volume);
    }
  }

  close(): void {
    this.#unsubscribe();
    this.#events.clear();
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
    return { devices, selected };
  }
}

function isVirtual(id: string, role: AudioRole): boolean {
  if (id === 'null' || /^file:.+/u.test(id)) return true;
  return role === 'input' && (id === 'echo' || /^tone:\d{2,5}$/u.test(id));
}
