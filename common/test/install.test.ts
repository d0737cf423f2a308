import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  desktopCommand,
  install,
  installProgram,
  layout,
  uninstall,
  unitCommand,
  type Installation,
  type InstallFlags,
} from '../src/install/index.ts';

const UNIT = '/etc/systemd/user/phone.service';
const CONFIG = '/etc/phone/list.toml';
const files = [
  { path: UNIT, content: 'unit\n' },
  { path: CONFIG, content: 'list\n', configuration: true },
];

let root: string;
const target = () => ({ root, name: 'guest' });
const at = (path: string) => join(root, path);
const read = (path: string) => readFile(at(path), 'utf8');

async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(at(path)), { recursive: true });
  await writeFile(at(path), content);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'offhook-install-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('installing files', () => {
  it('writes them for everybody to read, and says so', async () => {
    expect(install(files, target())).toEqual([
      { path: UNIT, change: 'written' },
      { path: CONFIG, change: 'written' },
    ]);
    expect(await read(UNIT)).toBe('unit\n');
    expect(await stat(at(UNIT)).then(({ mode }) => mode & 0o777)).toBe(0o644);
  });

  it('changes nothing the second time', () => {
    install(files, target());
    expect(install(files, target()).map(({ change }) => change)).toEqual([
      'unchanged',
      'unchanged',
    ]);
  });

  it('replaces what it has written itself', async () => {
    install(files, target());
    install([{ path: UNIT, content: 'newer\n' }], target());
    expect(await read(UNIT)).toBe('newer\n');
  });

  it('writes nothing at all when a file belongs to somebody else', async () => {
    await put(UNIT, 'theirs\n');
    expect(() => install(files, target())).toThrow(/is there already, and not written by this/u);
    expect(await read(UNIT)).toBe('theirs\n');
    expect(existsSync(at(CONFIG))).toBe(false);
    expect(() => uninstall(target())).toThrow(/nothing is installed/u);
  });

  it('does not overwrite a file that was changed since', async () => {
    install(files, target());
    await put(UNIT, 'edited\n');
    expect(() => install([{ path: UNIT, content: 'newer\n' }], target())).toThrow(
      /has been changed/u,
    );
  });

  it('keeps a configuration that was changed', async () => {
    install(files, target());
    await put(CONFIG, 'edited\n');
    expect(install(files, target())).toContainEqual({ path: CONFIG, change: 'kept' });
    expect(await read(CONFIG)).toBe('edited\n');
  });
});

describe('removing them', () => {
  it('leaves nothing, not even the list of what was written', async () => {
    install(files, target());
    expect(uninstall(target()).map(({ change }) => change)).toEqual(['removed', 'removed']);
    const left = await readdir(root, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
    expect(existsSync(at('/var/lib/offhook'))).toBe(false);
  });

  it('removes only what it has written, and keeps what was changed', async () => {
    await put(CONFIG, 'theirs\n');
    install(files, target());
    await put('/etc/systemd/user/other.service', 'other\n');
    await put(UNIT, 'edited\n');
    expect(uninstall(target())).toEqual([
      { path: UNIT, change: 'kept' },
      { path: CONFIG, change: 'kept' },
    ]);
    expect(await read(CONFIG)).toBe('theirs\n');
    expect(await read('/etc/systemd/user/other.service')).toBe('other\n');
  });

  it('also removes what an earlier version wrote and this one does not', async () => {
    install(files, target());
    install(files.slice(0, 1), target());
    expect(uninstall(target())).toContainEqual({ path: CONFIG, change: 'removed' });
  });

  it('takes a file that is gone already as it is', async () => {
    install(files, target());
    await rm(at(UNIT));
    expect(uninstall(target())).toContainEqual({ path: UNIT, change: 'absent' });
  });

  it('leaves another installation on the same system alone', async () => {
    install(files.slice(0, 1), target());
    install(files.slice(1), { root, name: 'client' });
    uninstall(target());
    expect(await read(CONFIG)).toBe('list\n');
    expect(() => uninstall(target())).toThrow(/nothing is installed/u);
  });
});

describe('where files go', () => {
  it('is the vendor’s for packages, else the administrator’s', () => {
    expect(layout('/usr')).toMatchObject({
      systemUnits: '/usr/lib/systemd/system',
      udevRules: '/usr/lib/udev/rules.d',
      applications: '/usr/share/applications',
    });
    expect(layout('/usr/local')).toMatchObject({
      systemUnits: '/etc/systemd/system',
      sysusers: '/etc/sysusers.d',
      applications: '/usr/local/share/applications',
    });
  });

  it('quotes commands as units and desktop files want it', () => {
    const words = ['/opt/my $phone/100%', 'run'];
    expect(unitCommand(words)).toBe('"/opt/my $$phone/100%%" run');
    expect(desktopCommand(words)).toBe(String.raw`"/opt/my \\$phone/100%%" run`);
  });
});

describe('the command install', () => {
  const own: Installation = {
    name: 'guest',
    package: 'offhook-guest',
    files: ({ prefix, program }) => [
      { path: `${layout(prefix).userUnits}/phone.service`, content: `${program.join(' ')}\n` },
    ],
    next: { installed: ['start it'], removed: [] },
  };

  function run(flags: Partial<InstallFlags>, json = false): string {
    let text = '';
    installProgram({
      own,
      other: { program: 'no-such-program', package: 'offhook-engine' },
      flags: { prefix: '/usr/local', root, program: '/bin/phone', ...flags },
      json,
      output: { out: (more) => void (text += more), err: () => undefined },
    });
    return text;
  }

  it('shows every file with its path, and writes none, with --dry-run', async () => {
    expect(run({ dryRun: true })).toBe(`── ${UNIT}\n/bin/phone\n`);
    expect(await readdir(root)).toEqual([]);
  });

  it('says what it did and what to do then', async () => {
    expect(run({})).toContain(`wrote ${UNIT}\n\nThen:\n  start it\n`);
    expect(await read(UNIT)).toBe('/bin/phone\n');
    expect(JSON.parse(run({ uninstall: true }, true))).toMatchObject({
      changes: [{ path: UNIT, change: 'removed' }],
    });
  });

  it('refuses where the package has done it', async () => {
    await put('/usr/lib/systemd/user/phone.service', 'packaged\n');
    await put('/usr/share/doc/offhook-guest/copyright', '');
    expect(() => run({})).toThrow(/the package offhook-guest has installed this already/u);
  });

  it('leaves the other place to the other program, which may be missing', () => {
    expect(() => run({ client: true })).toThrow(/no-such-program is not on this machine/u);
    expect(() => run({ client: true, guest: true })).toThrow(/either --guest or --client/u);
  });

  it('names the layer when it cannot write', async () => {
    await put('/etc', 'a file where a directory has to be');
    expect(() => run({})).toThrow(expect.objectContaining({ layer: 'system', code: 'failed' }));
  });
});
