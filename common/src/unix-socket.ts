/** Unix sockets that are private to one user, and left behind by nobody. */

import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, resolve as resolvePath } from 'node:path';
import { OffhookError, type Layer } from './errors.ts';

/** `sun_path` of unix(7) has room for 108 bytes with the terminating zero. */
const MAX_PATH_BYTES = 107;
/** How long something that holds a socket has to answer a probe before it counts as alive. */
const PROBE_MS = 1000;

interface Where {
  readonly path: string;
  readonly layer: Layer;
}

interface Listen extends Where {
  /** Of the socket; 0600. */
  readonly mode?: number;
}

/**
 * Listens on a Unix socket that only this user can reach, unless told otherwise (0600, a missing
 * directory is made 0700).
 * A socket file left behind by a dead process is replaced; one on which somebody answers is not.
 *
 * @throws OffhookError of the given layer: `path-too-long`, `in-use`, `not-a-socket`,
 * `insecure-directory`, `permission-denied`, `listen-failed`.
 */
export async function listenUnix(server: Server, where: Listen): Promise<void> {
  checkLength(where);
  prepareDirectory(where);
  if (await bind(server, where)) return;
  const release = await guardTakeover(where);
  try {
    await clearStale(where);
    if (!(await bind(server, where))) throw inUse(where);
  } finally {
    await release();
  }
}

/**
 * Connects to a Unix socket.
 *
 * @throws OffhookError of the given layer: `path-too-long`, `not-reachable` (nobody listens),
 * `permission-denied`, `timeout`, `connect-failed`; or the signal's reason.
 */
export async function connectUnix(
  where: Where & { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Socket> {
  checkLength(where);
  where.signal?.throwIfAborted();
  const socket = connect({ path: where.path });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const timer = setTimeout(
    () =>
      reject(
        new OffhookError(
          where.layer,
          'timeout',
          `${where.path} did not answer within ${where.timeoutMs} ms`,
        ),
      ),
    where.timeoutMs,
  );
  const onAbort = () => reject(where.signal?.reason);
  where.signal?.addEventListener('abort', onAbort, { once: true });
  const onError = (error: Error) => reject(connectError(where, error));
  socket.once('error', onError);
  socket.once('connect', () => resolve(socket));
  try {
    return await promise;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    where.signal?.removeEventListener('abort', onAbort);
    socket.off('error', onError);
  }
}

function checkLength({ path, layer }: Where): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return;
  throw new OffhookError(
    layer,
    'path-too-long',
    `the socket path ${path} has ${bytes} bytes; the system allows ${MAX_PATH_BYTES}`,
    { remedy: 'choose a shorter directory' },
  );
}

function prepareDirectory({ path, layer }: Where): void {
  const directory = dirname(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { mode } = statSync(directory);
    // Whoever may write there could put his own socket in place of ours; /tmp has the sticky bit.
    if ((mode & 0o1002) === 0o0002) {
      throw new OffhookError(
        layer,
        'insecure-directory',
        `${directory} can be written by everybody`,
        {
          remedy: `chmod 700 ${directory}`,
        },
      );
    }
  } catch (error) {
    if (error instanceof OffhookError) throw error;
    throw new OffhookError(
      layer,
      'permission-denied',
      `${directory} cannot be used (${errno(error)})`,
      {
        cause: error,
      },
    );
  }
}

/** True when bound, false when something is at the path already. */
async function bind(server: Server, where: Listen): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('listening', resolve);
  server.listen({ path: where.path });
  try {
    await promise;
    chmodSync(where.path, where.mode ?? 0o600);
    return true;
  } catch (error) {
    if (errno(error) === 'EADDRINUSE') return false;
    if (errno(error) === 'EACCES') {
      throw new OffhookError(
        where.layer,
        'permission-denied',
        `no permission to create ${where.path}`,
        {
          cause: error,
        },
      );
    }
    throw new OffhookError(
      where.layer,
      'listen-failed',
      `cannot listen on ${where.path} (${errno(error)})`,
      {
        cause: error,
      },
    );
  } finally {
    server.off('error', reject);
    server.off('listening', resolve);
  }
}

async function clearStale(where: Where): Promise<void> {
  const found = lstatSync(where.path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new OffhookError(
      where.layer,
      'not-a-socket',
      `${where.path} exists and is not a socket`,
      { remedy: 'move that file away' },
    );
  }
  if (await answers(where)) throw inUse(where);
  rmSync(where.path, { force: true });
}

/**
 * Lets one process at a time replace a dead socket: of two that saw it dead, the second would unlink
 * what the first has just put there. An abstract socket (unix(7)) is a lock that dies with its owner.
 */
async function guardTakeover(where: Where): Promise<() => Promise<void>> {
  const guard = createServer((socket) => socket.destroy());
  const name = createHash('sha256').update(resolvePath(where.path)).digest('hex').slice(0, 32);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  guard.once('error', (error) => {
    reject(errno(error) === 'EADDRINUSE' ? inUse(where) : error);
  });
  guard.listen({ path: `\0offhook-takeover-${name}` }, resolve);
  await promise;
  return () => new Promise((done) => guard.close(() => done()));
}

/** Whether a process accepts connections on the socket; one that is merely busy or frozen does. */
async function answers(where: Where): Promise<boolean> {
  try {
    const socket = await connectUnix({ ...where, timeoutMs: PROBE_MS });
    socket.destroy();
    return true;
  } catch (error) {
    return !(error instanceof OffhookError && error.code === 'not-reachable');
  }
}

function inUse({ path, layer }: Where): OffhookError {
  return new OffhookError(layer, 'in-use', `another process already serves ${path}`, {
    remedy: 'stop it, or choose another directory',
  });
}

function connectError({ path, layer }: Where, error: Error): OffhookError {
  const code = errno(error);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new OffhookError(layer, 'not-reachable', `nothing listens on ${path}`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new OffhookError(layer, 'permission-denied', `no permission to connect to ${path}`, {
      cause: error,
    });
  }
  return new OffhookError(layer, 'connect-failed', `cannot connect to ${path} (${code})`, {
    cause: error,
  });
}

function errno(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
