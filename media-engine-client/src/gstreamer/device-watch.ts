import { Emitter, type Clock, type EventSource, type Logger, type Timer } from '@offhook/common';
import type { AudioDevice, AudioRole } from '@offhook/media-rpc';
import { splitDevice, type SoundServer } from './device-elements.ts';
import type { DeviceRow } from './protocol.ts';
import type { WorkerLink } from './worker-link.ts';

/** Plugging in a headset comes as a burst of changes. */
const SETTLE_MS = 100;
/** A list of this age is current: asking a sound server that is not there costs memory each time. */
const CURRENT_MS = 5000;

export interface DeviceWatchEvents {
  changed: readonly AudioDevice[];
}

/** What sound devices there are, and what stands in for one that is gone. */
export class DeviceWatch implements EventSource<DeviceWatchEvents> {
  readonly #link: WorkerLink;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events = new Emitter<DeviceWatchEvents>();
  #devices: readonly AudioDevice[] = [];
  /** Every id that was ever listed. */
  readonly #seen = new Set<string>();
  #sound: SoundServer = 'none';
  #timer: Timer | undefined;
  #askedAt = -Infinity;

  constructor(link: WorkerLink, clock: Clock, logger: Logger) {
    this.#link = link;
    this.#clock = clock;
    this.#logger = logger;
  }

  on<K extends keyof DeviceWatchEvents>(
    name: K,
    listener: (event: DeviceWatchEvents[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  /** What `default` stands for. */
  get sound(): SoundServer {
    return this.#sound;
  }

  /** `fresh` asks the sound server anew, which is needed once it has been restarted. */
  async refresh(options: { fresh?: boolean } = {}): Promise<readonly AudioDevice[]> {
    if (options.fresh === true) this.#askedAt = this.#clock.now();
    const { devices } = await this.#link.request('devices', options);
    this.#devices = audioDevices(devices);
    for (const { id } of this.#devices) this.#seen.add(id);
    this.#sound = soundServer(devices);
    return this.#devices;
  }

  /** The devices as they are now, asked of the sound server unless that was done a moment ago. */
  async list(): Promise<readonly AudioDevice[]> {
    const fresh = this.#clock.now() - this.#askedAt > CURRENT_MS;
    return this.refresh({ fresh });
  }

  /** The worker saw a device come or go. */
  changed(): void {
    this.#timer ??= this.#clock.after(SETTLE_MS, () => {
      this.#timer = undefined;
      this.refresh().then(
        (devices) => this.#events.emit('changed', devices),
        (error: unknown) => this.#logger.debug({ err: error }, 'no device list'),
      );
    });
  }

  isPresent(id: string, role: AudioRole): boolean {
    if (!this.canFail(id)) return true;
    return this.#devices.some((device) => device.id === id && device.roles.includes(role));
  }

  /** It was there and is not any more; a device that is never listed may be there all the same. */
  isGone(id: string, role: AudioRole): boolean {
    return this.#seen.has(id) && !this.isPresent(id, role);
  }

  /** Synthetic devices and files do not come and go. */
  canFail(id: string): boolean {
    return ['pulse', 'alsa', 'default', 'file'].includes(splitDevice(id)[0]);
  }

  /** What to try in place of a device, in order. */
  standIns(role: AudioRole, failed: string): readonly string[] {
    const other = this.#devices.some(
      (device) =>
        !['default', failed].includes(device.id) &&
        this.canFail(device.id) &&
        device.roles.includes(role),
    );
    return failed !== 'default' && this.#sound !== 'none' && other ? ['default', 'null'] : ['null'];
  }

  close(): void {
    this.#timer?.cancel();
    this.#events.clear();
  }
}

function soundServer(rows: readonly DeviceRow[]): SoundServer {
  if (rows.some((row) => row.factory.startsWith('pulse'))) return 'pulse';
  return rows.some((row) => row.factory.startsWith('alsa')) ? 'alsa' : 'none';
}

/** The worker's devices by the contract's ids; one that both records and plays is listed once. */
function audioDevices(rows: readonly DeviceRow[]): readonly AudioDevice[] {
  const devices = new Map<string, AudioDevice>();
  for (const row of rows) {
    const kind = /^(pulse|alsa)/.exec(row.factory)?.[1];
    if (kind === undefined || row.device === '') continue;
    const id = `${kind}:${row.device}`;
    const roles: AudioRole[] = row.class.includes('Source') ? ['input'] : ['output', 'ringer'];
    const known = devices.get(id);
    devices.set(id, {
      id,
      name: known?.name ?? row.name,
      roles: [...(known?.roles ?? []), ...roles],
      present: true,
      ...(row.formFactor === '' ? {} : { formFactor: row.formFactor }),
    });
  }
  const formFactor = standardFormFactor(rows);
  const all: AudioRole[] = ['input', 'output', 'ringer'];
  const standard: AudioDevice[] = [
    {
      id: 'default',
      name: 'System default',
      roles: all,
      present: devices.size > 0,
      ...(formFactor === undefined ? {} : { formFactor }),
    },
    { id: 'null', name: 'No sound', roles: all, present: true },
  ];
  return [...standard, ...devices.values()];
}

/** What the default loudspeaker is, which is what counts for an echo. */
function standardFormFactor(rows: readonly DeviceRow[]): string | undefined {
  const row = rows.find((one) => one.standard && one.class.includes('Sink'));
  return row === undefined || row.formFactor === '' ? undefined : row.formFactor;
}
