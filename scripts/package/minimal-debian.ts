import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { cacheDirectory, debianMirror } from '../../test/sipp/src/infra/asterisk-install.ts';

const run = promisify(execFile);
const SUITE = 'bookworm';
const MINUTE = 60_000;

/** What each has beyond what every Debian must have. */
const SYSTEMS = {
  /** To be entered by chroot. */
  minimal: 'man-db,systemd',
  /** To be booted: kernel, udev, and sessions of users. */
  desktop:
    'dbus,dbus-user-session,initramfs-tools,iproute2,libpam-systemd,linux-image-cloud-amd64,systemd-sysv,udev',
};

/**
 * Unpacks a minimal Debian below `target`, as debootstrap makes it; the first time on a machine takes a
 * minute or two, and the mirror that its apt sources name.
 */
export async function unpackMinimalDebian(
  target: string,
  system: keyof typeof SYSTEMS = 'minimal',
): Promise<void> {
  const archive = join(cacheDirectory(), `${SUITE}-${system}.tar`);
  if (!existsSync(archive)) await makeArchive(archive, system);
  await mkdir(target, { recursive: true });
  await run('tar', ['-xf', archive, '-C', target, '--numeric-owner'], { timeout: 2 * MINUTE });
}

async function makeArchive(archive: string, system: keyof typeof SYSTEMS): Promise<void> {
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), `.${system}-`));
  const root = join(work, 'root');
  try {
    const options = ['--variant=minbase', `--include=${SYSTEMS[system]}`, SUITE, root];
    console.log(`packages: making a Debian (${system}), once, in the cache`);
    await run('debootstrap', [...options, await debianMirror()], {
      timeout: 10 * MINUTE,
      maxBuffer: 64 * 1024 * 1024,
    });
    await run('tar', ['-cf', `${archive}.new`, '-C', root, '--numeric-owner', '.'], {
      timeout: 2 * MINUTE,
    });
    await rename(`${archive}.new`, archive);
  } catch (error) {
    const log = await readFile(join(root, 'debootstrap/debootstrap.log'), 'utf8').catch(() => '');
    throw new Error(`debootstrap failed: ${log.slice(-2000)}`, { cause: error });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Brings the packages and all that they depend on into `/packages` of that system, by this machine's apt
 * with its sources and settings; nothing is installed yet.
 */
export async function bringPackages(target: string, packages: readonly string[]): Promise<void> {
  const archives = join(cacheDirectory(), `${SUITE}-archives`);
  const folder = join(target, 'packages');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await mkdir(folder);
  const { stdout } = await run(
    'apt-get',
    [
      ...Object.entries({
        'Dir::State::status': join(target, 'var/lib/dpkg/status'),
        'Dir::Cache::archives': archives,
        'Debug::NoLocking': '1',
        'APT::Sandbox::User': 'root',
        // Hooks of this machine are about its own packages.
        'DPkg::Post-Invoke': '',
        'Binary::apt-get::APT::Keep-Downloaded-Packages': 'true',
      }).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      'install',
      '--yes',
      '--download-only',
      '--no-install-recommends',
      ...packages,
    ],
    { timeout: 5 * MINUTE, maxBuffer: 64 * 1024 * 1024 },
  );
  const wanted = /following NEW packages will be installed:\n((?: .*\n)+)/.exec(stdout)?.[1] ?? '';
  const names = wanted.trim().split(/\s+/).filter(Boolean);
  if (names.length < packages.length) throw new Error(`apt would not install them: ${stdout}`);
  const script = 'for name in "$@"; do ln "$0"/"$name"_*.deb "$FOLDER" 2>/dev/null || true; done';
  await run('sh', ['-c', script, archives, ...names], { env: { ...process.env, FOLDER: folder } });
  await run('cp', [...packages, folder]);
}
