import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { OffhookError } from '@offhook/common';
import type { LocationConfig } from './config.ts';
import type { Saying } from './location-source.ts';

const MAX_BYTES = 16 * 1024;
const COMMAND_MS = 10_000;

/** How file or command of the configuration are asked; undefined when there is neither. */
export function asking({ file, command }: LocationConfig): (() => Promise<Saying>) | undefined {
  if (file !== undefined) return () => readPlace(file);
  if (command !== undefined) return () => runPlace(command);
  return undefined;
}

/** As old as the file is. */
async function readPlace(path: string): Promise<Saying> {
  const handle = await open(path, 'r');
  try {
    const { mtimeMs, size } = await handle.stat();
    if (size > MAX_BYTES) throw tooLarge(path);
    const text = await handle.readFile('utf8');
    return { text, at: mtimeMs };
  } finally {
    await handle.close();
  }
}

async function runPlace([program = '', ...words]: readonly string[]): Promise<Saying> {
  const options = { timeout: COMMAND_MS, maxBuffer: MAX_BYTES, killSignal: 'SIGKILL' } as const;
  const { stdout } = await promisify(execFile)(program, words, options);
  return { text: stdout, at: Date.now() };
}

function tooLarge(path: string): OffhookError {
  return new OffhookError('config', 'too-large', `${path} has more than ${MAX_BYTES} bytes`);
}
