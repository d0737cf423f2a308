import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { describeError } from '@offhook/common';
import { JournalFile } from './journal-file.ts';
import { parseRow, type JournalRow } from './rows.ts';

export interface Peek {
  readonly calls: readonly JournalRow[];
  /** Why it could not be read, or not wholly. */
  readonly lost: string | undefined;
}

/** Looks at a journal that no daemon has open, in a copy: looking changes nothing. */
export function peek(Sqlite: typeof Database, path: string): Peek {
  if (!existsSync(path)) return { calls: [], lost: undefined };
  const dir = mkdtempSync(join(tmpdir(), 'offhook-journal-'));
  const copy = join(dir, 'journal.db');
  try {
    for (const suffix of ['', '-wal']) {
      if (existsSync(`${path}${suffix}`)) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
    }
    const file = new JournalFile(Sqlite, copy);
    try {
      const rows = file.read().calls.map(({ data }) => parseRow(data));
      const calls = rows.filter((row) => row !== undefined);
      const broken = rows.length - calls.length;
      return { calls, lost: broken === 0 ? undefined : `${broken} calls could not be read` };
    } finally {
      file.close();
    }
  } catch (error) {
    return { calls: [], lost: describeError(error) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
