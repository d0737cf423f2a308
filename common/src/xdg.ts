import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where an application's state lives, by the XDG Base Directory Specification:
 * `$XDG_STATE_HOME/<name>`, else `~/.local/state/<name>`. Nothing is created.
 */
export function xdgStateDir(name: string, env: Environment = process.env): string {
  return join(base(env, 'XDG_STATE_HOME', '.local/state'), name);
}

/** `$XDG_CONFIG_HOME/<name>/config.toml`, else `~/.config/<name>/config.toml`. */
export function xdgConfigFile(name: string, env: Environment = process.env): string {
  return join(base(env, 'XDG_CONFIG_HOME', '.config'), name, 'config.toml');
}

/**
 * `$XDG_RUNTIME_DIR/<name>`, for sockets that need not outlive a login; the state directory where
 * there is no runtime directory, because /tmp is not private to one user.
 */
export function xdgRuntimeDir(name: string, env: Environment = process.env): string {
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  return runtime === undefined ? xdgStateDir(name, env) : join(runtime, name);
}

function base(env: Environment, variable: string, fallback: string): string {
  return absolute(env[variable]) ?? join(absolute(env['HOME']) ?? homedir(), fallback);
}

/** The specification has relative paths ignored. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
