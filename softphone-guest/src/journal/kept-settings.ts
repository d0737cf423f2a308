import { z } from 'zod';
import { describeError, type Logger } from '@offhook/common';
import { Settings } from '../call/person-settings.ts';
import type { Journal } from './journal.ts';

const META = 'settings';

const target = z.string().max(1024).optional();
const kept = z.object({
  doNotDisturb: z.boolean(),
  forwarding: z.record(
    z.string().max(512),
    z.object({ always: target, busy: target, noAnswer: target, afterMs: z.number().min(0) }),
  ),
});

/** The person's settings as an earlier process has left them, written down as they change. */
export function keptSettings(journal: Pick<Journal, 'meta' | 'setMeta'>, logger: Logger): Settings {
  const settings = new Settings(read(journal.meta(META), logger));
  settings.events.on('changed', (now) => journal.setMeta(META, JSON.stringify(now)));
  return settings;
}

function read(text: string | undefined, logger: Logger): z.output<typeof kept> | undefined {
  if (text === undefined) return undefined;
  try {
    return kept.parse(JSON.parse(text));
  } catch (error) {
    logger.warn({ reason: describeError(error) }, 'do not disturb and forwarding cannot be read');
    return undefined;
  }
}
