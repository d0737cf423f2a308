import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess } from './process.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** `$OFFHOOK_CACHE`, or `offhook` in the user's cache folder. */
export function cacheDirectory(): string {
  const own = process.env['OFFHOOK_CACHE'];
  if (own !== undefined && own !== '') return own;
  const xdg = process.env['XDG_CACHE_HOME'];
  return join(xdg === undefined || xdg === '' ? join(homedir(), '.cache') : xdg, 'offhook');
}

/** Prepares a folder for apt, with lists, status and archives of its own: that suite of Debian. */
export async function writeSources(apt: string, suite: string): Promise<void> {
  for (const part of ['lists/partial', 'archives/partial', 'log'])
    await mkdir(join(apt, part), { recursive: true });
  await writeFile(join(apt, 'status'), '');
  const source = `deb [signed-by=${KEYRING}] ${await debianMirror()} ${suite} main\n`;
  await writeFile(join(apt, 'sources.list'), source);
}

/** Everything that apt would keep in /var and /etc goes into the folder; /etc/apt/apt.conf.d counts. */
export function aptOptions(apt: string, architecture?: string): string[] {
  const settings = {
    ...(architecture !== undefined && {
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
    }),
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

export async function aptGet(apt: string, args: readonly string[], what: string): Promise<void> {
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

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
