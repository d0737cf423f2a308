import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = dirname(dirname(import.meta.dirname));

/** What packages are made for. */
export interface Target {
  /** As Debian names it: amd64, arm64. */
  readonly architecture: string;
  /** As Node names it: x64, arm64. */
  readonly cpu: string;
  /** The npm package with Node for it. */
  readonly node: string;
  /** The program `strip` for it. */
  readonly strip: string;
  /** Where the executable is that set-up has built at that path for this machine. */
  readonly native: (path: string) => string;
}

/** This machine, from what `npm run setup` has built. */
export async function thisMachine(): Promise<Target> {
  return {
    architecture: await ownArchitecture(),
    cpu: process.arch,
    node: join(root, 'node_modules', `node-linux-${process.arch}`),
    strip: 'strip',
    native: (path) => join(root, path),
  };
}

export async function ownArchitecture(): Promise<string> {
  return (await run('dpkg', ['--print-architecture'])).stdout.trim();
}

/** Packages for that architecture: this machine’s, or `arm64`, for which it compiles. */
export async function targetFor(architecture: string | undefined): Promise<Target> {
  if (architecture === undefined || architecture === (await ownArchitecture()))
    return thisMachine();
  if (architecture === 'arm64') return (await import('./cross.ts')).arm64();
  throw new Error(`packages for ${architecture} cannot be made here; arm64 can`);
}
