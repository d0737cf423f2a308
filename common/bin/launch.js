import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The oldest Node that the bundles run on. */
const OLDEST_MAJOR = 24;

/**
 * Starts an executable's bundle: here, or, where this Node is too old for it, under the one that
 * npm installed with Offhook. Runs on any Node with ES modules, so it is plain JavaScript and is
 * not part of the bundle.
 *
 * @param {string} bundleUrl file URL of the bundle
 */
export async function launch(bundleUrl) {
  const bundle = fileURLToPath(bundleUrl);
  if (!existsSync(bundle)) fail(`${bundle} is not there (build it: npm run setup)`);
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) await import(bundleUrl);
  else runUnder(ownNode(bundle), bundle);
}

/** @returns {string} */
function ownNode(bundle) {
  try {
    const name = `node-linux-${process.arch}`;
    return createRequire(bundle).resolve(`${name}/bin/node`);
  } catch {
    return fail(`needs Node ${OLDEST_MAJOR} or newer; this is ${process.version}`);
  }
}

function runUnder(node, bundle) {
  const child = spawn(node, [bundle, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both: the child decides what it means.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(error.message));
  child.on('close', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}

/** @returns {never} */
function fail(message) {
  process.stderr.write(`offhook: ${message}\n`);
  process.exit(1);
}
