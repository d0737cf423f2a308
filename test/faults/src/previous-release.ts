import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BedOptions } from './bed.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');

/**
 * What guest and engine of today have to work with: the last release. As long as there is none, the
 * commit with which calls were complete.
 */
const PREVIOUS = 'bb21a13';

/** Why it cannot be had here. */
export async function previousMissing(): Promise<string | undefined> {
  try {
    await git('cat-file', '-e', `${PREVIOUS}^{commit}`);
    return undefined;
  } catch {
    return `the history of the repository does not go back to ${PREVIOUS}`;
  }
}

/**
 * The directory of its sources with the worker built, made once for a machine: below `build`, with
 * today's libraries, which have to be good for both.
 */
export async function previousRelease(): Promise<string> {
  const home = join(ROOT, 'build/previous', PREVIOUS);
  if (existsSync(home)) return home;
  const fresh = `${home}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  const archive = join(fresh, 'sources.tar');
  await git('archive', '--format=tar', `--output=${archive}`, PREVIOUS);
  await run('tar', ['-xf', archive, '-C', fresh]);
  await rm(archive);
  await linkLibraries(fresh);
  await run('make', ['-C', join(fresh, 'media-engine-client/worker'), '-j2']);
  await rename(fresh, home);
  return home;
}

/** Libraries of today, and the project's own packages of that time. */
async function linkLibraries(root: string): Promise<void> {
  const modules = join(root, 'node_modules');
  await mkdir(modules);
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (name !== '@offhook') await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  // Links from there lead to the packages beside: as they are, they lead to those of that time.
  await cp(join(ROOT, 'node_modules/@offhook'), join(modules, '@offhook'), {
    recursive: true,
    verbatimSymlinks: true,
  });
}

/** The same program in its version of that time, with its own worker. */
export function ofPrevious(root: string): NonNullable<BedOptions['wrapGuest']> {
  return ({ command, args }) => ({
    command: '/usr/bin/env',
    args: [
      `OFFHOOK_WORKER=${join(root, 'media-engine-client/build/offhook-worker')}`,
      command,
      ...args.map((arg) => sourceOf(root, arg) ?? arg),
    ],
  });
}

function sourceOf(root: string, arg: string): string | undefined {
  for (const workspace of ['softphone-guest', 'media-engine-client']) {
    const place = join(ROOT, workspace);
    const entry = arg.startsWith(join(place, 'dist')) || arg.startsWith(join(place, 'src/cli'));
    if (entry) return join(root, workspace, 'src/cli/main.ts');
  }
  return undefined;
}

async function git(...words: readonly string[]): Promise<void> {
  // A clone that somebody else has made is none that git would read of its own accord.
  await run('git', ['-c', 'safe.directory=*', '-C', ROOT, ...words]);
}
