import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { OffhookError, withDeadline } from '@offhook/common';
import type { PeerCredentials } from './allow-list.ts';

const DEADLINE_MS = 2000;
const MAX_OUTPUT = 4 * 1024 * 1024;

/**
 * The small program that asks the kernel, which Node cannot: `OFFHOOK_PEER`, the one installed beside
 * this code, or the one built in this source tree.
 */
export function peerProgram(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const set = env['OFFHOOK_PEER'];
  if (set !== undefined && set !== '') return set;
  const here = import.meta.dirname;
  const tree = dirname(dirname(here));
  return [
    join(here, 'offhook-peer'),
    join(tree, 'build', 'offhook-peer'),
    join(tree, 'virtual-channel', 'build', 'offhook-peer'),
  ].find((path) => existsSync(path));
}

/**
 * Who has the other end of a Unix socket.
 *
 * @throws OffhookError `channel`: `no-peer-program`, `failed`, `timeout`.
 */
export async function peerCredentials(
  socket: Socket,
  program = peerProgram(),
): Promise<PeerCredentials> {
  if (program === undefined) throw noProgram('offhook-peer', undefined);
  const what = { layer: 'channel', what: 'the check of who connects', ms: DEADLINE_MS } as const;
  return withDeadline(what, async (signal) => {
    // Not as one of 0 to 2: those are made blocking, and the socket with them.
    const child = spawn(program, [], { stdio: ['ignore', 'pipe', 'ignore', socket], signal });
    const ended = once(child, 'close', { signal });
    const output: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) child.kill('SIGKILL');
      else output.push(chunk);
    });
    let code: unknown;
    try {
      [code] = await ended;
    } catch (error) {
      signal.throwIfAborted();
      throw noProgram(program, error);
    }
    if (code === 0) return parseCredentials(Buffer.concat(output).toString('utf8'));
    throw new OffhookError('channel', 'failed', 'the kernel does not say who connects');
  });
}

/** What `offhook-peer` prints. */
export function parseCredentials(text: string): PeerCredentials {
  const fields = text.split('\0').slice(0, -1);
  const [pid, uid, user, executable, ...rest] = fields;
  if (pid === undefined || uid === undefined || rest.length < 2 || rest.length % 2 !== 0) {
    throw new OffhookError('channel', 'failed', 'the check of who connects was cut off');
  }
  const groups = Array.from({ length: rest.length / 2 }, (_, index) => ({
    gid: Number(rest[2 * index]),
    name: named(rest[2 * index + 1]),
  }));
  return {
    pid: Number(pid),
    uid: Number(uid),
    user: named(user),
    executable: named(executable),
    groups,
  };
}

function named(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function noProgram(path: string, cause: unknown): OffhookError {
  return new OffhookError('channel', 'no-peer-program', `${path} cannot be run`, {
    cause,
    remedy: 'build it: npm run setup',
  });
}
