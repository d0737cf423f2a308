import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import { ManagedProcess } from './process.ts';
import type { Program } from '../phone/programs.ts';

const RTP_PORTS = 100;

/** rtpengine in user space (no kernel module), with one interface. */
export class Rtpengine {
  readonly process: ManagedProcess;
  /** `host:port` of its control socket (the ng protocol). */
  readonly control: string;

  private constructor(process: ManagedProcess, control: string) {
    this.process = process;
    this.control = control;
  }

  static async start(options: {
    directory: string;
    address: string;
    wrap?: (program: Program) => Program;
  }): Promise<Rtpengine> {
    const directory = join(options.directory, 'rtpengine');
    await mkdir(directory, { recursive: true });
    const control = `${options.address}:${await freePorts(2)}`;
    const rtp = await freePorts(RTP_PORTS);
    const plain = {
      command: 'rtpengine',
      args: [
        '--config-file=none',
        '--foreground',
        '--log-stderr',
        '--log-level=6',
        '--table=-1',
        `--interface=${options.address}`,
        `--listen-ng=${control}`,
        `--port-min=${rtp}`,
        `--port-max=${rtp + RTP_PORTS - 1}`,
        `--pidfile=${join(directory, 'rtpengine.pid')}`,
      ],
    };
    const process = new ManagedProcess({
      name: 'rtpengine',
      ...(options.wrap?.(plain) ?? plain),
      cwd: directory,
      logFile: join(directory, 'rtpengine.log'),
    });
    await process.ready(/Startup complete/, { within: 10_000 });
    return new Rtpengine(process, control);
  }

  async stop(): Promise<void> {
    await this.process.stop(3000);
  }
}
