// npm run test:desktop [-- --picture FILE]: what the README says from nothing to a call in a virtual
// desktop, with a real libvirt, a Debian with systemd in it, our packages, remote-viewer and Asterisk.
// Needs root, to make the desktop's disk.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { buildPackages } from './package/build.ts';
import { thisMachine } from './package/target.ts';
import { diskIn, makeDisk } from './desktop/disk.ts';
import { channelOf, domainXml } from './desktop/domain.ts';
import { Libvirt } from './desktop/libvirt.ts';
import { Listener } from './desktop/listener.ts';
import { startScreen } from '../virtual-channel/test/integration/remote-viewer.ts';
import {
  Asterisk,
  ASTERISK_PASSWORD,
  createAuthority,
  EngineProcess,
  engineProgram,
  freePort,
  ManagedProcess,
  MICROPHONE_HZ,
  run,
  Scope,
} from '@offhook/test-sipp';

const TICKET = 'sekret';
const USER = 'alice-udp';
/** Of the PBX and of the thin client: on the loopback device of a network of our own. */
const PBX = '192.0.2.10';
const THIN_CLIENT = '192.0.2.20';
/** Without it the phone's `doctor` has something to say. */
const LOCATION = { civic: { country: 'DE', A3: 'Berlin', RD: 'Unter den Linden', HNO: '1' } };
const ENGINE_MS = 20_000;

const { values } = parseArgs({
  options: { picture: { type: 'string' }, inside: { type: 'string' } },
});

if (process.getuid?.() !== 0) {
  console.error('desktop: needs root, to make the disk of a desktop');
  process.exitCode = 1;
} else process.exitCode = values.inside === undefined ? await main() : await inside(values.inside);

/** Makes the desktop; what it is tried in has no way to where Debian's packages come from. */
async function main(): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), 'offhook-desktop-'));
  try {
    // libvirt runs as another user.
    await chmod(work, 0o711);
    const packages = await buildPackages(join(work, 'packages'), await thisMachine());
    const { folder, disk } = await makeDisk(work, packages);
    await chmod(folder, 0o755);
    await chmod(disk, 0o666);
    return await inNetworkOfItsOwn(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Runs this script again where it has addresses that guest, PBX and thin client share. */
async function inNetworkOfItsOwn(work: string): Promise<number> {
  const script = 'ip link set lo up && for a in $0; do ip addr add $a/32 dev lo; done && exec "$@"';
  const again = [process.execPath, ...process.argv.slice(1), '--inside', work];
  const words = ['--net', 'sh', '-c', script, `${PBX} ${THIN_CLIENT}`, ...again];
  const child = spawn('unshare', words, { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function inside(work: string): Promise<number> {
  const scope = new Scope();
  try {
    await tour(work, scope);
    return 0;
  } catch (error) {
    console.error(`desktop: ${error instanceof Error ? error.message : String(error)}`);
    for (const name of ['libvirt/words', 'libvirt/console', 'viewer.log', 'engine.log']) {
      const text = await readFile(join(work, name), 'utf8').catch(() => '');
      console.error(`\n── the end of ${name} ──\n${text.slice(-4000)}`);
    }
    return 1;
  } finally {
    await scope.close();
  }
}

async function tour(work: string, scope: Scope): Promise<void> {
  const asterisk = scope.use(await startAsterisk(work));
  const libvirt = scope.use(await Libvirt.start(join(work, 'libvirt')));
  const spicePort = await freePort();
  const words = join(libvirt.home, 'words');
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  await libvirt.create(
    domainXml({
      ...diskIn(work),
      parameters: {
        pbx: `${PBX}:${asterisk.port}`,
        user: USER,
        password: ASTERISK_PASSWORD,
      },
      spicePort,
      ticket: TICKET,
      console: join(libvirt.home, 'console'),
      words,
      channel: channelOf(readme),
    }),
  );
  const listener = new Listener(words);
  console.log('ok      libvirt takes the domain with the channel of the README, and starts it');

  const engine = scope.use(
    await EngineProcess.start({
      directory: work,
      config: { rtp: { address: THIN_CLIENT }, location: LOCATION },
    }),
  );
  const options = ['--state-dir', engine.stateDir, '--config', join(work, 'engine.toml')];
  const doctor = engineProgram([...options, 'doctor']);
  await run(doctor.command, doctor.args, { within: 60_000 });
  console.log('ok      offhook-engine doctor: every line ok');

  const screen = scope.use(await startScreen());
  const file = join(work, 'desktop.vv');
  const desktop = `type=spice\nhost=127.0.0.1\nport=${spicePort}\npassword=${TICKET}\ntitle=desktop\n`;
  await writeFile(file, `[virt-viewer]\n${desktop}`, { mode: 0o600 });
  const home = join(work, 'home');
  await mkdir(home);
  scope.use(
    new ManagedProcess({
      name: 'viewer',
      ...engineProgram([...options, 'view', file]),
      env: { DISPLAY: screen.display, HOME: home },
      logFile: join(work, 'viewer.log'),
    }),
  );
  await screen.titled(/desktop \(1\)/u, { ms: 60_000 });
  console.log('ok      offhook-engine view opens the desktop in remote-viewer');

  await listener.hears(/^ok {6}in a call/m);
  await engine.plays(MICROPHONE_HZ, { within: ENGINE_MS });
  console.log('ok      what the thin client says comes back from the PBX');
  if (values.picture !== undefined) await screen.picture(values.picture);
  const hangUp = engineProgram([...options, 'hangup', '--all']);
  await run(hangUp.command, hangUp.args, { within: ENGINE_MS });
  await listener.hears(/^done$/m);
}

async function startAsterisk(work: string): Promise<Asterisk> {
  const directory = join(work, 'asterisk');
  await mkdir(directory);
  const authority = await createAuthority(directory);
  return Asterisk.start({ directory, address: PBX, authority });
}
