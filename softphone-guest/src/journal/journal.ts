import { statSync } from 'node:fs';
import type Database from 'better-sqlite3';
import {
  describeError,
  isOffhookError,
  type Clock,
  type Logger,
  type OffhookError,
  type Timer,
} from '@offhook/common';
import { JournalFile, moveAside, type CallChange, type Written } from './journal-file.ts';
import { parseRow, type JournalRow } from './rows.ts';
import { awayMs, lifeSign, type LifeSign } from './life-sign.ts';

/** Committed changes wait so long for the disk, together. */
const SYNC_MS = 200;
/** Ended calls wait so long, to be written together. */
const HISTORY_MS = 200;
/** How often a file that cannot be written is tried again. */
const RETRY_MS = 5000;
/** How often a phone with calls writes down that it lives. */
const LIFE_SIGN_MS = 5000;

export type JournalStatus =
  | { readonly state: 'ok' }
  /** Not written: calls go on, and would not survive the end of this process. */
  | { readonly state: 'degraded'; readonly reason: string; readonly remedy: string | undefined };

/** What an earlier process has left. */
export interface Inheritance {
  readonly calls: readonly JournalRow[];
  /** Why there may have been more than `calls`: the file, or rows of it, could not be read. */
  readonly lost: string | undefined;
  /** Milliseconds since the earlier process last gave a sign of life; undefined if unknown. */
  readonly awayMs: number | undefined;
  readonly history: readonly string[];
}

export interface JournalParts {
  readonly path: string;
  readonly sqlite: () => Promise<typeof Database>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ended calls that are kept. */
  readonly historyLimit: number;
  /** How long this machine has been up, and which of its lives it is; the system's by default. */
  readonly lifeSign?: () => LifeSign;
}

/**
 * What has to outlive this process: calls, as the messages that have left show them. A journal that
 * cannot be written says so, and never stands in the way of a call.
 */
export class Journal {
  readonly inherited: Inheritance;
  readonly #parts: JournalParts;
  readonly #Sqlite: typeof Database | undefined;
  readonly #lifeSign: () => LifeSign;
  /** What the file should hold. */
  readonly #calls = new Map<string, string>();
  readonly #meta = new Map<string, string>();
  #history: string[] = [];
  #historyTimer: Timer | undefined;
  #file: JournalFile | undefined;
  #status: JournalStatus = { state: 'ok' };
  #sync: Timer | undefined;
  #syncing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #life: Timer | undefined;
  #closed = false;

  /**
   * Opens the journal, or what takes its place when it cannot be opened.
   *
   * @throws OffhookError `in-use` (layer `system`) when another process writes it.
   */
  static async open(parts: JournalParts): Promise<Journal> {
    let Sqlite: typeof Database | undefined;
    let missing: unknown;
    try {
      Sqlite = await parts.sqlite();
    } catch (error) {
      missing = error;
    }
    return new Journal(parts, Sqlite, missing);
  }

  private constructor(parts: JournalParts, Sqlite: typeof Database | undefined, missing: unknown) {
    this.#parts = parts;
    this.#Sqlite = Sqlite;
    this.#lifeSign = parts.lifeSign ?? lifeSign;
    if (Sqlite === undefined) {
      this.#degraded(missing);
      this.inherited = { calls: [], lost: describeError(missing), awayMs: undefined, history: [] };
      return;
    }
    this.inherited = this.#inherit(Sqlite);
  }

  get status(): JournalStatus {
    return this.#status;
  }

  /** Calls that are written down. */
  get size(): number {
    return this.#calls.size;
  }

  rows(): readonly JournalRow[] {
    return [...this.#calls.values()].flatMap((text) => parseRow(text) ?? []);
  }

  /** Committed when it returns, if the file can be written at all; never throws. */
  commit(changes: readonly { readonly id: string; readonly row: JournalRow | undefined }[]): void {
    if (this.#closed) return;
    const news: CallChange[] = [];
    for (const { id, row } of changes) {
      const data = row === undefined ? undefined : JSON.stringify(row);
      if (this.#calls.get(id) === data) continue;
      if (data === undefined) this.#calls.delete(id);
      else this.#calls.set(id, data);
      news.push({ id, data });
    }
    if (news.length === 0) return;
    this.#write((file) => file.commit(news, this.#parts.clock.wall()));
    this.#liveOn();
  }

  meta(name: string): string | undefined {
    return this.#meta.get(name);
  }

  setMeta(name: string, value: string): void {
    if (this.#meta.get(name) === value) return;
    this.#meta.set(name, value);
    this.#write((file) => file.setMeta(name, value));
  }

  /** Written soon, with others; the oldest are forgotten. */
  addHistory(entry: string): void {
    this.#history.push(entry);
    this.#historyTimer ??= this.#parts.clock.after(HISTORY_MS, () => this.#writeHistory());
  }

  #writeHistory(): void {
    this.#historyTimer?.cancel();
    this.#historyTimer = undefined;
    const { historyLimit } = this.#parts;
    const entries = this.#history.splice(0).slice(-historyLimit);
    if (entries.length > 0) this.#write((file) => file.addHistory(entries, historyLimit));
  }

  /** Brings everything to the disk and lets go of the file; idempotent, never throws. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#writeHistory();
    this.#closed = true;
    for (const timer of [this.#sync, this.#retry, this.#life]) timer?.cancel();
    await this.#syncing;
    try {
      this.#file?.close();
    } catch (error) {
      this.#parts.logger.warn({ reason: describeError(error) }, 'the journal did not close');
    }
  }

  #inherit(Sqlite: typeof Database): Inheritance {
    const { path, logger } = this.#parts;
    let lost: string | undefined;
    try {
      if (isEmpty(path)) lost = 'the journal was empty';
      this.#file = new JournalFile(Sqlite, path);
    } catch (error) {
      if (isOffhookError(error, 'in-use')) throw error;
      lost = isOffhookError(error) ? error.message : describeError(error);
      if (isOffhookError(error, 'damaged') || isOffhookError(error, 'newer')) {
        lost = this.#startAnew(Sqlite, error);
      } else this.#degraded(error);
    }
    const written = this.#read();
    for (const [name, value] of written.meta) this.#meta.set(name, value);
    const calls: JournalRow[] = [];
    const broken: string[] = [];
    for (const { id, data } of written.calls) {
      const row = parseRow(data);
      if (row === undefined) broken.push(id);
      else {
        calls.push(row);
        this.#calls.set(id, data);
      }
    }
    if (broken.length > 0) {
      lost ??= `${broken.length} calls in the journal could not be read`;
      this.#write((file) =>
        file.commit(
          broken.map((id) => ({ id, data: undefined })),
          0,
        ),
      );
    }
    if (lost !== undefined) logger.error({ path, reason: lost }, 'calls may have been forgotten');
    const sign = this.#meta.get('alive');
    const away = sign === undefined ? undefined : awayMs(sign, this.#lifeSign());
    if (this.#calls.size > 0) this.#liveOn();
    return { calls, lost, awayMs: away, history: written.history };
  }

  /** What cannot be read is kept beside, and a new file begun. */
  #startAnew(Sqlite: typeof Database, error: OffhookError): string {
    try {
      const aside = moveAside(this.#parts.path);
      this.#file = new JournalFile(Sqlite, this.#parts.path);
      return `${error.message} (kept as ${aside})`;
    } catch (again) {
      this.#degraded(again);
      return error.message;
    }
  }

  #read(): Written {
    const nothing: Written = { calls: [], meta: new Map(), history: [] };
    try {
      return this.#file?.read() ?? nothing;
    } catch (error) {
      this.#degraded(error);
      return nothing;
    }
  }

  #write(act: (file: JournalFile) => void): void {
    const file = this.#file;
    // What is wanted is kept, and written as a whole when the file can be written again.
    if (file === undefined || this.#status.state === 'degraded') return;
    try {
      act(file);
      this.#syncSoon(file);
    } catch (error) {
      this.#degraded(error);
    }
  }

  #syncSoon(file: JournalFile): void {
    this.#sync ??= this.#parts.clock.after(SYNC_MS, () => {
      this.#syncing = file
        .sync()
        .catch((error: unknown) => {
          if (!this.#closed && this.#file === file) this.#degraded(error);
        })
        .finally(() => {
          this.#syncing = undefined;
        });
      this.#sync = undefined;
    });
  }

  #degraded(error: unknown): void {
    const { logger, clock } = this.#parts;
    const reason = isOffhookError(error) ? error.message : describeError(error);
    if (this.#status.state === 'ok') {
      logger.error({ reason }, 'the journal cannot be written: calls would not survive a restart');
    }
    const remedy = isOffhookError(error) ? error.remedy : undefined;
    this.#status = { state: 'degraded', reason, remedy };
    if (this.#Sqlite === undefined || this.#closed) return;
    this.#retry?.cancel();
    this.#retry = clock.after(RETRY_MS, () => this.#recover());
  }

  #recover(): void {
    const Sqlite = this.#Sqlite;
    if (Sqlite === undefined || this.#closed) return;
    const { path, clock, logger } = this.#parts;
    try {
      this.#file?.close();
      this.#file = undefined;
      let file: JournalFile;
      try {
        file = new JournalFile(Sqlite, path);
      } catch (error) {
        if (!isOffhookError(error, 'damaged')) throw error;
        moveAside(path);
        file = new JournalFile(Sqlite, path);
      }
      this.#file = file;
      file.rewrite(this.#calls, clock.wall());
      for (const [name, value] of this.#meta) file.setMeta(name, value);
    } catch (error) {
      this.#degraded(error);
      return;
    }
    this.#status = { state: 'ok' };
    logger.info({ path }, 'the journal is written again');
  }

  /** As long as there are calls, the next process can tell how long it was away. */
  #liveOn(): void {
    if (this.#life !== undefined || this.#closed) return;
    this.setMeta('alive', JSON.stringify(this.#lifeSign()));
    this.#life = this.#parts.clock.after(LIFE_SIGN_MS, () => {
      this.#life = undefined;
      if (this.#calls.size > 0) this.#liveOn();
    });
  }
}

/** A file that is there and has nothing in it was cut off: a new one is made by SQLite alone. */
function isEmpty(path: string): boolean {
  try {
    return statSync(path).size === 0;
  } catch {
    return false;
  }
}
