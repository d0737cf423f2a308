import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { printJson, type Output } from '../cli.ts';
import { OffhookError } from '../errors.ts';
import { install, uninstall, type FileChange } from './installer.ts';
import type { InstallFile } from './layout.ts';

/** What is installed at a place, and what remains to be done by hand. */
export interface Installation {
  /** `guest`, `client`. */
  readonly name: string;
  /** The Debian package that brings the same. */
  readonly package: string;
  files(options: { readonly prefix: string; readonly program: readonly string[] }): InstallFile[];
  /** Shell commands, and after a `#` what they are for. */
  readonly next: { readonly installed: readonly string[]; readonly removed: readonly string[] };
}

export interface InstallOptions {
  readonly prefix: string;
  readonly root: string;
  readonly dryRun: boolean;
  readonly uninstall: boolean;
  /** The words that start this program. */
  readonly program: readonly string[];
  readonly json: boolean;
  readonly output: Output;
}

const WORDS: Readonly<Record<FileChange['change'], string>> = {
  written: 'wrote',
  unchanged: 'left as it was',
  kept: 'kept, as it has been changed:',
  removed: 'removed',
  absent: 'was gone already:',
};

/**
 * The command `install` of a program.
 *
 * @throws OffhookError layer `system`: `packaged` where the Debian package has done it; else as `install` and
 * `uninstall`.
 */
export function runInstall(what: Installation, options: InstallOptions): void {
  const { output, json } = options;
  const root = resolve(options.root);
  const target = { root, name: what.name };
  if (options.uninstall) {
    if (options.dryRun) throw new OffhookError('config', 'invalid', '--dry-run is for installing');
    report(uninstall(target), what.next.removed, options);
    return;
  }
  const files = what.files({ prefix: resolve(options.prefix), program: options.program });
  if (options.dryRun) {
    if (json) printJson(output, { files });
    else output.out(files.map(preview).join('\n'));
    return;
  }
  checkNotPackaged(what, options, root);
  report(install(files, target), what.next.installed, options);
}

function preview({ path, content }: InstallFile): string {
  return `── ${path}\n${content}`;
}

function report(
  changes: readonly FileChange[],
  next: readonly string[],
  { json, output }: InstallOptions,
): void {
  if (json) printJson(output, { changes, next });
  else {
    const lines = changes.map(({ path, change }) => `${WORDS[change]} ${path}`);
    output.out([...lines, '', 'Then:', ...next.map((line) => `  ${line}`), ''].join('\n'));
  }
}

/** Units of the package and of `install` would be the same service twice. */
function checkNotPackaged(what: Installation, { program }: InstallOptions, root: string): void {
  const vendor = what.files({ prefix: '/usr', program });
  const there = vendor.find(
    ({ path, configuration }) => configuration !== true && existsSync(join(root, path)),
  );
  if (there === undefined || !existsSync(join(root, `/usr/share/doc/${what.package}`))) return;
  throw new OffhookError(
    'system',
    'packaged',
    `the package ${what.package} has installed this already (${there.path})`,
    { remedy: `nothing is left to do, or remove it: apt remove ${what.package}` },
  );
}
