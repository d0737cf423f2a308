import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Runs a script under the project's own Node, whatever runs this, and ends as it ends: with its
 * exit code, or with 128 + the signal's number. Signals are passed on.
 *
 * @param {string} root
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
export function runNode(root, args) {
  const bin = join(root, 'node_modules/.bin');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
  const child = spawn(join(bin, 'node'), args, { stdio: 'inherit', env });
  // On a terminal Ctrl-C reaches the child as well: it alone decides when to end.
  process.on('SIGINT', () => undefined);
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
