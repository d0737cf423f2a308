import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { triplet } from './asterisk-install.ts';
import { isBound } from '@offhook/common/listening';
import { findProgram } from './needs.ts';
import { freePorts } from './ports.ts';
import { ManagedProcess } from './process.ts';
import { fillTemplate } from './template.ts';
import type { Program } from '../phone/programs.ts';

export interface KamailioOptions {
  readonly directory: string;
  readonly address: string;
  /** `host:port` of rtpengine's control socket. */
  readonly rtpengine?: string;
  readonly wrap?: (program: Program) => Program;
  /** Where one was before that this one takes the place of. */
  readonly port?: number;
  /** How it is known that it listens, where /proc/net of this process does not show it. */
  readonly ready?: RegExp;
}

/** Kamailio as registrar and record-routing proxy, with the configuration of interop/kamailio. */
export class Kamailio {
  readonly process: ManagedProcess;
  readonly address: string;
  readonly port: number;

  private constructor(process: ManagedProcess, address: string, port: number) {
    this.process = process;
    this.address = address;
    this.port = port;
  }

  static async start(options: KamailioOptions): Promise<Kamailio> {
    const directory = join(options.directory, 'kamailio');
    await mkdir(directory, { recursive: true });
    const port = options.port ?? (await freePorts(2));
    const config = join(directory, 'kamailio.cfg');
    const text = await fillTemplate('kamailio/kamailio.cfg', {
      ADDRESS: options.address,
      PORT: port,
      MODULES: `/usr/lib/${triplet()}/kamailio/modules/`,
      RTPENGINE: options.rtpengine ?? '',
    });
    await writeFile(config, text);
    const defines = options.rtpengine === undefined ? [] : ['-A', 'WITH_RTPENGINE'];
    const plain = {
      command: (await findProgram('kamailio')) ?? 'kamailio',
      args: ['-DD', '-E', '-f', config, '-Y', directory, '-m', '32', '-M', '4', ...defines],
    };
    const process = new ManagedProcess({
      name: 'kamailio',
      ...(options.wrap?.(plain) ?? plain),
      cwd: directory,
      logFile: join(directory, 'kamailio.log'),
    });
    await process.ready(options.ready ?? (() => isBound('tcp', port)), { within: 10_000 });
    return new Kamailio(process, options.address, port);
  }

  async stop(): Promise<void> {
    await this.process.stop(3000);
  }
}
