import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { OffhookError } from '@offhook/common/errors';
import type { Output } from '@offhook/common/cli';
import { provisionedConfig } from '../provisioning/watch.ts';
import type { Paths } from '../paths.ts';

const START_DEADLINE_MS = 15_000;
const MAX_LOG_BYTES = 5 * 1024 * 1024;

/**
 * Starts a daemon of its own life, and says so; gives what to tell of it.
 *
 * @throws OffhookError when there is no usable configuration, or the daemon does not come up.
 */
export async function startInBackground(paths: Paths, output: Output): Promise<string> {
  // What is wrong with the configuration is better said here than in a log.
  await provisionedConfig(paths.config);
  output.err('offhook: starting the daemon in the background\n');
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  const log = openLog(paths.log);
  const entry = process.argv[1] ?? '';
  const child = spawn(
    process.execPath,
    [entry, 'daemon', '--state-dir', paths.stateDir, '--config', paths.config],
    { detached: true, stdio: ['ignore', 'pipe', log], cwd: '/' },
  );
  closeSync(log);
  const { stdout } = child;
  if (stdout === null) throw new OffhookError('system', 'no-pipe', 'the daemon has no output');
  const ready = once(stdout, 'data', { signal: AbortSignal.timeout(START_DEADLINE_MS) });
  const ended = once(child, 'exit').then(() => false);
  const up = await Promise.race([ready.then(() => true), ended]).catch(() => false);
  stdout.destroy();
  child.unref();
  if (up) return `daemon started in the background (log: ${paths.log})`;
  throw new OffhookError(
    'control',
    'not-started',
    `the daemon did not start: ${lastLine(paths.log)}`,
    {
      remedy: `see ${paths.log}`,
    },
  );
}

/** Appended to, and begun anew (keeping one older) when it has grown too long. */
function openLog(path: string): number {
  try {
    if (statSync(path).size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
  return openSync(path, 'a', 0o600);
}

function lastLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)?.slice(0, 300) ?? '';
  } catch {
    return 'it left no log';
  }
}
