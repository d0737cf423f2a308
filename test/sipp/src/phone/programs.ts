import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../../..');

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

interface Place {
  readonly bundle: string;
  readonly source: string;
}

const GUEST: Place = {
  bundle: 'softphone-guest/dist/offhook.js',
  source: 'softphone-guest/src/cli/main.ts',
};
const ENGINE: Place = {
  bundle: 'media-engine-client/dist/offhook-engine.js',
  source: 'media-engine-client/src/cli/main.ts',
};

/** `offhook`, as it is shipped; from its sources when OFFHOOK_FROM_SOURCE is set or nothing is built. */
export function guestProgram(args: readonly string[]): Program {
  return program(GUEST, args);
}

/** `offhook-engine`, likewise. */
export function engineProgram(args: readonly string[]): Program {
  return program(ENGINE, args);
}

function program(place: Place, args: readonly string[]): Program {
  const bundle = join(ROOT, place.bundle);
  const built = process.env['OFFHOOK_FROM_SOURCE'] === undefined && existsSync(bundle);
  const file = built ? bundle : join(ROOT, place.source);
  return {
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', file, ...args],
  };
}
