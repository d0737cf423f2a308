import { chmodSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { SetupError, runQuietly } from './progress.mjs';

/** @typedef {{packages: Record<string, {version?: string, link?: boolean, optional?: boolean}>}} LockFile */

/**
 * `npm ci`, unless node_modules already holds what the lock file says.
 *
 * @param {string} root
 */
export async function installNodeModules(root) {
  if (isCurrent(root)) return;
  await runQuietly('install npm packages', 'npm', ['ci', '--no-progress', '--loglevel=error'], {
    cwd: root,
    env: outsideProject(root),
  });
  linkNode(root);
}

/** Puts the project's Node first for npm scripts; npm 9 does not link a command of that name. */
function linkNode(/** @type {string} */ root) {
  const link = join(root, 'node_modules/.bin/node');
  if (existsSync(link)) return;
  const target = `node-linux-${process.arch}/bin/node`;
  const node = join(root, 'node_modules', target);
  if (!existsSync(node)) {
    throw new SetupError(`setup: there is no Node for ${process.platform} on ${process.arch}`);
  }
  chmodSync(node, 0o755);
  symlinkSync(join('..', target), link);
}

/** npm leaves a lock file in node_modules that says what it put there. */
function isCurrent(/** @type {string} */ root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  const present = readLock(join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined) throw new Error(`no package-lock.json in ${root}`);
  if (present === undefined || !existsSync(join(root, 'node_modules/.bin/node'))) return false;
  return Object.entries(wanted.packages)
    .filter(([path]) => path.includes('node_modules/'))
    .every(([path, entry]) => {
      const found = present.packages[path];
      if (found === undefined) return entry.optional === true;
      return entry.link === true ? found.link === true : found.version === entry.version;
    });
}

/** @returns {LockFile | undefined} */
function readLock(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** npm must not run on the Node of the very folder that it replaces. */
function outsideProject(/** @type {string} */ root) {
  const path = (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.startsWith(root) && !folder.endsWith('node_modules/.bin'));
  return { ...process.env, PATH: path.join(':') };
}
