import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, ManagedProcess, releasePorts, run } from '@offhook/test-sipp';
import { asteriskRoot, loader, triplet } from '@offhook/test-sipp/asterisk-install';

const TEMPLATES = join(import.meta.dirname, '../asterisk');
const CONTRACT = join(import.meta.dirname, '../../../cti-bridge/contract/offhook.conf');
const RTP_PORTS = 200;
export const AMI_SECRET = 'a-secret-of-the-tests';

export interface CtiAsteriskOptions {
  readonly directory: string;
  /** Endpoints, and the UDP port at which each phone is. */
  readonly phones: Readonly<Record<string, number>>;
}

/** An Asterisk 22 with the contract's dial plan, a queue, a parking lot and a manager interface. */
export class CtiAsterisk {
  readonly sipPort: number;
  readonly amiPort: number;
  readonly #directory: string;
  readonly #root: string;
  #process: ManagedProcess;

  private constructor(parts: { directory: string; root: string; port: number }) {
    this.sipPort = parts.port;
    this.amiPort = parts.port + 1;
    this.#directory = parts.directory;
    this.#root = parts.root;
    this.#process = this.#spawn();
  }

  static async start(options: CtiAsteriskOptions): Promise<CtiAsterisk> {
    const { directory } = options;
    const root = await asteriskRoot();
    const port = await freePorts(2);
    const rtp = await freePorts(RTP_PORTS);
    for (const part of ['lib', 'spool', 'keys', 'moh'])
      await mkdir(join(directory, part), { recursive: true });
    const values: Readonly<Record<string, string | number>> = {
      RUN: directory,
      ROOT: root,
      TRIPLET: triplet(),
      PORT: port,
      AMI_PORT: port + 1,
      SECRET: AMI_SECRET,
      PHONES: sections(options.phones),
      RTP_FROM: rtp,
      RTP_TO: rtp + RTP_PORTS - 1,
    };
    for (const name of await readdir(TEMPLATES)) {
      const text = await readFile(join(TEMPLATES, name), 'utf8');
      const filled = text.replaceAll(/@([A-Z_]+)@/g, (_, key: string) => String(values[key]));
      await writeFile(join(directory, name), filled);
    }
    await copyFile(CONTRACT, join(directory, 'offhook.conf'));
    // A second of silence in A-law is music enough.
    await writeFile(join(directory, 'moh/silence.alaw'), Buffer.alloc(8000, 0xd5));
    const asterisk = new CtiAsterisk({ directory, root, port });
    await asterisk.#ready();
    return asterisk;
  }

  async console(command: string): Promise<string> {
    const { command: file, args } = loader(this.#root);
    const conf = join(this.#directory, 'asterisk.conf');
    return run(file, [...args, '-C', conf, '-rx', command], { within: 10_000 });
  }

  get output(): string {
    return this.#process.output;
  }

  /** Kills it and starts it anew: every call is gone, nobody was told. */
  async crash(): Promise<void> {
    this.#process.killNow();
    await this.#process.exited;
    this.#process = this.#spawn();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#process.stop(4000);
    releasePorts(this.sipPort, 2);
  }

  #spawn(): ManagedProcess {
    const { command, args } = loader(this.#root);
    return new ManagedProcess({
      name: 'asterisk',
      command,
      args: [...args, '-f', '-C', join(this.#directory, 'asterisk.conf')],
      logFile: join(this.#directory, 'asterisk.log'),
      cwd: this.#directory,
    });
  }

  async #ready(): Promise<void> {
    await this.#process.ready(() => this.#up(), { within: 20_000 });
  }

  async #up(): Promise<boolean> {
    try {
      return (await this.console('core waitfullybooted')).includes('fully booted');
    } catch {
      return false;
    }
  }
}

function sections(phones: Readonly<Record<string, number>>): string {
  return Object.entries(phones)
    .map(([name, port]) =>
      [
        `[${name}](phone)`,
        `aors = ${name}`,
        `callerid = ${name} <${name}>`,
        `[${name}](place)`,
        `contact = sip:${name}@127.0.0.1:${port}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}
