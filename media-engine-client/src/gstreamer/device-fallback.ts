import { isOffhookError, type Clock, type Logger, type Timer } from '@offhook/common';
import type { MediaPlaneEvents } from '../media-plane.ts';
import type { DeviceWatch } from './device-watch.ts';
import type { Leg } from './leg.ts';

type Role = 'input' | 'output';

/** How often a device that is gone is looked for when nothing tells that it is back: ever more rarely. */
const RETRY_MS = { first: 2000, longest: 60_000 };

export interface DeviceFallbackOptions {
  readonly devices: DeviceWatch;
  readonly legs: () => Iterable<Leg>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailed: (event: MediaPlaneEvents['deviceFailed']) => void;
  /** Another device than before is in use somewhere. */
  readonly onMoved: () => void;
}

/**
 * Keeps legs talking when a device fails: another one stands in, silence if there is none, until
 * the configured one is back. RTP goes on meanwhile.
 */
export class DeviceFallback {
  readonly #options: DeviceFallbackOptions;
  readonly #busy = new Map<Leg, Promise<void>>();
  #retry: Timer | undefined;
  #retryMs = RETRY_MS.first;
  #closed = false;

  constructor(options: DeviceFallbackOptions) {
    this.#options = options;
  }

  /** A running leg's device reported an error; `serial` says for which of its pipelines. */
  failed(leg: Leg, role: Role, serial: number, message: string): void {
    this.#enqueue(leg, async () => {
      if (serial === leg.serial) await this.#replace(leg, role, message);
    });
  }

  /** A leg could not start with its devices. Rethrows what is not a device's fault. */
  async startFailed(leg: Leg, error: unknown): Promise<void> {
    const failure = deviceFailure(error);
    if (failure === undefined || !this.#options.devices.canFail(leg.device(failure.role)))
      throw error;
    await this.#replace(leg, failure.role, failure.message);
  }

  /** Devices have come or gone, or may have. */
  devicesChanged(): void {
    for (const leg of this.#options.legs()) {
      this.#leaveGone(leg);
      void this.#restore(leg);
    }
    this.#scheduleRetry();
  }

  /**
   * A sound server that moves the streams of a device that is gone to another tells no error, and does
   * not move them back: so that the leg returns to its device, it is known to be on another.
   */
  #leaveGone(leg: Leg): void {
    for (const role of ['input', 'output'] as const) {
      this.#enqueue(leg, async () => {
        const device = leg.device(role);
        if (device !== 'default' && this.#options.devices.isGone(device, role))
          await this.#replace(leg, role, `${device} is gone`);
      });
    }
  }

  /** One after the other for each leg. */
  #enqueue(leg: Leg, work: () => Promise<void>): void {
    const after = (this.#busy.get(leg) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) =>
        this.#options.logger.error({ err: error }, 'no device to fall back to'),
      );
    this.#busy.set(leg, after);
    void after.finally(() => {
      if (this.#busy.get(leg) === after) this.#busy.delete(leg);
    });
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  async #replace(leg: Leg, role: Role, message: string): Promise<void> {
    const { devices, onFailed, onMoved } = this.#options;
    const device = leg.device(role);
    const standIns = device === 'null' ? [] : devices.standIns(role, device);
    for (const next of standIns) {
      try {
        await leg.useDevice(role, next);
        onMoved();
        onFailed({ leg: leg.config.id, role, device, message });
        this.#scheduleRetry();
        return;
      } catch (error) {
        const failure = deviceFailure(error);
        if (failure === undefined) throw error;
        if (failure.role === role) continue;
        // Both are gone: the sound server, most likely.
        await this.#replace(leg, failure.role, failure.message);
        onFailed({ leg: leg.config.id, role, device, message });
        return;
      }
    }
    throw new Error(`${device} failed and nothing is left to stand in for it: ${message}`);
  }

  async #restore(leg: Leg): Promise<void> {
    try {
      for (const role of ['input', 'output'] as const) {
        const wanted = leg.config[role];
        if (leg.device(role) === wanted || !this.#options.devices.isPresent(wanted, role)) continue;
        await leg.useDevice(role, undefined);
        this.#options.onMoved();
      }
      await leg.refresh();
    } catch (error) {
      await this.startFailed(leg, error).catch((reason: unknown) =>
        this.#options.logger.warn({ err: reason }, 'the device is not back'),
      );
    }
  }

  #scheduleRetry(): void {
    const waiting = [...this.#options.legs()].some((leg) => leg.onStandIn);
    if (!waiting) this.#retryMs = RETRY_MS.first;
    if (!waiting || this.#closed || this.#retry !== undefined) return;
    this.#retry = this.#options.clock.after(this.#retryMs, () => {
      this.#retry = undefined;
      this.#retryMs = Math.min(1.5 * this.#retryMs, RETRY_MS.longest);
      this.#options.devices
        .refresh({ fresh: true })
        .then(() => this.devicesChanged())
        .catch(() => this.#scheduleRetry());
    });
  }
}

/** The worker could not start a pipeline because of the element that is one of its devices. */
export function deviceFailure(error: unknown): { role: Role; message: string } | undefined {
  if (!isOffhookError(error, 'failed') || error.layer !== 'worker') return undefined;
  const [, role, message] = /^(input|output): (.*)$/s.exec(error.message) ?? [];
  if (role !== 'input' && role !== 'output') return undefined;
  return { role, message: message ?? '' };
}
