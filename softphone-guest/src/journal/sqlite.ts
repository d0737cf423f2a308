import { arch, platform } from 'node:process';
import type Database from 'better-sqlite3';
import { OffhookError } from '@offhook/common';

/** SQLite itself: a native addon, loaded only by what needs it. */
export async function loadSqlite(): Promise<typeof Database> {
  if (platform === 'linux' && arch === 'x64') {
    return (await import('better-sqlite3/linux-x64')).default;
  }
  if (platform === 'linux' && arch === 'arm64') {
    return (await import('better-sqlite3/linux-arm64')).default;
  }
  throw new OffhookError('system', 'unsupported', `there is no SQLite for ${platform} on ${arch}`);
}
