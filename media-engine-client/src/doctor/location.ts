import { silentLogger, systemClock } from '@offhook/common';
import { asking } from '../location/ask.ts';
import type { LocationConfig } from '../location/config.ts';
import { LocationSource } from '../location/location-source.ts';
import { fail, ok, warn, type CheckFinding } from './check.ts';

const UNKNOWN = 'set [location] (docs/emergency.md), so that emergency calls tell the place';

/** Whether an emergency call could tell where this thin client is: asks as the engine does. */
export async function checkLocation(config: LocationConfig): Promise<CheckFinding> {
  const source = new LocationSource({
    config,
    ask: asking(config),
    onChange: () => undefined,
    clock: systemClock,
    logger: silentLogger,
  });
  await source.start();
  source.close();
  const { current, problem } = source;
  if (problem !== undefined) {
    return fail(
      `[location] ${config.file ?? config.command?.join(' ') ?? ''}: ${problem}`,
      UNKNOWN,
    );
  }
  if (current === null) return warn('where this thin client is, is not known', UNKNOWN);
  if (current.stale === true) return warn('older than [location] max_age', 'have it written anew');
  const { civic = {}, geo } = current;
  const words = Object.values(civic).join(', ');
  return ok(words !== '' ? words : `${geo?.latitude}, ${geo?.longitude}`);
}
