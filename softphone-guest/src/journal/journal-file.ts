import { chmodSync, closeSync, fsync, openSync, renameSync, rmSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { OffhookError } from '@offhook/common';
import { APPLICATION_ID, CURRENT_VERSION, migrations } from './migrations.ts';

/** Another daemon that has just been killed lets go of its lock at once; a living one never. */
const LOCK_WAIT_MS = 500;
/** Pages in the write-ahead log before they are moved into the file, 4 kB each. */
const CHECKPOINT_PAGES = 2000;
const SIDE_FILES = ['', '-wal', '-shm'];

export interface CallChange {
  readonly id: string;
  /** Undefined: the call is over. */
  readonly data: string | undefined;
}

export interface Written {
  readonly calls: readonly { readonly id: string; readonly data: string }[];
  readonly meta: ReadonlyMap<string, string>;
  /** Newest first. */
  readonly history: readonly string[];
}

/**
 * The file of the journal: SQLite with a write-ahead log. A commit is in the kernel's cache when
 * `commit` returns, which survives the end of the process; `sync` brings it to the disk, which
 * survives the end of the machine. One writer, who holds the lock as long as the file is open.
 */
export class JournalFile {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #put: Database.Statement<[string, number, string]>;
  readonly #drop: Database.Statement<[string]>;
  readonly #setMeta: Database.Statement<[string, string]>;
  readonly #addHistory: Database.Statement<[string]>;
  readonly #trimHistory: Database.Statement<[number]>;
  readonly #change: (changes: readonly CallChange[], at: number) => void;
  #log: number | undefined;

  /**
   * @throws OffhookError of layer `system`: `in-use` when another process has it; `damaged` and
   * `newer` for what cannot be read; `unwritable` for a full disk, missing rights and the like.
   */
  constructor(Sqlite: typeof Database, path: string) {
    this.#path = path;
    let db: Database.Database | undefined;
    try {
      // SQLite gives its side files the rights of the file.
      closeSync(openSync(path, 'a', 0o600));
      chmodSync(path, 0o600);
      db = new Sqlite(path, { timeout: LOCK_WAIT_MS });
      prepare(db, path);
      this.#db = db;
      this.#put = db.prepare(
        'INSERT INTO calls VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, data = excluded.data',
      );
      this.#drop = db.prepare('DELETE FROM calls WHERE id = ?');
      this.#setMeta = db.prepare(
        'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      );
      this.#addHistory = db.prepare('INSERT INTO history (data) VALUES (?)');
      this.#trimHistory = db.prepare(
        'DELETE FROM history WHERE number <= (SELECT max(number) FROM history) - ?',
      );
    } catch (error) {
      db?.close();
      throw asJournalError(error, path);
    }
    this.#change = db.transaction((changes: readonly CallChange[], at: number) => {
      for (const { id, data } of changes) {
        if (data === undefined) this.#drop.run(id);
        else this.#put.run(id, at, data);
      }
    });
  }

  read(): Written {
    return this.#guard(() => ({
      calls: this.#db
        .prepare<[], { id: string; data: string }>('SELECT id, data FROM calls ORDER BY changed')
        .all(),
      meta: new Map(
        this.#db
          .prepare<[], { name: string; value: string }>('SELECT name, value FROM meta')
          .all()
          .map(({ name, value }) => [name, value]),
      ),
      history: this.#db
        .prepare<[], { data: string }>('SELECT data FROM history ORDER BY number DESC')
        .all()
        .map(({ data }) => data),
    }));
  }

  /** All or nothing. `at`: wall clock. */
  commit(changes: readonly CallChange[], at: number): void {
    this.#guard(() => this.#change(changes, at));
  }

  /** In place of whatever calls the file has. */
  rewrite(calls: ReadonlyMap<string, string>, at: number): void {
    this.#guard(() =>
      this.#db.transaction(() => {
        this.#db.exec('DELETE FROM calls');
        for (const [id, data] of calls) this.#put.run(id, at, data);
      })(),
    );
  }

  setMeta(name: string, value: string): void {
    this.#guard(() => this.#setMeta.run(name, value));
  }

  /** Forgets the oldest beyond `limit`. */
  addHistory(entries: readonly string[], limit: number): void {
    this.#guard(() =>
      this.#db.transaction(() => {
        for (const data of entries) this.#addHistory.run(data);
        this.#trimHistory.run(limit);
      })(),
    );
  }

  /** Brings what is committed to the disk, off the main thread. */
  sync(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    try {
      this.#log ??= openSync(`${this.#path}-wal`, 'r');
    } catch (error) {
      return Promise.reject(asJournalError(error, this.#path));
    }
    fsync(this.#log, (error) => {
      if (error === null) resolve();
      else reject(asJournalError(error, this.#path));
    });
    return promise;
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    this.#db.close();
  }

  #guard<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      throw asJournalError(error, this.#path);
    }
  }
}

/** Out of the way, and kept for who wants to look; of several only the last. */
export function moveAside(path: string): string {
  const aside = `${path}.unreadable`;
  for (const suffix of SIDE_FILES) {
    rmSync(`${aside}${suffix}`, { force: true });
    try {
      renameSync(`${path}${suffix}`, `${aside}${suffix}`);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw asJournalError(error, path);
    }
  }
  return aside;
}

function prepare(db: Database.Database, path: string): void {
  // The lock for as long as the file is open; so the log needs no shared memory either.
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  const version = Number(db.pragma('user_version', { simple: true }));
  const owner = Number(db.pragma('application_id', { simple: true }));
  if (version > CURRENT_VERSION) {
    throw new OffhookError(
      'system',
      'newer',
      `${path} is of a newer release (version ${version}, this one knows ${CURRENT_VERSION})`,
    );
  }
  if (version > 0 && owner !== APPLICATION_ID) throw damaged(path, 'it is of another program');
  const check = db.pragma('quick_check(1)', { simple: true });
  if (check !== 'ok') throw damaged(path, String(check));
  db.transaction(() => {
    for (const step of migrations.slice(version)) db.exec(step);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${CURRENT_VERSION}`);
  }).immediate();
}

function damaged(path: string, why: string, cause?: unknown): OffhookError {
  return new OffhookError('system', 'damaged', `${path} cannot be read: ${why}`, { cause });
}

function asJournalError(error: unknown, path: string): OffhookError {
  if (error instanceof OffhookError) return error;
  const code = codeOf(error);
  const why = error instanceof Error ? error.message : String(error);
  if (code.startsWith('SQLITE_BUSY')) {
    return new OffhookError('system', 'in-use', `another daemon has ${path}`, {
      cause: error,
      remedy: 'use that one, or choose another --state-dir',
    });
  }
  if (/^SQLITE_(CORRUPT|NOTADB|ERROR|SCHEMA|MISMATCH)/.test(code)) return damaged(path, why, error);
  return new OffhookError('system', 'unwritable', `${path} cannot be written: ${why}`, {
    cause: error,
    remedy: 'free space on the disk, or make the state directory writable',
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
