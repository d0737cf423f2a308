import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';

import { runQuietly } from './progress.mjs';

const NATIVE = [
  { what: 'the media worker', folder: 'media-engine-client/worker' },
  { what: 'the check of who connects', folder: 'virtual-channel/native' },
];

/** Compiles what is in C where its sources changed: make knows. */
export async function buildNative(/** @type {string} */ root) {
  for (const { what, folder } of NATIVE) {
    const path = join(root, folder);
    if (!existsSync(join(path, 'Makefile'))) continue;
    if (spawnSync('make', ['-q', '-C', path], { stdio: 'ignore' }).status === 0) continue;
    const jobs = `-j${cpus().length}`;
    await runQuietly(`compile ${what}`, 'make', ['-s', jobs, '-C', path]);
  }
}

/** Bundles the executables where a source changed since the last time. */
export async function bundle(/** @type {string} */ root) {
  const stamp = join(root, 'node_modules/.cache/offhook-bundle');
  const state = sourceState(root);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return;
  const node = join(root, 'node_modules/.bin/node');
  await runQuietly('bundle the executables', node, [join(root, 'scripts/build.ts')]);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, state);
}

/** A digest of name, size and time of everything that goes into the bundles, and of their being there. */
function sourceState(/** @type {string} */ root) {
  /** @type {{workspaces: string[]}} */
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256');
  const add = (/** @type {string} */ path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    hash.update(`${path} ${stat?.size} ${stat?.mtimeMs}\n`);
    if (stat?.isDirectory() !== true) return;
    const names = readdirSync(path);
    names.sort();
    for (const name of names) add(join(path, name));
  };
  add(join(root, 'package-lock.json'));
  add(join(root, 'scripts/build.ts'));
  for (const workspace of workspaces) {
    add(join(root, workspace, 'package.json'));
    add(join(root, workspace, 'src'));
    hash.update(String(existsSync(join(root, workspace, 'dist'))));
  }
  return hash.digest('hex');
}
