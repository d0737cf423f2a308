// Everything that Offhook needs on a bare Debian: system packages, npm packages (with a Node of its
// own), the media worker, the bundles. Runs on Node 18 with nothing installed; quick when nothing
// has changed.
//
//   node scripts/setup.mjs [--peers]        set up; with --peers also what tests and benchmarks talk to
//   node scripts/setup.mjs [--peers] FILE ARGS…
//                                           the same, then run a script under the project's Node
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildNative, bundle } from './setup/build.mjs';
import { installNodeModules } from './setup/node-modules.mjs';
import { SetupError, say } from './setup/progress.mjs';
import { runNode } from './setup/run-node.mjs';
import { installSystemPackages } from './setup/system-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {readonly string[]} words
 * @returns {Promise<number>}
 */
async function main(words) {
  const peers = words[0] === '--peers';
  const command = peers ? words.slice(1) : words;
  if (command[0]?.startsWith('-') === true) {
    say('usage: node scripts/setup.mjs [--peers] [FILE ARGS…]');
    return 2;
  }
  await setUp(['build', 'runtime', ...(peers ? ['tests'] : [])]);
  if (command.length > 0) return await runNode(root, command);
  say('setup: ready');
  return 0;
}

async function setUp(/** @type {readonly string[]} */ groups) {
  await Promise.all([installSystemPackages(groups), installNodeModules(root)]);
  await Promise.all([buildNative(root), bundle(root)]);
}

try {
  process.chdir(root);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
