import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import {
  connectControl,
  exited,
  isOffhookError,
  OffhookError,
  withDeadline,
} from '@offhook/common';
import { controlSocket, engineLog } from '../daemon-paths.ts';
import { ownCommand } from '../own-command.ts';

const START_MS = 20_000;

/**
 * Starts an engine that outlives us, unless one runs.
 *
 * @throws OffhookError `engine/not-started` when it does not come up.
 */
export async function startEngine(stateDir: string, config: string | undefined): Promise<void> {
  if (await runs(stateDir)) return;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const path = engineLog(stateDir);
  const log = openSync(path, 'w', 0o600);
  try {
    const [program = process.execPath, ...words] = ownCommand();
    const place = ['--state-dir', stateDir, ...(config === undefined ? [] : ['--config', config])];
    const child = spawn(program, [...words, 'run', ...place], {
      detached: true,
      stdio: ['ignore', 'pipe', log],
    });
    const ready = Promise.withResolvers<void>();
    child.stdout?.once('data', () => ready.resolve());
    const ended = exited(child).then(async () => {
      // Somebody else may have been quicker.
      if (await runs(stateDir)) return;
      throw new OffhookError('engine', 'not-started', 'the engine does not start', {
        remedy: `see ${path}, or run: offhook-engine doctor`,
      });
    });
    await withDeadline({ layer: 'engine', what: 'starting the engine', ms: START_MS }, () =>
      Promise.race([ready.promise, ended]),
    );
    ended.catch(() => undefined);
    child.stdout?.destroy();
    child.unref();
  } finally {
    closeSync(log);
  }
}

async function runs(stateDir: string): Promise<boolean> {
  try {
    const client = await connectControl(controlSocket(stateDir));
    await client.close();
    return true;
  } catch (error) {
    if (isOffhookError(error, 'not-reachable')) return false;
    throw error;
  }
}
