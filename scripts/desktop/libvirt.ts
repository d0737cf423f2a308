import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ManagedProcess, run } from '@offhook/test-sipp';

/** The session daemon refuses to be root; Debian's `nobody`. */
const NOBODY = 65_534;

/** libvirt's daemon as an ordinary user has it (`qemu:///session`), with folders of its own. */
export class Libvirt {
  /** Where it may write. */
  readonly home: string;
  readonly #daemon: ManagedProcess;

  private constructor(home: string) {
    this.home = home;
    this.#daemon = new ManagedProcess({
      name: 'libvirtd',
      ...this.#as('libvirtd'),
      plain: true,
      logFile: join(home, 'libvirtd.log'),
    });
  }

  /** @param home a folder for it, which is not there yet */
  static async start(home: string): Promise<Libvirt> {
    await mkdir(join(home, 'run'), { recursive: true, mode: 0o700 });
    for (const path of [home, join(home, 'run')]) await chown(path, NOBODY, NOBODY);
    const libvirt = new Libvirt(home);
    await libvirt.#daemon.ready(() => libvirt.virsh('version').then(Boolean, () => false), {
      within: 60_000,
    });
    return libvirt;
  }

  /** Starts a desktop. @param xml a `<domain>` (libvirt.org/formatdomain.html) */
  async create(xml: string): Promise<void> {
    const file = join(this.home, 'desktop.xml');
    await writeFile(file, xml);
    await this.virsh('create', '--validate', file);
  }

  /** A command of virsh(1); resolves with what it prints. */
  virsh(...words: readonly string[]): Promise<string> {
    const { command, args } = this.#as('virsh', '-q', '-c', 'qemu:///session', ...words);
    return run(command, args, { within: 60_000 });
  }

  async stop(): Promise<void> {
    const running = await this.virsh('list', '--name').catch(() => '');
    for (const name of running.split('\n').filter(Boolean))
      await this.virsh('destroy', name).catch(() => undefined);
    await this.#daemon.stop(5000);
  }

  #as(...command: readonly string[]): { command: string; args: readonly string[] } {
    const environment = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: this.home,
      XDG_RUNTIME_DIR: join(this.home, 'run'),
      XDG_CONFIG_HOME: join(this.home, 'config'),
      XDG_CACHE_HOME: join(this.home, 'cache'),
    };
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
    return {
      command: 'setpriv',
      args: ['--pdeathsig', 'KILL', ...user, '--', 'env', '-i', ...variables, ...command],
    };
  }
}
