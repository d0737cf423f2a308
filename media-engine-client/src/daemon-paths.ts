import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the engine keeps what: everything lies in its state directory. */

export function controlSocket(stateDir: string): string {
  return join(stateDir, 'control.sock');
}

export function workerSocket(stateDir: string): string {
  return join(stateDir, 'worker.sock');
}

export function settingsPath(stateDir: string): string {
  return join(stateDir, 'settings.json');
}

/** Leases, last wills and what became of them; the sessions themselves are with the worker. */
export function statePath(stateDir: string): string {
  return join(stateDir, 'sessions.json');
}

/** Where the links of desktops bring the ports of their guests. */
export function linksSocket(stateDir: string): string {
  return join(stateDir, 'links.sock');
}

/** The control socket of one desktop's link. */
export function linkSocket(stateDir: string, id: string): string {
  return join(stateDir, 'links', `${id}.sock`);
}

/** What an engine has to say that a viewer's start has started. */
export function engineLog(stateDir: string): string {
  return join(stateDir, 'engine.log');
}

/** What it had to say since it was started last. */
export function linkLog(stateDir: string, id: string): string {
  return join(stateDir, 'links', `${id}.log`);
}

/**
 * The worker's executable: `OFFHOOK_WORKER`, or the one built beside this code, which is in `dist/`
 * when bundled and in `src/` when it is not.
 */
export function workerPath(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const set = env['OFFHOOK_WORKER'];
  if (set !== undefined && set !== '') return set;
  const installed = join(import.meta.dirname, 'offhook-worker');
  if (existsSync(installed)) return installed;
  return join(dirname(import.meta.dirname), 'build', 'offhook-worker');
}
