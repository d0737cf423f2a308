import type { ChildProcess } from 'node:child_process';
import { systemClock, type Clock } from './clock.ts';

/** How a process ended: `code` unless a signal killed it. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Resolves when the child has exited or could not be started. */
export function exited(child: ChildProcess): Promise<ProcessExit> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
  });
}

/** Asks a child to end (SIGTERM), and kills it (SIGKILL) after `graceMs` (default 2,000). */
export async function stopProcess(
  child: ChildProcess,
  options: { graceMs?: number; clock?: Clock } = {},
): Promise<ProcessExit> {
  const { graceMs = 2000, clock = systemClock } = options;
  const end = exited(child);
  child.kill('SIGTERM');
  const timer = clock.after(graceMs, () => child.kill('SIGKILL'));
  try {
    return await end;
  } finally {
    timer.cancel();
  }
}
