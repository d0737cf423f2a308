import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { isOffhookError, OffhookError, withDeadline, xdgRuntimeDir } from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import { connectPort } from '@offhook/virtual-channel/port';

const START_MS = 30_000;

/** Helpers of ours that do not serve yet, by port: one is enough however slowly it starts. */
const starting = new Map<string, Promise<void>>();

/** Where the kernel has a port of that name. */
export function portDevice(name: string): string {
  return join('/dev/virtio-ports', name);
}

/** Where the helper of that port serves, in a directory that only its user can enter. */
export function helperSocket(name: string): string {
  return join(xdgRuntimeDir('offhook'), `port-${name}.sock`);
}

/** Where the helper serves that runs as a service of the system. */
const SYSTEM_DIRECTORY = '/run/offhook';

/**
 * A stream to the engine at the other end of a port of this virtual desktop: through the helper of the
 * system, else through that of the user. If none runs, starts one, which stays when this process ends.
 *
 * @throws OffhookError layer `channel`: `no-port`, `permission-denied`, `not-allowed`, `no-client`,
 * `not-reachable`.
 */
export async function connectThroughHelper(
  name: string,
  signal: AbortSignal,
  { systemDirectory = SYSTEM_DIRECTORY }: { readonly systemDirectory?: string } = {},
): Promise<Channel> {
  const system = join(systemDirectory, `port-${name}.sock`);
  const target = { socketPath: helperSocket(name), service: 'media', signal };
  for (const socketPath of [system, target.socketPath]) {
    try {
      return await connectPort({ ...target, socketPath });
    } catch (error) {
      if (isOffhookError(error, 'permission-denied') && socketPath === system) {
        throw new OffhookError('channel', error.code, error.message, {
          cause: error,
          remedy: 'let the administrator add you (adduser USER offhook), then log in again',
        });
      }
      if (!isOffhookError(error, 'not-reachable')) throw error;
    }
  }
  await checkDevice(name);
  const start = starting.get(name) ?? startHelper(name).finally(() => starting.delete(name));
  starting.set(name, start);
  await withDeadline(
    { layer: 'channel', what: 'the port helper', ms: START_MS, signal },
    () => start,
  );
  return connectPort(target);
}

async function checkDevice(name: string): Promise<void> {
  const path = portDevice(name);
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw absent
      ? new OffhookError('channel', 'no-port', `this machine has no port ${path}`, {
          cause: error,
          remedy: 'add the port to the VM’s configuration, or correct [engine] channel',
        })
      : new OffhookError('channel', 'permission-denied', `no permission for ${path}`, {
          cause: error,
          remedy: 'install the service that shares it: sudo offhook install',
        });
  }
}

/** Resolves when it serves, or has ended because another one does. */
async function startHelper(name: string): Promise<void> {
  const child = spawn(process.execPath, [process.argv[1] ?? '', 'port-helper', name], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    cwd: '/',
  });
  child.unref();
  const waiting = AbortSignal.timeout(START_MS);
  try {
    await Promise.race([
      once(child.stdout, 'data', { signal: waiting }),
      once(child, 'exit', { signal: waiting }),
    ]);
  } catch (error) {
    throw new OffhookError('channel', 'not-reachable', 'the port helper does not start', {
      cause: error,
      remedy: `see what it says: offhook port-helper ${name}`,
    });
  } finally {
    child.stdout.destroy();
  }
}
