import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { OffhookError } from '@offhook/common';
import type { AccountConfig } from './config.ts';

/** A keyring may ask the person to unlock it. */
const COMMAND_DEADLINE_MS = 30_000;
const MAX_OUTPUT = 4096;

type PasswordSource = Pick<
  AccountConfig,
  'aor' | 'password' | 'password_command' | 'password_file'
>;

/**
 * How the account's password is had when a challenge asks for it; undefined without one. It is not
 * kept: a command runs again for the next challenge, but once for challenges at the same time.
 * Neither the password nor anything that the command prints is ever logged.
 */
export function passwordOf(
  account: PasswordSource,
  deadlineMs = COMMAND_DEADLINE_MS,
): (() => Promise<string>) | undefined {
  const { password, password_command: command, password_file: file } = account;
  if (password !== undefined) return () => Promise.resolve(password);
  if (file !== undefined) return shared(() => fromFile(account.aor, file));
  if (command !== undefined) return shared(() => fromCommand(account.aor, command, deadlineMs));
  return undefined;
}

function shared(get: () => Promise<string>): () => Promise<string> {
  let running: Promise<string> | undefined;
  return () => {
    running ??= get().finally(() => (running = undefined));
    return running;
  };
}

async function fromFile(aor: string, path: string): Promise<string> {
  const buffer = Buffer.alloc(MAX_OUTPUT);
  try {
    const handle = await open(path);
    try {
      const { bytesRead } = await handle.read(buffer, 0, MAX_OUTPUT, 0);
      return firstLine(aor, 'password_file', buffer.toString('utf8', 0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof OffhookError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw failed(aor, `password_file ${path} cannot be read (${code})`);
  }
}

function fromCommand(aor: string, command: string, deadlineMs: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(
    '/bin/sh',
    ['-c', command],
    { timeout: deadlineMs, killSignal: 'SIGKILL', maxBuffer: MAX_OUTPUT, encoding: 'utf8' },
    (error, stdout) => {
      if (error === null) {
        try {
          resolve(firstLine(aor, 'password_command', stdout));
        } catch (empty) {
          reject(empty);
        }
        return;
      }
      // Not the error itself: its text repeats the command and what it printed.
      reject(failed(aor, `password_command ${reasonOf(error, deadlineMs)}`));
    },
  );
  child.stdin?.end();
  return promise;
}

function reasonOf(
  error: { code?: number | string | null; killed?: boolean; signal?: NodeJS.Signals | null },
  deadlineMs: number,
): string {
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return `printed more than ${MAX_OUTPUT} bytes`;
  }
  if (error.killed === true) return `took longer than ${deadlineMs / 1000} s`;
  if (typeof error.code === 'number') return `ended with status ${error.code}`;
  return `ended by ${error.signal ?? String(error.code)}`;
}

function firstLine(aor: string, source: string, text: string): string {
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  if (line === '') throw failed(aor, `${source} gave an empty password`);
  return line;
}

function failed(aor: string, what: string): OffhookError {
  return new OffhookError('config', 'password', `${aor}: ${what}`, {
    remedy: 'check the account’s password source',
  });
}
