// Everything that Offhook needs on a bare Debian: system packages, npm packages (with a Node of its
// own), the media worker, the bundles. Runs on Node 18 with nothing installed; quick when nothing
// has changed.
//
//   node scripts/setup.mjs                  set up
//   node scripts/setup.mjs run FILE ARGS…   set up, then run a script under the project's Node
//   node scripts/setup.mjs test ARGS…       set up with the peers of the tests, then run the tests
//   node scripts/setup.mjs ci               the same, with every check around the tests
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildWorker, bundle } from './setup/build.mjs';
import { installNodeModules } from './setup/node-modules.mjs';
import { SetupError, say } from './setup/progress.mjs';
import { runNode } from './setup/run-node.mjs';
import { installSystemPackages } from './setup/system-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const USAGE = 'usage: node scripts/setup.mjs [run FILE ARGS… | test ARGS… | ci]';

/**
 * @param {readonly string[]} words
 * @returns {Promise<number>}
 */
async function main([command, ...args]) {
  switch (command) {
    case undefined:
      await setUp(['build', 'runtime']);
      say('setup: ready');
      return 0;
    case 'run':
      if (args.length === 0) return usage();
      await setUp(['build', 'runtime']);
      return await runNode(root, args);
    case 'test':
      await setUp(['build', 'runtime', 'tests']);
      return await runNode(root, ['scripts/test.ts', ...args]);
    case 'ci':
      await setUp(['build', 'runtime', 'tests']);
      return await runNode(root, ['scripts/ci.ts']);
    default:
      return usage();
  }
}

async function setUp(/** @type {readonly string[]} */ groups) {
  await Promise.all([installSystemPackages(groups), installNodeModules(root)]);
  await Promise.all([buildWorker(root), bundle(root)]);
}

function usage() {
  process.stderr.write(`${USAGE}\n`);
  return 2;
}

try {
  process.chdir(root);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
