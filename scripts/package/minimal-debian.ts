import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import {
  aptGet,
  aptOptions,
  cacheDirectory,
  debianMirror,
  writeSources,
} from '../../test/sipp/src/infra/apt.ts';
import { ownArchitecture } from './target.ts';

const run = promisify(execFile);
const SUITE = 'bookworm';
const MINUTE = 60_000;
const MAX_OUTPUT = 64 * 1024 * 1024;

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
      maxBuffer: MAX_OUTPUT,
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
 * Brings the packages and all that they depend on into `/packages` of that system, by apt with this
 * machine's mirror and settings; nothing is installed yet. Packages of another architecture make the
 * system one of both.
 */
export async function bringPackages(
  target: string,
  packages: readonly string[],
  architecture?: string,
): Promise<void> {
  const own = await ownArchitecture();
  const foreign = architecture === undefined || architecture === own ? [] : [architecture];
  const apt = join(cacheDirectory(), `${SUITE}-apt${foreign.map((name) => `-${name}`).join('')}`);
  await writeSources(apt, SUITE);
  if (foreign.length > 0) {
    await writeFile(join(target, 'var/lib/dpkg/arch'), [own, ...foreign, ''].join('\n'));
  }
  const options = [
    ...aptOptions(apt),
    ...[own, ...foreign].flatMap((name) => ['-o', `APT::Architectures::=${name}`]),
    '-o',
    `Dir::State::status=${join(target, 'var/lib/dpkg/status')}`,
    '-o',
    'Binary::apt-get::APT::Keep-Downloaded-Packages=true',
  ];
  await aptGet(apt, [...options, 'update'], 'packages: reading the package lists');
  const install = ['install', '--yes', '--no-install-recommends'];
  const { stdout } = await run('apt-get', [...options, ...install, '--simulate', ...packages], {
    maxBuffer: MAX_OUTPUT,
  });
  await aptGet(
    apt,
    [...options, ...install, '--download-only', ...packages],
    'packages: fetching what they depend on',
  );
  const folder = join(target, 'packages');
  await mkdir(folder);
  // Ours, which are no downloads, are installed from `local-deb`.
  const wanted = stdout.matchAll(/^Inst ([^ :]+)\S* \((\S+) (?!local-deb).*\[(\w+)\]\)/gm);
  for (const [, name = '', version = '', of = ''] of wanted) {
    const file = `${name}_${version.replaceAll(':', '%3a')}_${of}.deb`;
    await link(join(apt, 'archives', file), join(folder, file));
  }
  await run('cp', [...packages, folder]);
}
