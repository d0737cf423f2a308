import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheDirectory, run } from '@offhook/test-sipp';
import { cpio, directory, file, type Entry } from './cpio.ts';
import { engineFiles, SOUND_MODULES } from './guest-engine.ts';
import { libraryFiles, librariesOf } from './libraries.ts';

/** What QEMU boots. */
export interface GuestImage {
  readonly kernel: string;
  /** Parts of the initial ramdisk, one after another. */
  readonly ramdisks: readonly string[];
}

/** What the guest has: a phone, or a sound card and an engine as well. */
export type GuestKind = 'phone' | 'sound';

const GUEST = join(import.meta.dirname, '../guest');
const APPLICATION = join(import.meta.dirname, '../../../softphone-guest/dist');
/** Another one where the layout of the cached part changes. */
const LAYOUT = 2;
/** In the order in which the kernel takes them. */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_modern_dev',
  'virtio_pci_legacy_dev',
  'virtio_pci',
  'virtio_console',
  'failover',
  'net_failover',
  'virtio_net',
];
const KINDS = {
  phone: { kernel: 'linux-image-cloud-amd64', modules: MODULES },
  // The cloud kernel has no sound.
  sound: { kernel: 'linux-image-amd64', modules: [...MODULES, ...SOUND_MODULES] },
} as const;

/**
 * Debian's kernel, busybox and our Node, from the cache; the first time on a machine apt brings
 * them. This is the set-up step: nothing is fetched afterwards.
 */
export async function systemImage(
  kind: GuestKind = 'phone',
): Promise<Omit<GuestImage, 'ramdisks'> & { system: string }> {
  const target = join(cacheDirectory(), `guest-${kind}-${LAYOUT}-${process.version}`);
  const image = { kernel: join(target, 'vmlinuz'), system: join(target, 'system.cpio') };
  if (await exists(image.system)) return image;
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), '.guest-'));
  try {
    console.error('e2e: making the system of the guest, once, in the cache');
    await build(work, kind);
    await rename(join(work, 'image'), target).catch(async (error: unknown) => {
      // Somebody else may have been quicker; theirs is as good.
      if (!(await exists(image.system))) throw error;
    });
    return image;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The whole image with the phone as it is built now; the part that changes goes to `directory`. */
export async function guestImage(
  directory: string,
  kind: GuestKind = 'phone',
  further: readonly Entry[] = [],
): Promise<GuestImage> {
  const { kernel, system } = await systemImage(kind);
  const application = join(directory, 'application.cpio');
  const sound = kind === 'sound' ? await engineFiles() : [];
  await writeFile(application, cpio([...(await applicationFiles()), ...sound, ...further]));
  return { kernel, ramdisks: [system, application] };
}

async function applicationFiles(): Promise<Entry[]> {
  const built = (await readdir(APPLICATION)).filter((name) => /\.(js|node)$/.test(name));
  const scripts = ['control-relay.mjs', 'guest.toml'];
  return [
    directory('app'),
    file('init', await readFile(join(GUEST, 'init')), true),
    file('app/package.json', '{"type":"module"}'),
    ...(await Promise.all(
      [
        ...built.map((name) => join(APPLICATION, name)),
        ...scripts.map((name) => join(GUEST, name)),
      ].map(async (path) => file(`app/${basename(path)}`, await readFile(path))),
    )),
  ];
}

async function build(work: string, kind: GuestKind): Promise<void> {
  const { kernel: name, modules } = KINDS[kind];
  const kernel =
    (await kernelPackage(name)) ?? (await freshLists().then(() => kernelPackage(name)));
  if (kernel === undefined) throw new Error(`apt knows no ${name}`);
  await run('apt-get', ['download', kernel, 'busybox-static'], { within: 300_000, cwd: work });
  const root = join(work, 'root');
  for (const name of (await readdir(work)).filter((one) => one.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(work, name), root], { within: 120_000 });
  }
  const version = kernel.replace('linux-image-', '');
  const image = join(work, 'image');
  await mkdir(image);
  const boot = await readFile(join(root, 'boot', `vmlinuz-${version}`));
  await writeFile(join(image, 'vmlinuz'), boot);
  await writeFile(join(image, 'system.cpio'), cpio(await systemFiles(root, version, modules)));
}

/** The package that the newest kernel of that kind is in, if the package lists are here. */
async function kernelPackage(name: string): Promise<string | undefined> {
  const args = ['depends', name];
  const depends = await run('apt-cache', args, { within: 30_000 }).catch(() => '');
  return /Depends: (linux-image-\S+)/.exec(depends)?.[1];
}

async function freshLists(): Promise<void> {
  await run('apt-get', ['update', '-q'], { within: 120_000 });
}

async function systemFiles(
  root: string,
  version: string,
  names: readonly string[],
): Promise<Entry[]> {
  const folders = 'bin dev proc sys lib lib64 etc tmp run root state modules'.split(' ');
  const tree = join(root, 'lib/modules', version);
  const paths = await readdir(tree, { recursive: true });
  const modules = await Promise.all(
    names.map(async (name) => {
      const path = paths.find((one) => basename(one) === `${name}.ko`);
      if (path === undefined) throw new Error(`the kernel ${version} has no module ${name}`);
      return file(`modules/${name}.ko`, await readFile(join(tree, path)));
    }),
  );
  const node = process.execPath;
  return [
    ...folders.map(directory),
    ...modules,
    file('modules/order', `${names.join('\n')}\n`),
    file('bin/busybox', await readFile(join(root, 'bin/busybox')), true),
    file('bin/node', await readFile(node), true),
    ...(await libraryFiles(await librariesOf([node]))),
  ];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
