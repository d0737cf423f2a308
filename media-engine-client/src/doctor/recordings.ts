import { access, constants } from 'node:fs/promises';
import type { EngineConfig } from '../config.ts';
import { recordingFiles } from '../session/recording-files.ts';
import { fail, ok, warn, type CheckFinding } from './check.ts';

/** Whether calls can be recorded, where the policy allows it. */
export async function checkRecordings(policy: EngineConfig['recording']): Promise<CheckFinding> {
  const { allowed, directory, min_free_mb: least } = policy;
  if (!allowed) return ok('not allowed ([recording] allowed)');
  const free = await recordingFiles(directory).freeMb();
  try {
    await access(directory, constants.W_OK);
  } catch {
    return fail(`${directory} cannot be written`, 'see [recording] directory');
  }
  const room = `${directory}, ${Math.floor(free)} MiB free`;
  return free < least
    ? warn(`${room}: less than min_free_mb, so that no call is recorded`, 'make room there')
    : ok(room);
}
