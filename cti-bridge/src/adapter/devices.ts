import type { Fact } from '../model/facts.ts';
import type { Device } from '../model/things.ts';

/** The devices of an adapter, as they are known now. */
export class Devices {
  readonly #devices = new Map<string, Device>();

  constructor(devices: readonly Device[] = []) {
    this.reset(devices);
  }

  reset(devices: readonly Device[]): void {
    this.#devices.clear();
    for (const device of devices) this.#devices.set(device.id, device);
  }

  list(): readonly Device[] {
    return [...this.#devices.values()];
  }

  get(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** Nothing comes of a device that there is not. */
  set(id: string, more: Partial<Device>): Fact[] {
    const before = this.#devices.get(id);
    if (before === undefined) return [];
    const device = { ...before, ...more };
    this.#devices.set(id, device);
    return [{ kind: 'device', device }];
  }
}
