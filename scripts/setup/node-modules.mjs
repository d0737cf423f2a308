import { chmodSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { SetupError, runQuietly, say } from './progress.mjs';

/**
 * @typedef {{version?: string, link?: boolean, optional?: boolean, os?: Words, cpu?: Words, libc?: Words}} LockEntry
 * @typedef {string | string[]} Words
 * @typedef {{packages: Record<string, LockEntry>}} LockFile
 */

/**
 * `npm ci`, unless node_modules already holds what the lock file says. Nothing that we use has to be
 * built: install scripts would want a compiler that is not there yet, and are not run.
 *
 * @param {string} root
 */
export async function installNodeModules(root) {
  if (isCurrent(root)) return;
  const name = `node-linux-${process.arch}`;
  if (readLock(join(root, 'package-lock.json'))?.packages[`node_modules/${name}`] === undefined) {
    throw new SetupError(`setup: there is no Node for ${process.platform} on ${process.arch}`);
  }
  const node = join(root, 'node_modules', name, 'bin/node');
  await npmCi(root);
  if (!existsSync(node)) {
    say(`setup: npm left out ${name}, which is optional to it; once more`);
    await npmCi(root);
  }
  if (!existsSync(node)) {
    throw new SetupError(
      `setup: npm does not bring ${name}; can it be had from your npm registry?`,
    );
  }
  chmodSync(node, 0o755);
  linkNode(root, name);
}

async function npmCi(/** @type {string} */ root) {
  const options = ['--ignore-scripts', '--no-progress', '--loglevel=error'];
  await runQuietly('install npm packages', 'npm', ['ci', ...options], {
    cwd: root,
    env: outsideProject(root),
  });
}

/** Puts the project's Node first for npm scripts; npm 9 does not link a command of that name. */
function linkNode(/** @type {string} */ root, /** @type {string} */ name) {
  const link = join(root, 'node_modules/.bin/node');
  if (!existsSync(link)) symlinkSync(`../${name}/bin/node`, link);
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
      if (found === undefined) return entry.optional === true && !isForThisMachine(entry);
      return entry.link === true ? found.link === true : found.version === entry.version;
    });
}

/** A binary package of this platform; others that are optional are left out rightly. */
function isForThisMachine(/** @type {LockEntry} */ { os, cpu, libc }) {
  const has = (/** @type {Words | undefined} */ words, /** @type {string} */ word) =>
    words !== undefined && [words].flat().includes(word);
  return has(os, process.platform) && has(cpu, process.arch) && has(libc ?? 'glibc', 'glibc');
}

/** @returns {LockFile | undefined} */
function readLock(/** @type {string} */ path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * npm must not run on the Node of the very folder that it replaces. And it has to choose binary
 * packages for that Node, not for the older one that it may run on itself.
 */
function outsideProject(/** @type {string} */ root) {
  const path = (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.startsWith(root) && !folder.endsWith('node_modules/.bin'));
  const pretend = JSON.stringify(join(root, 'scripts/setup/pretend-node.cjs'));
  const options = `${process.env['NODE_OPTIONS'] ?? ''} --require ${pretend}`.trim();
  return { ...process.env, PATH: path.join(':'), NODE_OPTIONS: options };
}
