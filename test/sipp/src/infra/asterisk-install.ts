import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { aptGet, aptOptions, cacheDirectory, writeSources } from './apt.ts';
import { run } from './process.ts';

/**
 * Asterisk 22 out of Debian's sid suite, unpacked into a cache folder: apt fetches and checks the
 * packages with lists and a package status of their own, so that nothing is installed, no chroot is
 * made and no root is needed. Mirror, proxy and everything else that apt is told on this machine
 * holds here too.
 */

const SUITE = 'sid';
const MAJOR = '22';
/** Documentation, translations and man pages are not needed to run it. */
const LEFT_OUT = ['./usr/share/doc', './usr/share/man', './usr/share/locale', './dev'];

let root: Promise<string> | undefined;

/** Where it is unpacked; the first call on a machine fetches it, which takes about half a minute. */
export function asteriskRoot(): Promise<string> {
  root ??= find();
  return root;
}

async function find(): Promise<string> {
  const target = join(cacheDirectory(), `asterisk-${MAJOR}`);
  if (await exists(join(target, 'usr/sbin/asterisk'))) return target;
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), `.asterisk-${MAJOR}-`));
  try {
    say('fetching Asterisk 22 from Debian sid, once, into the cache');
    const unpacked = await build(work);
    // Somebody else may have been quicker; theirs is as good.
    await rename(unpacked, target).catch(async (error: unknown) => {
      if (!(await exists(join(target, 'usr/sbin/asterisk')))) throw error;
    });
    say(`Asterisk is in ${target}`);
    return target;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function build(work: string): Promise<string> {
  const apt = join(work, 'apt');
  await writeSources(apt, SUITE);
  const options = aptOptions(apt);
  await aptGet(apt, [...options, 'update'], 'asterisk: reading the package lists');
  await aptGet(
    apt,
    [...options, 'install', '--yes', '--download-only', '--no-install-recommends', 'asterisk'],
    'asterisk: downloading about 80 MB of packages',
  );
  const unpacked = join(work, 'root');
  await mkdir(unpacked);
  const packages = (await readdir(join(apt, 'archives'))).filter((name) => name.endsWith('.deb'));
  say(`unpacking ${packages.length} packages`);
  const script =
    'for deb in "$0"/*.deb; do dpkg-deb --fsys-tarfile "$deb" | ' +
    `tar -x -C "$1" --no-same-owner ${LEFT_OUT.map((path) => `--exclude=${path}`).join(' ')} || exit 1; done`;
  await run('sh', ['-c', script, join(apt, 'archives'), unpacked], { within: 180_000 });
  const version = await run(loader(unpacked).command, [...loader(unpacked).args, '-V'], {
    within: 20_000,
  });
  if (!version.includes(`Asterisk ${MAJOR}.`)) {
    throw new Error(`Debian ${SUITE} now carries ${version.trim()} instead of Asterisk ${MAJOR}`);
  }
  return unpacked;
}

/** The command that starts the unpacked Asterisk: by its own loader, as its libc is a newer one. */
export function loader(unpacked: string): { command: string; args: string[] } {
  const libraries = join(unpacked, 'usr/lib', triplet());
  return {
    command: join(
      libraries,
      process.arch === 'arm64' ? 'ld-linux-aarch64.so.1' : 'ld-linux-x86-64.so.2',
    ),
    args: [
      '--library-path',
      `${libraries}:${join(unpacked, 'usr/lib')}`,
      join(unpacked, 'usr/sbin/asterisk'),
    ],
  };
}

export function triplet(): string {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function say(text: string): void {
  console.log(`asterisk: ${text}`);
}
