import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagedProcess } from '../infra/process.ts';
import { freePorts } from '../infra/ports.ts';
import { Phone } from './phone.ts';
import { guestProgram, type Program } from './programs.ts';
import { toToml, type TomlTable } from './toml.ts';

export interface GuestOptions {
  readonly directory: string;
  /** The engine's channel, as in `[engine] channel`. */
  readonly channel: string;
  readonly accounts: readonly TomlTable[];
  /** Sections over the ones of the tests. */
  readonly config?: Readonly<Record<string, TomlTable>>;
  /** `[[hook]]`. */
  readonly hooks?: readonly TomlTable[];
  /** Numeric addresses it listens at, over UDP and TCP each. */
  readonly addresses?: readonly string[];
  /** Which port (a free one by default). */
  readonly port?: number;
  /** It may be of another release than the tests. */
  readonly anyVersion?: boolean | undefined;
  readonly wrap?: ((program: Program) => Program) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `offhook daemon`, with its control socket open. */
export class GuestProcess {
  readonly process: ManagedProcess;
  readonly stateDir: string;
  /** SIP port, the same over UDP and TCP, IPv4 and IPv6. */
  readonly port: number;
  #phone: Phone | undefined;

  private constructor(process: ManagedProcess, stateDir: string, port: number) {
    this.process = process;
    this.stateDir = stateDir;
    this.port = port;
  }

  static async start(options: GuestOptions): Promise<GuestProcess> {
    const { directory } = options;
    const state = join(directory, 'guest');
    const file = join(directory, 'guest.toml');
    const port = options.port ?? (await freePorts(2));
    await mkdir(state, { recursive: true, mode: 0o700 });
    await writeFile(file, toToml(configuration(options, port)), { mode: 0o600 });
    const program = guestProgram(['daemon', '--config', file, '--state-dir', state]);
    const child = new ManagedProcess({
      name: 'offhook daemon',
      ...(options.wrap?.(program) ?? program),
      logFile: join(directory, 'guest.log'),
      // Not the desktop of whoever runs the tests.
      env: { DBUS_SESSION_BUS_ADDRESS: '' },
    });
    const guest = new GuestProcess(child, state, port);
    await child.ready(/^ready$/m, { within: 20_000, signal: options.signal });
    guest.#phone = await Phone.connect(join(state, 'control.sock'), options);
    return guest;
  }

  get phone(): Phone {
    if (this.#phone === undefined) throw new Error('the daemon is not ready');
    return this.#phone;
  }

  /** Connects to the daemon anew, after one that started again. */
  async reconnect(): Promise<void> {
    await this.#phone?.close();
    this.#phone = await Phone.connect(join(this.stateDir, 'control.sock'));
  }

  async stop(): Promise<void> {
    await this.#phone?.close();
    await this.process.stop(8000);
  }
}

function configuration(options: GuestOptions, port: number): TomlTable {
  const { addresses = ['127.0.0.1', '::1'], config = {}, accounts, hooks, channel } = options;
  const listen = addresses.flatMap((address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return [`udp:${host}:${port}`, `tcp:${host}:${port}`];
  });
  const merged = new Set(['sip', 'engine', 'calls', 'log']);
  const others = Object.fromEntries(Object.entries(config).filter(([name]) => !merged.has(name)));
  return {
    sip: { listen, ...config['sip'] },
    account: accounts,
    engine: { channel, ...config['engine'] },
    calls: { one_active: false, country: 'de', ...config['calls'] },
    ...others,
    ...(hooks === undefined ? {} : { hook: hooks }),
    log: { level: 'debug', sip_trace: true, ...config['log'] },
  };
}
