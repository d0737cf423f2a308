import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { OffhookError, withDeadline } from '@offhook/common';

const START_MS = 10_000; // the very first start on a machine scans GStreamer's plugins

const exitReasons: Readonly<Record<number, string>> = {
  2: 'it does not understand its arguments',
  3: 'its socket path cannot be used',
  4: 'another worker serves there',
  5: 'GStreamer is not usable',
};

/**
 * Starts the worker in a session of its own, so that it outlives this process and its terminal;
 * resolves once it listens. Its log goes to this process's standard error.
 */
export async function startWorker(options: {
  workerPath: string;
  socketPath: string;
  leaseMs: number;
}): Promise<void> {
  const child = spawn(options.workerPath, [options.socketPath, String(options.leaseMs)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.unref();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  child.once('error', (error) =>
    failed.reject(
      new OffhookError('worker', 'not-started', `cannot run ${options.workerPath}`, {
        cause: error,
        remedy: 'Build it with npm run build',
      }),
    ),
  );
  child.once('exit', (code, signal) =>
    failed.reject(
      new OffhookError(
        'worker',
        'not-started',
        `the media worker ended at its start: ${exitReasons[code ?? -1] ?? signal ?? String(code)}`,
      ),
    ),
  );
  await withDeadline({ layer: 'worker', what: 'starting the media worker', ms: START_MS }, () =>
    Promise.race([once(child.stdout, 'data'), failed.promise]),
  );
  child.stdout.destroy();
}
