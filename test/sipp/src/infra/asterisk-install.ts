import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ManagedProcess, run } from './process.ts';

/**
 * Asterisk 22 out of Debian's sid suite, unpacked into a cache folder: apt fetches and checks the
 * packages with lists and a package status of their own, so that nothing is installed, no chroot is
 * made and no root is needed. Mirror, proxy and everything else that apt is told on this machine
 * holds here too.
 */

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SUITE = 'sid';
const MAJOR = '22';
/** Documentation, translations and man pages are not needed to run it. */
const LEFT_OUT = ['./usr/share/doc', './usr/share/man', './usr/share/locale', './dev'];

/** `$OFFHOOK_CACHE`, or `offhook` in the user's cache folder. */
export function cacheDirectory(): string {
  const own = process.env['OFFHOOK_CACHE'];
  if (own !== undefined && own !== '') return own;
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'offhook');
}

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
  for (const part of ['lists/partial', 'archives/partial', 'log'])
    await mkdir(join(apt, part), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  const mirror = await debianMirror();
  await writeFile(
    join(apt, 'sources.list'),
    `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`,
  );
  const options = aptOptions(apt);
  await aptGet(apt, [...options, 'update'], 'reading the package lists');
  await aptGet(
    apt,
    [...options, 'install', '--yes', '--download-only', '--no-install-recommends', 'asterisk'],
    'downloading about 80 MB of packages',
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

/** Everything that apt would keep in /var and /etc goes into the folder; /etc/apt/apt.conf.d counts. */
function aptOptions(apt: string): string[] {
  const settings = {
    'Dir::Etc::sourcelist': join(apt, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': apt,
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': apt,
    'Dir::Cache::archives': join(apt, 'archives'),
    'Dir::Log': join(apt, 'log'),
    'Acquire::Languages': 'none',
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    // Hooks of this machine are about its own packages.
    'DPkg::Post-Invoke': '',
    'APT::Update::Post-Invoke': '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

async function aptGet(apt: string, args: readonly string[], what: string): Promise<void> {
  say(what);
  const child = new ManagedProcess({ name: 'apt-get', command: 'apt-get', args, cwd: apt });
  const timer = setTimeout(() => child.killNow(), 300_000);
  const { code } = await child.exited;
  clearTimeout(timer);
  if (code === 0) return;
  const hint = /NO_PUBKEY|not signed|EXPKEYSIG/.test(child.output)
    ? ' (the package debian-archive-keyring is too old: apt-get install debian-archive-keyring)'
    : '';
  throw new Error(`${what} failed${hint}: ${child.describe()}`);
}

/** The mirror that this machine takes Debian from, as its apt sources have it. */
export async function debianMirror(): Promise<string> {
  const folder = '/etc/apt/sources.list.d';
  const names = await readdir(folder).catch(() => []);
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const mirror = mirrorIn(text);
    if (mirror !== undefined) return mirror;
  }
  throw new Error('no Debian mirror in the apt sources of this machine');
}

/** The first archive of Debian itself in a file of apt sources, in either format. */
export function mirrorIn(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const candidates = lines.flatMap((line) => {
    const oneLine = /^\s*deb(?:\s+\[[^\]]*\])?\s+(\S+)/.exec(line)?.[1];
    const fields = /^\s*URIs:\s*(.+)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? [];
    return oneLine === undefined ? fields : [oneLine, ...fields];
  });
  return candidates.find((uri) => /^(https?|mirror\+?\w*|file|ftp):.*\/debian\/?$/.test(uri));
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
