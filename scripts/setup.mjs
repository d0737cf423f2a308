// Everything that Offhook needs on a bare Debian: system packages, npm packages (with a Node of its
// own), the media worker, the bundles. Runs on Node 18 with nothing installed; quick when nothing
// has changed.
//
//   node scripts/setup.mjs [--peers] [--arm64] [FILE ARGS…]
//
// --peers: also what tests and benchmarks talk to. --arm64: also what makes packages for ARM. With a
// file, that script runs after it under the project's Node.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildNative, bundle } from './setup/build.mjs';
import { installNodeModules } from './setup/node-modules.mjs';
import { SetupError, say } from './setup/progress.mjs';
import { runNode } from './setup/run-node.mjs';
import { installSystemPackages } from './setup/system-packages.mjs';

/**
 * Of system-packages.json.
 *
 * @type {Record<string, string>}
 */
const GROUPS = { '--peers': 'tests', '--arm64': 'arm64' };

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * @param {readonly string[]} words
 * @returns {Promise<number>}
 */
async function main(words) {
  const first = words.findIndex((word) => !word.startsWith('--'));
  const flags = first < 0 ? words : words.slice(0, first);
  const command = first < 0 ? [] : words.slice(first);
  const unknown = flags.find((flag) => !Object.hasOwn(GROUPS, flag));
  if (unknown !== undefined) {
    say(
      `setup: there is no ${unknown}\nusage: node scripts/setup.mjs [--peers] [--arm64] [FILE ARGS…]`,
    );
    return 2;
  }
  await setUp(['build', 'runtime', ...flags.map((flag) => GROUPS[flag] ?? '')]);
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
