import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { OffhookError } from '../errors.ts';
import type { InstallFile } from './layout.ts';

/** What became of a file. */
export type Change = 'written' | 'unchanged' | 'kept' | 'removed' | 'absent';

export interface FileChange {
  readonly path: string;
  readonly change: Change;
}

export interface InstallTarget {
  /** `/`, or the root of a system that is being put together. */
  readonly root: string;
  /** Tells several installations on one system apart: `guest`, `client`. */
  readonly name: string;
}

const manifestSchema = z.object({
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});
type Manifest = z.output<typeof manifestSchema>;

/**
 * Writes the files, and notes which, so that `uninstall` removes those and no others. Writes nothing at all
 * if one of them belongs to somebody else.
 *
 * @throws OffhookError layer `system`: `exists`, `permission-denied`, `failed`.
 */
export function install(files: readonly InstallFile[], target: InstallTarget): FileChange[] {
  return translated(target, () => {
    const before = readManifest(target);
    const plan = files.map((file) => ({ file, change: planned(file, target, before) }));
    const gone = before.files.filter(({ path }) => files.every((file) => file.path !== path));
    // Before anything else: what a half-done installation has written can then be removed.
    writeManifest(target, {
      files: [...gone, ...plan.map((one) => noted(one, before))],
    });
    for (const { file, change } of plan) {
      if (change === 'written') write(join(target.root, file.path), file.content);
    }
    return plan.map(({ file: { path }, change }) => ({ path, change }));
  });
}

/**
 * Removes what `install` has written and nobody has changed since; a changed file is kept.
 *
 * @throws OffhookError layer `system`: `not-installed`, `permission-denied`, `failed`.
 */
export function uninstall(target: InstallTarget): FileChange[] {
  return translated(target, () => {
    const manifest = join(target.root, manifestPath(target));
    if (!existsSync(manifest)) {
      throw new OffhookError(
        'system',
        'not-installed',
        `nothing is installed by \`install\` here`,
        {
          details: { manifest },
        },
      );
    }
    const changes = readManifest(target).files.map(({ path, sha256 }): FileChange => {
      const full = join(target.root, path);
      const content = contentOf(full);
      if (content === undefined) return { path, change: 'absent' };
      if (digest(content) !== sha256) return { path, change: 'kept' };
      rmSync(full);
      return { path, change: 'removed' };
    });
    rmSync(manifest);
    removeEmpty(dirname(manifest));
    return changes;
  });
}

function planned(
  { path, content, configuration = false }: InstallFile,
  { root }: InstallTarget,
  { files }: Manifest,
): Change {
  const present = contentOf(join(root, path));
  if (present === content) return 'unchanged';
  if (present === undefined) return 'written';
  const ours = files.find((one) => one.path === path);
  if (ours?.sha256 === digest(present)) return 'written';
  if (configuration) return 'kept';
  throw new OffhookError(
    'system',
    'exists',
    ours === undefined
      ? `${path} is there already, and not written by this command`
      : `${path} has been changed since it was installed`,
    { remedy: 'move it away, and install again' },
  );
}

/** A kept file is noted as it was written, so that it does not count as ours. */
function noted(
  { file: { path, content }, change }: { file: InstallFile; change: Change },
  before: Manifest,
): Manifest['files'][number] {
  const earlier = before.files.find((one) => one.path === path)?.sha256;
  return { path, sha256: change === 'kept' ? (earlier ?? '') : digest(content) };
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.offhook-new`;
  writeFileSync(temporary, content);
  // Whatever the umask: these are for everybody to read.
  chmodSync(temporary, 0o644);
  renameSync(temporary, path);
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Another installation has its list there.
  }
}

function manifestPath({ name }: InstallTarget): string {
  return `/var/lib/offhook/installed-${name}.json`;
}

function readManifest(target: InstallTarget): Manifest {
  const text = contentOf(join(target.root, manifestPath(target)));
  if (text === undefined) return { files: [] };
  return manifestSchema.parse(JSON.parse(text));
}

function writeManifest(target: InstallTarget, manifest: Manifest): void {
  write(join(target.root, manifestPath(target)), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function translated<T>({ root }: InstallTarget, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof OffhookError) throw error;
    const code = errno(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      const path = error instanceof Error && 'path' in error ? ` ${String(error.path)}` : '';
      throw new OffhookError('system', 'permission-denied', `no permission to write${path}`, {
        cause: error,
        remedy:
          code === 'EROFS'
            ? 'make the file system writable'
            : 'run it as root: sudo, or see --dry-run',
      });
    }
    const text = error instanceof Error ? error.message : String(error);
    throw new OffhookError('system', 'failed', `cannot install below ${root}: ${text}`, {
      cause: error,
    });
  }
}

function errno(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
