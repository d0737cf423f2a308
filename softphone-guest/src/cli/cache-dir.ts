import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * `$XDG_CACHE_HOME/<name>`, else `~/.cache/<name>` (XDG Base Directory Specification). In a file of
 * its own, without imports: it runs before anything else is loaded.
 */
export function xdgCacheDir(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(base) ? base : join(homedir(), '.cache'), name);
}
