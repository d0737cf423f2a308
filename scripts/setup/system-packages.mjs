import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { SetupError, runQuietly, say } from './progress.mjs';

/**
 * @typedef {{why: string, packages: Record<string, string>, services?: string[]}} PackageGroup
 * `services`: what Debian would start with the packages; Offhook starts its own copies instead.
 */

/**
 * Installs the Debian packages of these groups that are missing, having said which and why.
 *
 * @param {readonly string[]} groupNames
 */
export async function installSystemPackages(groupNames) {
  /** @type {Record<string, PackageGroup>} */
  const all = JSON.parse(readFileSync(new URL('../system-packages.json', import.meta.url), 'utf8'));
  const groups = groupNames.flatMap((name) => all[name] ?? []);
  if (!hasCommand('dpkg-query')) {
    const names = groups.flatMap((group) => Object.keys(group.packages));
    say(`setup: not a Debian system; make sure that it has what these provide: ${names.join(' ')}`);
    return;
  }
  const installed = installedAmong(groups.flatMap((group) => Object.keys(group.packages)));
  const missing = groups
    .map((group) => ({
      ...group,
      packages: Object.entries(group.packages).filter(([name]) => !installed.has(name)),
    }))
    .filter((group) => group.packages.length > 0);
  if (missing.length === 0) return;

  const names = missing.flatMap((group) => group.packages.map(([name]) => name));
  const prefix = rootPrefix(names);
  for (const group of missing) {
    say(`setup: these Debian packages will be installed ${group.why}:`);
    for (const [name, why] of group.packages) say(`         ${name.padEnd(36)} ${why}`);
  }
  await apt(prefix, 'read the package lists', ['update', '-q']);
  await apt(prefix, `install ${names.length} Debian packages`, [
    'install',
    '-q',
    '-y',
    '--no-install-recommends',
    ...names,
  ]);
  const services = missing.flatMap((group) => group.services ?? []);
  if (services.length > 0 && existsSync('/run/systemd/system')) {
    runAsRoot(prefix, ['systemctl', 'disable', '--now', ...services]);
  }
}

/** @returns {Set<string>} */
function installedAmong(/** @type {readonly string[]} */ names) {
  const query = ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names];
  const { stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' });
  const lines = stdout.split('\n').filter((line) => line.endsWith(' installed'));
  return new Set(lines.map((line) => line.slice(0, line.indexOf(' '))));
}

/**
 * What to put before a command so that it runs as root. Asks for the password at once where sudo
 * wants one, so that the question is not hidden behind progress.
 *
 * @returns {readonly string[]}
 */
function rootPrefix(/** @type {readonly string[]} */ names) {
  if (process.getuid?.() === 0) return [];
  const byHand = `as root: apt-get install --no-install-recommends ${names.join(' ')}`;
  if (!hasCommand('sudo')) {
    throw new SetupError(
      `setup: Debian packages are missing, and you are neither root nor is there sudo.\n       Run this ${byHand}`,
    );
  }
  if (spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n'];
  say('setup: sudo asks for your password, to install Debian packages');
  if (process.stdin.isTTY && spawnSync('sudo', ['-v'], { stdio: 'inherit' }).status === 0) {
    return ['sudo'];
  }
  throw new SetupError(`setup: sudo does not let this user in.\n       Run this ${byHand}`);
}

/**
 * @param {readonly string[]} prefix
 * @param {string} title
 * @param {readonly string[]} args
 */
async function apt(prefix, title, args) {
  const lockWait = ['-o', 'DPkg::Lock::Timeout=300'];
  const [command = 'env', ...rest] = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    ...lockWait,
    ...args,
  ];
  await runQuietly(title, command, rest);
}

/**
 * @param {readonly string[]} prefix
 * @param {readonly string[]} words
 */
function runAsRoot(prefix, words) {
  const [command = 'env', ...args] = [...prefix, ...words];
  spawnSync(command, args, { stdio: 'ignore' });
}

function hasCommand(/** @type {string} */ name) {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${name}`));
}
