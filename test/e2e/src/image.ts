import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cacheDirectory, run } from '@offhook/test-sipp';
import { cpio, directory, file, type Entry } from './cpio.ts';

/** What QEMU boots. */
export interface GuestImage {
  readonly kernel: string;
  /** Parts of the initial ramdisk, one after another. */
  readonly ramdisks: readonly string[];
}

const GUEST = join(import.meta.dirname, '../guest');
const APPLICATION = join(import.meta.dirname, '../../../softphone-guest/dist');
/** Another one where the layout of the cached part changes. */
const LAYOUT = 1;
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

/**
 * Debian's cloud kernel, busybox and our Node, from the cache; the first time on a machine apt brings
 * them. This is the set-up step: nothing is fetched afterwards.
 */
export async function systemImage(): Promise<Omit<GuestImage, 'ramdisks'> & { system: string }> {
  const target = join(cacheDirectory(), `guest-${LAYOUT}-${process.version}`);
  const image = { kernel: join(target, 'vmlinuz'), system: join(target, 'system.cpio') };
  if (await exists(image.system)) return image;
  await mkdir(cacheDirectory(), { recursive: true });
  const work = await mkdtemp(join(cacheDirectory(), '.guest-'));
  try {
    console.log('e2e: making the system of the guest, once, in the cache');
    await build(work);
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
export async function guestImage(directory: string): Promise<GuestImage> {
  const { kernel, system } = await systemImage();
  const application = join(directory, 'application.cpio');
  await writeFile(application, cpio(await applicationFiles()));
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

async function build(work: string): Promise<void> {
  const kernel = (await kernelPackage()) ?? (await freshLists().then(kernelPackage));
  if (kernel === undefined) throw new Error('apt knows no linux-image-cloud-amd64');
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
  await writeFile(join(image, 'system.cpio'), cpio(await systemFiles(root, version)));
}

/** The package that the newest cloud kernel is in, if the package lists are here. */
async function kernelPackage(): Promise<string | undefined> {
  const args = ['depends', 'linux-image-cloud-amd64'];
  const depends = await run('apt-cache', args, { within: 30_000 }).catch(() => '');
  return /Depends: (linux-image-\S+)/.exec(depends)?.[1];
}

async function freshLists(): Promise<void> {
  await run('apt-get', ['update', '-q'], { within: 120_000 });
}

async function systemFiles(root: string, version: string): Promise<Entry[]> {
  const folders = 'bin dev proc sys lib lib64 etc tmp run root state modules'.split(' ');
  const tree = join(root, 'lib/modules', version);
  const paths = await readdir(tree, { recursive: true });
  const modules = await Promise.all(
    MODULES.map(async (name) => {
      const path = paths.find((one) => basename(one) === `${name}.ko`);
      if (path === undefined) throw new Error(`the kernel ${version} has no module ${name}`);
      return file(`modules/${name}.ko`, await readFile(join(tree, path)));
    }),
  );
  const node = process.execPath;
  const linked = await run('ldd', [node], { within: 10_000 });
  const libraries = [...linked.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
  const parents = new Set(libraries.flatMap((path) => ancestors(path)));
  return [
    ...[...new Set([...folders, ...parents])].map(directory),
    ...modules,
    file('bin/busybox', await readFile(join(root, 'bin/busybox')), true),
    file('bin/node', await readFile(node), true),
    ...(await Promise.all(
      libraries.map(async (path) => file(path.slice(1), await readFile(path), true)),
    )),
  ];
}

/** `/lib/a/b.so` is in `lib` and `lib/a`. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
