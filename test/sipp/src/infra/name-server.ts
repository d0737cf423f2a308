import { isBound } from '@offhook/common/listening';
import { findProgram } from './needs.ts';
import { freePorts } from './ports.ts';
import { ManagedProcess } from './process.ts';

export interface NameServerOptions {
  readonly directory: string;
  /** As dnsmasq(8) takes them: `naptr-record=…`, `srv-host=…`, `host-record=…`. */
  readonly records: readonly string[];
}

/** dnsmasq on loopback, which knows these records and asks nobody else. */
export class NameServer {
  readonly #process: ManagedProcess;
  /** `address:port`. */
  readonly address: string;

  private constructor(process: ManagedProcess, address: string) {
    this.#process = process;
    this.address = address;
  }

  static async start({ directory, records }: NameServerOptions): Promise<NameServer> {
    const port = await freePorts(1);
    const options = [
      'keep-in-foreground',
      'conf-file=/dev/null',
      'pid-file=',
      'user=',
      `port=${port}`,
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-resolv',
      'no-hosts',
      'log-queries',
      'log-facility=-',
    ];
    const process = new ManagedProcess({
      name: 'dnsmasq',
      command: (await findProgram('dnsmasq')) ?? 'dnsmasq',
      args: [...options, ...records].map((option) => `--${option}`),
      logFile: `${directory}/dnsmasq.log`,
    });
    await process.ready(() => isBound('udp', port), { within: 5000 });
    return new NameServer(process, `127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    await this.#process.stop(2000);
  }
}
