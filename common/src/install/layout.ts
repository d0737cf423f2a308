import { join } from 'node:path';

/** A file that the installation writes. */
export interface InstallFile {
  /** Absolute, on the system that it is for. */
  readonly path: string;
  readonly content: string;
  /** True for what an administrator is meant to edit: a changed one stays as it is. */
  readonly configuration?: boolean;
}

/** Where a system looks for what. */
export interface Layout {
  readonly systemUnits: string;
  readonly userUnits: string;
  readonly udevRules: string;
  readonly sysusers: string;
  readonly applications: string;
}

/**
 * `/usr` is for packages: the vendor's directories. Everything else is the administrator's: `/etc`, and
 * below the prefix what has no place there.
 */
export function layout(prefix: string): Layout {
  const vendor = prefix === '/usr';
  const base = vendor ? '/usr/lib' : '/etc';
  return {
    systemUnits: join(base, 'systemd/system'),
    userUnits: join(base, 'systemd/user'),
    udevRules: join(base, 'udev/rules.d'),
    sysusers: join(base, 'sysusers.d'),
    applications: join(prefix, 'share/applications'),
  };
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** Words as `ExecStart=` takes them (systemd.service(5), command lines). */
export function unitCommand(words: readonly string[]): string {
  return words
    .map((word) => {
      const text = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
      return PLAIN.test(word) ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    })
    .join(' ');
}

/** Words as `Exec=` takes them (Desktop Entry Specification, the Exec key). */
export function desktopCommand(words: readonly string[]): string {
  return words
    .map((word) => {
      const text = word.replaceAll('%', '%%');
      if (PLAIN.test(word)) return text;
      // Once for the argument, once more for the string that holds it.
      const quoted = text.replaceAll(/["`$\\]/g, String.raw`\$&`).replaceAll('\\', '\\\\');
      return `"${quoted}"`;
    })
    .join(' ');
}
