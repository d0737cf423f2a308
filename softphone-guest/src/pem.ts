import { readFileSync } from 'node:fs';
import { OffhookError } from '@offhook/common';

/** @throws OffhookError `{layer: 'config', code: 'unreadable'}`. */
export function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new OffhookError('config', 'unreadable', `${path}: cannot be read (${code})`);
  }
}
