import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaError } from '@offhook/media-rpc';

/** Where recordings are kept. */
export interface RecordingFiles {
  /**
   * An empty file of this name, or of one beside it that is free, that only this user can read.
   * Rejects with `recording-failed`.
   */
  create(
    name: string,
    extension: string,
  ): Promise<{ readonly file: string; readonly path: string }>;
  /** Of a recording that did not begin. */
  discard(path: string): Promise<void>;
  /** MiB that are free there; makes the directory. Rejects with `recording-failed`. */
  freeMb(): Promise<number>;
}

/** How many recordings may have begun in the same second with the same party. */
const MOST = 1000;

export function recordingFiles(directory: string): RecordingFiles {
  return {
    async create(name, extension) {
      try {
        for (let at = 1; at <= MOST; at++) {
          const file = `${name}${at === 1 ? '' : `-${at}`}.${extension}`;
          const path = join(directory, file);
          if (await createNew(path)) return { file, path };
        }
      } catch (error) {
        throw unwritable(directory, error);
      }
      throw unwritable(directory, undefined);
    },
    discard: (path) => rm(path, { force: true }),
    async freeMb() {
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        const { bavail, bsize } = await statfs(directory);
        return (bavail * bsize) / 2 ** 20;
      } catch (error) {
        throw unwritable(directory, error);
      }
    },
  };
}

/** False: there is one already. */
async function createNew(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    await file.close();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function unwritable(directory: string, cause: unknown) {
  const why = codeOf(cause) === undefined ? '' : ` (${codeOf(cause)})`;
  return mediaError('recording-failed', `No recording can be written to ${directory}${why}`, {
    cause,
    remedy: 'see [recording] directory in the configuration of the thin client',
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
