import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { thisMachine, type Target } from './target.ts';

const run = promisify(execFile);
const BINFMT = '/proc/sys/fs/binfmt_misc';
const NAME = 'qemu-aarch64';

/**
 * Has the kernel run programs for that machine by QEMU, also in other file systems (binfmt_misc with
 * the flag F), where it does not do so already. Resolves with what takes that back.
 */
export async function emulate({ architecture }: Target): Promise<() => Promise<void>> {
  const nothing = () => Promise.resolve();
  if (architecture === (await thisMachine()).architecture) return nothing;
  if (!existsSync(`${BINFMT}/register`)) {
    await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
  }
  if (existsSync(`${BINFMT}/${NAME}`)) return nothing;
  const entry = await readFile(`/usr/lib/binfmt.d/${NAME}.conf`, 'latin1');
  await writeFile(`${BINFMT}/register`, entry.trim());
  return () => writeFile(`${BINFMT}/${NAME}`, '-1');
}
