import type { AudioRole, StandIns } from '@offhook/media-rpc';
import type { Leg } from './leg.ts';

/** What is in use, by role, in place of what should be; of several the one found last. */
export function standInsOf(legs: Iterable<Leg>, ringing: string | undefined): StandIns {
  const found: Partial<Record<AudioRole, string>> = {};
  for (const leg of legs) {
    for (const role of ['input', 'output'] as const) {
      if (leg.device(role) !== leg.config[role]) found[role] = leg.device(role);
    }
  }
  return ringing === undefined ? found : { ...found, ringer: ringing };
}
