import { readFileSync } from 'node:fs';
import { OffhookError } from '@offhook/common';

/** From the file, else from `$OFFHOOK_CTI_TOKEN`; never from the command line, which others can read. */
export function findToken(file: string | undefined): string {
  if (file === undefined) return process.env['OFFHOOK_CTI_TOKEN'] ?? '';
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new OffhookError('config', 'unreadable', `${file}: cannot be read`, { cause: error });
  }
}
