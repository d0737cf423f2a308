// Makes the packages, installs them into a minimal Debian without Node, npm or a compiler, makes them
// work there, and removes them. Needs root, for chroot; about a minute, and two the first time.
// With --architecture arm64 the same, with the programs under an emulator.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildPackages } from './package/build.ts';
import { emulate } from './package/emulate.ts';
import { bringPackages, unpackMinimalDebian } from './package/minimal-debian.ts';
import { targetFor } from './package/target.ts';

/** Mounts, processes and network end with it, whatever happens. */
const NAMESPACES = ['--mount', '--pid', '--net', '--fork', '--kill-child'];
const ENTER = `
  mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && mount -t tmpfs run "$0/run" &&
  ip link set lo up && exec chroot "$0" /bin/sh /inside.sh`;

if (process.getuid?.() === 0) process.exitCode = await main();
else {
  console.error('packages: needs root, to enter another system (chroot)');
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { architecture: { type: 'string' } } });
  const machine = await targetFor(values.architecture);
  const stopEmulation = await emulate(machine);
  const work = await mkdtemp(join(tmpdir(), 'offhook-packages-'));
  const target = join(work, 'system');
  try {
    const packages = await buildPackages(join(work, 'built'), machine);
    await unpackMinimalDebian(target);
    await bringPackages(target, packages, machine.architecture);
    await copyFile(join(import.meta.dirname, 'package/inside.sh'), join(target, 'inside.sh'));
    const child = spawn('unshare', [...NAMESPACES, 'sh', '-c', ENTER, target], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code !== 0) console.error(`packages: failed (${code ?? signal})`);
    return code === 0 ? 0 : 1;
  } finally {
    await stopEmulation();
    await rm(work, { recursive: true, force: true });
  }
}
