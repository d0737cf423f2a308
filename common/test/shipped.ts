import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

const PROGRAMS = {
  offhook: 'softphone-guest',
  'offhook-engine': 'media-engine-client',
  'offhook-cti': 'cti-bridge',
} as const;

/**
 * The script of a program as it is shipped, which starts several times as quickly as its sources; of
 * these when OFFHOOK_FROM_SOURCE is set or nothing is built.
 */
export function shipped(name: keyof typeof PROGRAMS): string {
  const folder = join(ROOT, PROGRAMS[name]);
  const bundle = join(folder, 'dist', `${name}.js`);
  const built = process.env['OFFHOOK_FROM_SOURCE'] === undefined && existsSync(bundle);
  return built ? bundle : join(folder, 'src/cli/main.ts');
}
