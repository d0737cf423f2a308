import { dirname, join } from 'node:path';

import type { GuestProcess } from '@offhook/test-sipp';

import { Terminal } from './terminal.ts';

const DEADLINE_MS = 15_000;

/** `offhook` as npm's link has it. */
export const offhook = join(
  dirname(dirname(dirname(import.meta.dirname))),
  'softphone-guest/bin/offhook.js',
);

/** The user interface of a running daemon, drawn. */
export async function openScreen(
  guest: GuestProcess,
  size: { readonly columns: number; readonly rows: number },
): Promise<Terminal> {
  const command = [process.execPath, offhook, '--state-dir', guest.stateDir];
  const terminal = new Terminal({ command, size });
  await terminal.shows(/bench@127\.0\.0\.1/, DEADLINE_MS);
  return terminal;
}
