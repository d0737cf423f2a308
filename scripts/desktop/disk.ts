import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { bringPackages, unpackMinimalDebian } from '../package/minimal-debian.ts';

const run = promisify(execFile);
const MINUTE = 60_000;

/** What boots the desktop. */
export interface Disk {
  readonly folder: string;
  readonly kernel: string;
  readonly ramdisk: string;
  readonly disk: string;
}

/** Files of the desktop that neither Debian nor our packages bring. */
const FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'desktop\n',
  'etc/hosts': '127.0.0.1 localhost desktop\n',
  'etc/fstab': '/dev/vda / ext4 defaults 0 0\n',
  'etc/systemd/network/net.network': '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n',
  // Sessions without a login, as a display manager makes them.
  'var/lib/systemd/linger/ada': '',
  // The screen of the desktop is the phone, from when it has been set up.
  'etc/systemd/system/getty@tty1.service.d/phone.conf': `[Unit]
ConditionPathExists=/home/ada/.config/offhook/config.toml
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin ada --noclear %I linux
`,
  'home/ada/.bash_profile': '[ "$(tty)" != /dev/tty1 ] || exec offhook\n',
  'etc/systemd/system/tour.service': `[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh /inside.sh
StandardOutput=file:/dev/ttyS1
StandardError=inherit
[Install]
WantedBy=default.target
`,
};

const FINISH = `
  mount -t proc proc /proc && mount -t tmpfs run /run &&
  { dpkg -i /packages/*.deb >/dpkg.log 2>&1 || { cat /dpkg.log >&2; exit 1; }; } &&
  useradd -m -u 1000 -G offhook -s /bin/bash ada && chown -R ada: /home/ada &&
  systemctl enable -q systemd-networkd tour && rm -rf /packages /dpkg.log`;

/** Where `makeDisk` puts it. */
export function diskIn(work: string): Disk {
  const folder = join(work, 'disk');
  const [kernel, ramdisk] = [join(folder, 'vmlinuz'), join(folder, 'initrd')];
  return { folder, kernel, ramdisk, disk: join(folder, 'disk') };
}

/**
 * A Debian with systemd, a person called ada, and those packages, as the disk of a virtual machine.
 */
export async function makeDisk(work: string, packages: readonly string[]): Promise<Disk> {
  const made = diskIn(work);
  const root = join(made.folder, 'root');
  await unpackMinimalDebian(root, 'desktop');
  await bringPackages(root, packages);
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await copyFile(join(import.meta.dirname, 'inside.sh'), join(root, 'inside.sh'));
  await run('unshare', ['--mount', '--pid', '--fork', 'chroot', root, '/bin/sh', '-c', FINISH], {
    timeout: 10 * MINUTE,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' },
  });
  const boot = await readdir(join(root, 'boot'));
  for (const target of [made.kernel, made.ramdisk]) {
    const name = boot.find((one) => one.startsWith(basename(target)));
    if (name === undefined) throw new Error(`the desktop has no /boot/${basename(target)}*`);
    await copyFile(join(root, 'boot', name), target);
  }
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, made.disk, '2G'], { timeout: 5 * MINUTE });
  await rm(root, { recursive: true });
  return made;
}
