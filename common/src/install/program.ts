import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Output } from '../cli.ts';
import { OffhookError } from '../errors.ts';
import { runInstall, type Installation } from './command.ts';

/** What the command line of `install` says. */
export interface InstallFlags {
  readonly guest?: boolean;
  readonly client?: boolean;
  readonly prefix: string;
  readonly root: string;
  readonly program?: string;
  readonly dryRun?: boolean;
  readonly uninstall?: boolean;
}

export interface InstallProgram {
  readonly own: Installation;
  /** The program that has the installation of the other place. */
  readonly other: { readonly program: string; readonly package: string };
  readonly flags: InstallFlags;
  readonly json: boolean;
  readonly output: Output;
}

/**
 * `install` of either program: the files of its own place, or, by the program of that name on the PATH, those
 * of the other.
 *
 * @throws OffhookError as `runInstall`; `system/not-found` where the other program is not there,
 * `system/said` where it has failed.
 */
export function installProgram({ own, other, flags, json, output }: InstallProgram): void {
  const { guest = false, client = false } = flags;
  if (guest && client) {
    throw new OffhookError('config', 'invalid', 'install: either --guest or --client');
  }
  if (own.name === 'guest' ? client : guest) {
    handOver(other, flags, json);
    return;
  }
  runInstall(own, {
    prefix: flags.prefix,
    root: flags.root,
    dryRun: flags.dryRun ?? false,
    uninstall: flags.uninstall ?? false,
    program:
      flags.program === undefined
        ? [process.execPath, resolve(process.argv[1] ?? '')]
        : [resolve(flags.program)],
    json,
    output,
  });
}

function handOver(
  { program, package: name }: InstallProgram['other'],
  { prefix, root, program: named, dryRun = false, uninstall = false }: InstallFlags,
  json: boolean,
): void {
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new OffhookError('system', 'not-found', `${program} is not on this machine`, {
      remedy: `install the package ${name}, or run npx ${program} install in a checkout`,
    });
  }
  const args = [
    ...(json ? ['--json'] : []),
    'install',
    '--prefix',
    prefix,
    '--root',
    root,
    ...(named === undefined ? [] : ['--program', named]),
    ...(dryRun ? ['--dry-run'] : []),
    ...(uninstall ? ['--uninstall'] : []),
  ];
  const { status } = spawnSync(path, args, { stdio: 'inherit' });
  if (status !== 0) throw new OffhookError('system', 'said', `${program} install failed`);
}
