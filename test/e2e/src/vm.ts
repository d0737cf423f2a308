import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { freePorts, ManagedProcess, Phone, until } from '@offhook/test-sipp';
import type { Accelerator } from './accelerator.ts';
import type { GuestImage } from './image.ts';
import { Qmp } from './qmp.ts';

const PORT_NAME = 'org.offhook.engine.0';
const MIGRATION_MS = 60_000;
/** Without a mixer in the card nothing is turned down. */
const SOUND =
  '-audiodev spice,id=sound -device ich9-intel-hda -device hda-duplex,audiodev=sound,mixer=off';
/** Without a word of a script. */
const AGENT_MS = 120_000;

export interface VmOptions {
  readonly directory: string;
  readonly kernel: string;
  readonly ramdisk: string;
  readonly accelerator: Accelerator;
  readonly ticket: string;
  /** For its files, beside others. */
  readonly name: string;
  /** QEMU's x509 directory: there is a TLS port as well, which no channel has to use. */
  readonly certificates?: string;
  /** What its SPICE server offers to a client when the desktop moves; off. */
  readonly seamless?: boolean;
  /** It waits for a desktop to move here, at this port, instead of booting one. */
  readonly incoming?: number;
  /** Its network card is at that tap device; behind QEMU's own network by default. */
  readonly tap?: string;
  /** It has a sound card, whose sound goes through SPICE. */
  readonly sound?: boolean;
  /** Nobody listens to the events of its phone, as when its screen is closed. */
  readonly unwatched?: boolean;
  /** Where its SPICE server listens; the loopback address by default. */
  readonly spiceAddress?: string;
}

/** The guest's own, as its start-up script has it. */
const GUEST_ADDRESS = '10.0.2.15';
/** The guest's ends of what is forwarded to it. */
const GUEST_PORTS = { control: 7000, agent: 7001, sip: 5060 } as const;

/** One file of the parts of an initial ramdisk. */
export async function joinRamdisk(image: GuestImage, directory: string): Promise<string> {
  const ramdisk = join(directory, 'ramdisk.cpio');
  for (const [index, part] of image.ramdisks.entries()) {
    const flags = index === 0 ? 'w' : 'a';
    await pipeline(createReadStream(part), createWriteStream(ramdisk, { flags }));
  }
  return ramdisk;
}

/** A virtual desktop without a desktop: the phone inside, a SPICE server with our port. */
export class Vm {
  readonly spice: { readonly port: number; readonly tlsPort: number };
  /** Where the guest's SIP is to be reached from the host, UDP. */
  readonly sipPort: number;
  readonly #options: VmOptions;
  readonly #qemu: ManagedProcess;
  /** Where its forwarded ports are to be reached. */
  readonly #address: string;
  readonly #controlPort: number;
  readonly #agentPort: number;
  #qmp: Qmp | undefined;
  #relay: Server | undefined;
  #announced = false;
  #paths = 0;
  #phone: Phone | undefined;

  private constructor(options: VmOptions, first: number) {
    this.#options = options;
    this.spice = { port: first, tlsPort: first + 1 };
    const forwarded = { control: first + 2, sip: first + 3, agent: first + 4 };
    const at = options.tap === undefined ? forwarded : GUEST_PORTS;
    this.#address = options.tap === undefined ? '127.0.0.1' : GUEST_ADDRESS;
    this.#controlPort = at.control;
    this.sipPort = at.sip;
    this.#agentPort = at.agent;
    this.#qemu = new ManagedProcess({
      name: 'qemu',
      command: 'qemu-system-x86_64',
      args: this.#arguments(options),
      logFile: join(options.directory, `guest-${options.name}.log`),
    });
  }

  /** Boots it; resolves when the phone inside answers. */
  static async start(options: VmOptions): Promise<Vm> {
    const vm = new Vm(options, await freePorts(5));
    await vm.#qemu.ready(/^ready\r?$/m, { within: 240_000 });
    vm.#qmp = await Qmp.connect(vm.#qmpPath);
    await vm.reachPhone();
    return vm;
  }

  /** A host that a desktop can move to. */
  static async waiting(options: Omit<VmOptions, 'incoming'>): Promise<Vm> {
    const incoming = await freePorts(1);
    const vm = new Vm({ ...options, incoming }, await freePorts(5));
    try {
      vm.#qmp = await Qmp.connect(vm.#qmpPath);
    } catch (error) {
      await vm.stop();
      throw error;
    }
    return vm;
  }

  get phone(): Phone {
    if (this.#phone === undefined) throw new Error('the VM is not up');
    return this.#phone;
  }

  get qmp(): Qmp {
    if (this.#qmp === undefined) throw new Error('the VM is not up');
    return this.#qmp;
  }

  /** Tells our SPICE client where the desktop will go: `at` may stand in front of the other host. */
  async announce(
    to: Vm,
    at: { port?: number; tlsPort?: number; subject?: string } = {},
  ): Promise<void> {
    const { port = to.spice.port, tlsPort, subject } = at;
    this.#announced = true;
    await this.qmp.execute('client_migrate_info', {
      protocol: 'spice',
      hostname: '127.0.0.1',
      port,
      ...(tlsPort === undefined ? {} : { 'tls-port': tlsPort }),
      ...(subject === undefined ? {} : { 'cert-subject': subject }),
    });
  }

  /**
   * Moves the desktop to the other host; resolves when it runs there and the SPICE server here has told
   * its clients all that it has to, which is what libvirt waits for as well.
   */
  async moveTo(to: Vm): Promise<void> {
    await this.beginMove(to);
    await to.qmp.event('RESUME', MIGRATION_MS);
    if (this.#announced) await this.qmp.event('SPICE_MIGRATE_COMPLETED', MIGRATION_MS);
  }

  /** Begins to move it; what becomes of that is not waited for. */
  async beginMove(to: Vm, bytesPerSecond = 2 ** 33): Promise<void> {
    await this.qmp.execute('migrate-set-parameters', { 'max-bandwidth': bytesPerSecond });
    await this.qmp.execute('migrate', { uri: `tcp:127.0.0.1:${to.#options.incoming ?? 0}` });
  }

  /** Waits until the move from here has failed, and the guest runs on here. */
  async moveFailed(): Promise<void> {
    await until(
      'QEMU to give the move up',
      async () => {
        const reply = (await this.qmp.execute('query-migrate')) as { status?: string };
        return reply.status === 'failed';
      },
      { within: 20_000 },
    );
  }

  /** The screen changes all the time from now on, or no longer. */
  async draws(does: boolean): Promise<void> {
    const answer = await this.ask(does ? 'draw' : 'rest');
    if (answer.trim() !== 'done') throw new Error(`the guest cannot draw: ${answer}`);
  }

  /** Kills the daemon inside; another one is started at once. Resolves when that one answers. */
  async killDaemon(): Promise<void> {
    await this.#phone?.close().catch(() => undefined);
    await this.ask('kill');
    await this.reachPhone();
  }

  /** What the hand in the guest answers to that word: see guest/control-relay.mjs. */
  async ask(line: string): Promise<string> {
    const socket = connect({ port: this.#agentPort, host: this.#address, timeout: AGENT_MS });
    socket.once('timeout', () => socket.destroy(new Error(`the guest does not ${line}`)));
    socket.write(`${line}\n`);
    return text(socket);
  }

  /** The guest stops, and so do its clocks. */
  async pause(): Promise<void> {
    await this.qmp.execute('stop');
  }

  async resume(): Promise<void> {
    await this.qmp.execute('cont');
  }

  /** The ticket that its SPICE server wants from now on. */
  async setTicket(password: string): Promise<void> {
    await this.qmp.execute('set_password', { protocol: 'spice', password });
  }

  /** Of QEMU. */
  get pid(): number {
    return this.#qemu.pid;
  }

  /** Its x509 directory. */
  get certificates(): string {
    const { certificates } = this.#options;
    if (certificates === undefined) throw new Error('the VM has no certificates');
    return certificates;
  }

  get seamless(): boolean {
    return this.#options.seamless === true;
  }

  async stop(): Promise<void> {
    await this.#phone?.close().catch(() => undefined);
    this.#relay?.close();
    this.#qmp?.close();
    await this.#qemu.stop(1000);
  }

  get #qmpPath(): string {
    return join(this.#options.directory, `qmp-${this.#options.name}.sock`);
  }

  #arguments(options: VmOptions): string[] {
    const { port, tlsPort } = this.spice;
    const { spiceAddress = '127.0.0.1' } = options;
    const sound = options.sound === true ? SOUND : '';
    const tls =
      options.certificates === undefined
        ? ''
        : `,tls-port=${tlsPort},x509-dir=${options.certificates}`;
    const seamless = options.seamless === true ? 'on' : 'off';
    const incoming =
      options.incoming === undefined ? '' : `-incoming tcp:127.0.0.1:${options.incoming}`;
    return `
      -accel ${options.accelerator} -cpu max -machine q35 -m ${options.sound === true ? 1024 : 768} -smp 1
      -nodefaults -no-user-config -no-reboot -display none -serial stdio
      -object secret,id=ticket,data=${options.ticket}
      -spice port=${port},addr=${spiceAddress},password-secret=ticket${tls},seamless-migration=${seamless}
      -vga std
      -qmp unix:${this.#qmpPath},server=on,wait=off
      -device virtio-serial-pci
      -chardev spiceport,name=${PORT_NAME},id=engine
      -device virtserialport,chardev=engine,name=${PORT_NAME}
      -netdev ${this.#network(options)}
      ${sound}
      -device virtio-net-pci,netdev=net,romfile=
      -kernel ${options.kernel} -initrd ${options.ramdisk} ${incoming}`
      .trim()
      .split(/\s+/)
      .concat('-append', 'console=ttyS0 quiet panic=-1');
  }

  #network({ tap }: VmOptions): string {
    if (tap !== undefined) return `tap,id=net,ifname=${tap},script=no,downscript=no`;
    return [
      'user,id=net',
      `hostfwd=tcp:127.0.0.1:${this.#controlPort}-:${GUEST_PORTS.control}`,
      `hostfwd=tcp:127.0.0.1:${this.#agentPort}-:${GUEST_PORTS.agent}`,
      `hostfwd=udp:127.0.0.1:${this.sipPort}-:${GUEST_PORTS.sip}`,
    ].join(',');
  }

  /** The guest that runs here now has its phone at another place than before. */
  async reachPhone(): Promise<void> {
    this.#relay?.close();
    this.#paths += 1;
    const name = `control-${this.#options.name}-${this.#paths}.sock`;
    const socket = join(this.#options.directory, name);
    this.#relay = createServer((inside) => {
      const outside = connect(this.#controlPort, this.#address);
      inside.pipe(outside).pipe(inside);
      inside.on('error', () => outside.destroy());
      outside.on('error', () => inside.destroy());
    }).listen(socket);
    await once(this.#relay, 'listening');
    const events = this.#options.unwatched !== true;
    this.#phone = await until(
      'the phone to answer',
      () => Phone.connect(socket, { events }).catch(() => undefined),
      { within: 180_000, every: 100 },
    );
  }
}
