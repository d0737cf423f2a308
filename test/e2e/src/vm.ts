import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { freePorts, ManagedProcess, Phone, until } from '@offhook/test-sipp';
import type { Accelerator } from './accelerator.ts';
import type { GuestImage } from './image.ts';

const PORT_NAME = 'org.offhook.engine.0';

export interface VmOptions {
  readonly directory: string;
  readonly image: GuestImage;
  readonly accelerator: Accelerator;
  readonly ticket: string;
}

/** A virtual desktop without a desktop: the phone inside, a SPICE server with our port. */
export class Vm {
  readonly spice: { readonly port: number };
  /** Where the guest's SIP is to be reached from the host, UDP. */
  readonly sipPort: number;
  readonly #qemu: ManagedProcess;
  readonly #ports: { control: number };
  #relay: Server | undefined;
  #phone: Phone | undefined;

  private constructor(options: VmOptions, first: number, ramdisk: string) {
    const [spice, control, sip] = [first, first + 1, first + 2];
    this.spice = { port: spice };
    this.sipPort = sip;
    this.#ports = { control };
    const forward = [
      `hostfwd=tcp:127.0.0.1:${control}-:7000`,
      `hostfwd=udp:127.0.0.1:${sip}-:5060`,
    ].join(',');
    this.#qemu = new ManagedProcess({
      name: 'qemu',
      command: 'qemu-system-x86_64',
      args: `
        -accel ${options.accelerator} -cpu max -machine q35 -m 768 -smp 1
        -nodefaults -no-user-config -no-reboot -display none -serial stdio
        -object secret,id=ticket,data=${options.ticket}
        -spice port=${spice},addr=127.0.0.1,password-secret=ticket
        -device virtio-serial-pci
        -chardev spiceport,name=${PORT_NAME},id=engine
        -device virtserialport,chardev=engine,name=${PORT_NAME}
        -netdev user,id=net,${forward}
        -device virtio-net-pci,netdev=net,romfile=`
        .trim()
        .split(/\s+/)
        .concat('-kernel', options.image.kernel, '-initrd', ramdisk)
        .concat('-append', 'console=ttyS0 quiet panic=-1'),
      logFile: join(options.directory, 'guest.log'),
    });
  }

  /** Boots it; resolves when the phone inside answers. */
  static async start(options: VmOptions): Promise<Vm> {
    const ramdisk = join(options.directory, 'ramdisk.cpio');
    for (const [index, part] of options.image.ramdisks.entries()) {
      const flags = index === 0 ? 'w' : 'a';
      await pipeline(createReadStream(part), createWriteStream(ramdisk, { flags }));
    }
    const vm = new Vm(options, await freePorts(3), ramdisk);
    await vm.#qemu.ready(/^ready\r?$/m, { within: 120_000 });
    const socket = join(options.directory, 'control.sock');
    vm.#relay = createServer((inside) => {
      const outside = connect(vm.#ports.control, '127.0.0.1');
      inside.pipe(outside).pipe(inside);
      inside.on('error', () => outside.destroy());
      outside.on('error', () => inside.destroy());
    }).listen(socket);
    await once(vm.#relay, 'listening');
    vm.#phone = await until(
      'the phone to answer',
      () => Phone.connect(socket).catch(() => undefined),
      {
        within: 20_000,
        every: 200,
      },
    );
    return vm;
  }

  get phone(): Phone {
    if (this.#phone === undefined) throw new Error('the VM is not up');
    return this.#phone;
  }

  async stop(): Promise<void> {
    await this.#phone?.close().catch(() => undefined);
    this.#relay?.close();
    await this.#qemu.stop(1000);
  }
}
