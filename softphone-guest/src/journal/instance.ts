import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The id by which an engine knows this phone again after a restart. It is kept apart from the
 * journal, so that what is lost there can still be found at the engine. A directory that cannot be
 * written gives an id of this process alone.
 */
export function instanceId(stateDir: string): string {
  const path = join(stateDir, 'instance');
  try {
    const known = readFileSync(path, 'utf8').trim();
    if (UUID.test(known)) return known;
  } catch {
    // There is none yet.
  }
  const id = randomUUID();
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      writeSync(file, `${id}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // The journal tells that the directory cannot be written.
  }
  return id;
}
