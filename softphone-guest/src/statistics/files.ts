import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError, OffhookError, type Clock, type Logger } from '@offhook/common';
import { isOffhookError } from '@offhook/common/errors';
import { callStatistics, type CallStatistics } from './schema.ts';

const MAX_AGE_MS = 90 * 24 * 3600 * 1000;
/** Date first, so that names sort by time; then the call's id. */
const NAME = /^\d{8}T\d{9}Z-([A-Za-z0-9_-]{1,64})\.json$/;

export interface StatisticsFilesParts {
  readonly directory: string;
  /** So many are kept; 0 writes none, and keeps none. */
  readonly keep: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A file of JSON for each call that is over; the oldest ones go when there are too many. */
export class StatisticsFiles {
  readonly #parts: StatisticsFilesParts;
  #work: Promise<void>;

  constructor(parts: StatisticsFilesParts) {
    this.#parts = parts;
    this.#work = this.#tidy();
  }

  /** Written one after the other; a disk that is full is logged, and costs that file only. */
  add(statistics: CallStatistics): void {
    if (this.#parts.keep === 0) return;
    this.#work = this.#after(this.#work, statistics);
  }

  /** Resolves when everything is written. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** @see readStatistics */
  async find(id: string | undefined): Promise<CallStatistics | undefined> {
    await this.#work;
    return readStatistics(this.#parts.directory, id);
  }

  async #after(before: Promise<void>, statistics: CallStatistics): Promise<void> {
    await before;
    await this.#write(statistics);
    await this.#tidy();
  }

  async #write(statistics: CallStatistics): Promise<void> {
    const { directory, logger } = this.#parts;
    const path = join(directory, nameOf(statistics));
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, `${JSON.stringify(statistics, null, 2)}\n`, { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      await rm(`${path}.new`, { force: true }).catch(() => undefined);
      logger.warn({ path, reason: describeError(error) }, 'statistics file not written');
    }
  }

  async #tidy(): Promise<void> {
    const { directory, keep, clock, logger } = this.#parts;
    try {
      const names = await statisticsFiles(directory);
      const oldest = clock.wall() - MAX_AGE_MS;
      for (const [index, name] of names.entries()) {
        const path = join(directory, name);
        const tooOld = async () => (await stat(path)).mtimeMs < oldest;
        if (index >= keep || (await tooOld())) await rm(path, { force: true });
      }
    } catch (error) {
      logger.warn({ directory, reason: describeError(error) }, 'statistics files not tidied');
    }
  }
}

/** Names in the directory, newest call first; other files are not looked at. */
export async function statisticsFiles(directory: string): Promise<readonly string[]> {
  try {
    const names = await readdir(directory);
    return names.filter((name) => NAME.test(name)).toSorted((a, b) => (a < b ? 1 : -1));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Of the call with that id, or the one whose id begins so; of the last call without one. Undefined
 * when there is none.
 *
 * @throws OffhookError `{layer: 'control'}` `ambiguous`, or `invalid-file` for one that somebody has changed.
 */
export async function readStatistics(
  directory: string,
  id: string | undefined,
): Promise<CallStatistics | undefined> {
  const names = await statisticsFiles(directory);
  const wanted = id === undefined ? undefined : safe(id);
  const idOf = (name: string) => NAME.exec(name)?.[1] ?? '';
  const fitting = names.filter((name) => wanted === undefined || idOf(name).startsWith(wanted));
  const name = fitting.find((one) => idOf(one) === wanted) ?? fitting[0];
  if (name === undefined) return undefined;
  if (wanted !== undefined && idOf(name) !== wanted && fitting.length > 1) {
    throw new OffhookError('control', 'ambiguous', `${id} begins more than one call's id`, {
      remedy: 'say more of it',
    });
  }
  const path = join(directory, name);
  try {
    return callStatistics.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isOffhookError(error)) throw error;
    throw new OffhookError('control', 'invalid-file', `${path}: ${describeError(error)}`, {
      cause: error,
      remedy: 'remove it',
    });
  }
}

function nameOf({ startedAt, id }: CallStatistics): string {
  return `${startedAt.replaceAll(/[-:.]/g, '')}-${safe(id)}.json`;
}

function safe(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
