import { describeError, type Clock, type Logger, type Timer } from '@offhook/common';
import { loadGuestConfig, type GuestConfig } from '../config.ts';
import { provision } from './provision.ts';

/** How often it is looked whether the phone can be started anew with what is new. */
const IDLE_LOOK_MS = 1000;

/**
 * The configuration as it is now: asked for where a server has it, else as it was last.
 *
 * @throws OffhookError of layer `config` when there is none that could be used.
 */
export async function provisionedConfig(path: string): Promise<GuestConfig> {
  let failure: unknown;
  try {
    await provision(path);
  } catch (error) {
    failure = error;
  }
  try {
    return loadGuestConfig(path);
  } catch (error) {
    // Nothing has ever come: why is more to the point than what is missing without it.
    throw failure ?? error;
  }
}

export interface ProvisioningWatch {
  /** Stops; resolves when a restart that is under way is through. Idempotent. */
  close(): Promise<void>;
}

/** Asks again and again; what is new is put to use when no call is up. */
export function watchProvisioning(
  path: string,
  { url, refresh }: GuestConfig['provisioning'],
  parts: {
    readonly logger: Logger;
    readonly clock: Clock;
    readonly idle: () => boolean;
    readonly restart: () => Promise<void>;
  },
): ProvisioningWatch {
  const { logger, clock, idle, restart } = parts;
  let timer: Timer | undefined;
  let under: Promise<void> = Promise.resolve();
  let closed = false;
  const later = (ms: number, work: () => Promise<void>): void => {
    if (closed) return;
    timer = clock.after(ms, () => {
      under = work();
    });
  };
  const ask = async (): Promise<void> => {
    try {
      if (await provision(path)) {
        logger.info({}, 'a new configuration has come');
        later(0, use);
        return;
      }
    } catch (error) {
      logger.warn({ reason: describeError(error) }, 'no new configuration; the last one holds');
    }
    later(refresh * 1000, ask);
  };
  const use = async (): Promise<void> => {
    if (!idle()) {
      later(IDLE_LOOK_MS, use);
      return;
    }
    try {
      await restart();
    } catch (error) {
      logger.error({ reason: describeError(error) }, 'the new configuration is not in force');
    }
    later(refresh * 1000, ask);
  };
  if (url !== undefined) later(refresh * 1000, ask);
  return {
    async close() {
      closed = true;
      timer?.cancel();
      await under;
    },
  };
}
