import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  EngineProcess,
  freePorts,
  GuestProcess,
  releasePorts,
  until,
  type Phone,
  type TomlTable,
} from '@offhook/test-sipp';
import { Call, type CallOptions } from './call.ts';
import { isAlive, kill, processesWith, processWith } from './processes.ts';
import type { Context } from './row.ts';
import { TcpRelay } from './tcp-relay.ts';

type Sections = Readonly<Record<string, TomlTable>>;

export interface BedOptions {
  /** `tcp`: through a relay, so that the line between guest and engine can be cut. */
  readonly channel?: 'unix' | 'tcp';
  readonly engine?: Sections;
  readonly guest?: Sections;
  readonly accounts?: readonly TomlTable[];
  /** Numeric addresses that the guest's phone listens at. */
  readonly addresses?: readonly string[];
  /** The guest knows the way to another thin client, too; see `startSecond`. */
  readonly second?: boolean;
  /** How many UDP ports the engine has for calls, two each. */
  readonly rtpPorts?: number;
  /** Where the engine's programs look for their sound server, and the like. */
  readonly wrapGuest?: Parameters<typeof GuestProcess.start>[0]['wrap'];
  readonly wrapEngine?: Parameters<typeof EngineProcess.start>[0]['wrap'];
}

/** Digits go as INFO, which makes the far end of `uas-any.xml` send a re-INVITE. */
const line = (user: string, more: TomlTable = {}): TomlTable => ({
  aor: `sip:${user}@example.test`,
  register: false,
  codecs: ['PCMA'],
  dtmf: 'info',
  ...more,
});

const LINES: readonly TomlTable[] = [
  line('alice'),
  line('auto', { auto_answer: true }),
  line('secure', { srtp: 'required' }),
  line('timed', { session_timer: { expires: 90, min_se: 90, refresher: 'uac' } }),
];

const RTP_PORTS = 64;

/** A thin client and a guest on this machine, whose parts can be killed and started again. */
export class Bed {
  /** Between guest and engine, for `channel: 'tcp'`. */
  readonly relay: TcpRelay | undefined;
  readonly context: Context;
  readonly #options: BedOptions;
  readonly #ports: { rtp: number; engine: number; sip: number };
  #engine: EngineProcess | undefined;
  #guest: GuestProcess | undefined;
  #calls = 0;

  private constructor(
    context: Context,
    options: BedOptions,
    ports: { rtp: number; engine: number; sip: number },
    relay: TcpRelay | undefined,
  ) {
    this.context = context;
    this.#options = options;
    this.#ports = ports;
    this.relay = relay;
  }

  static async open(context: Context, options: BedOptions = {}): Promise<Bed> {
    await mkdir(context.directory, { recursive: true });
    const ports = {
      rtp: await freePorts(options.rtpPorts ?? RTP_PORTS),
      engine: await freePorts(2),
      sip: await freePorts(2),
    };
    const relay =
      options.channel === 'tcp'
        ? context.scope.use(await TcpRelay.open({ address: '127.0.0.1', port: ports.engine }))
        : undefined;
    const bed = new Bed(context, options, ports, relay);
    context.scope.defer(() => bed.#close());
    await bed.startEngine();
    await bed.startGuest();
    await bed.phone.engineConnected();
    return bed;
  }

  get engine(): EngineProcess {
    if (this.#engine === undefined) throw new Error('no engine runs');
    return this.#engine;
  }

  get guest(): GuestProcess {
    if (this.#guest === undefined) throw new Error('no daemon runs');
    return this.#guest;
  }

  get phone(): Phone {
    return this.guest.phone;
  }

  get enginePid(): number {
    return this.engine.process.pid;
  }

  get guestPid(): number {
    return this.guest.process.pid;
  }

  get workerPid(): number {
    return processWith('offhook-worker', join(this.context.directory, 'engine', 'worker.sock'));
  }

  get rtpPorts(): { readonly from: number; readonly to: number } {
    const count = this.#options.rtpPorts ?? RTP_PORTS;
    return { from: this.#ports.rtp, to: this.#ports.rtp + count - 1 };
  }

  /** The first time, or again with the state that the one before left. */
  async startEngine(): Promise<void> {
    const { engine: own = {}, wrapEngine, channel } = this.#options;
    const { from, to } = this.rtpPorts;
    this.#engine = await EngineProcess.start({
      directory: this.context.directory,
      config: {
        ...own,
        engine: {
          ...(channel === 'tcp' ? { listen: `tcp:127.0.0.1:${this.#ports.engine}` } : {}),
          ...own['engine'],
        },
        rtp: { ports: `${from}-${to}`, ...own['rtp'] },
      },
      wrap: wrapEngine,
      signal: this.context.signal,
    });
  }

  async startGuest(): Promise<void> {
    const { guest, accounts = LINES, wrapGuest } = this.#options;
    this.#guest = await GuestProcess.start({
      directory: this.context.directory,
      channel: this.relay === undefined ? this.engine.channel : `tcp:127.0.0.1:${this.relay.port}`,
      addresses: this.#options.addresses ?? ['127.0.0.1'],
      port: this.#ports.sip,
      accounts,
      config: {
        ...guest,
        engine: {
          ...(this.#options.second === true ? { also: [this.secondChannel] } : {}),
          ...guest?.['engine'],
        },
      },
      wrap: wrapGuest,
      anyVersion: wrapGuest !== undefined,
      signal: this.context.signal,
    });
  }

  /** Another thin client, which the person goes to. Its microphone is another one. */
  async startSecond(microphoneHz: number): Promise<EngineProcess> {
    const directory = this.#secondDirectory();
    await mkdir(directory, { recursive: true });
    const first = await freePorts(RTP_PORTS);
    const engine = await EngineProcess.start({
      directory,
      config: {
        rtp: { ports: `${first}-${first + RTP_PORTS - 1}` },
        audio: { input: `tone:${microphoneHz}` },
      },
      signal: this.context.signal,
    });
    this.context.scope.defer(async () => {
      await engine.stop().catch(() => undefined);
      const worker = join(directory, 'engine', 'worker.sock');
      for (const pid of processesWith('offhook-worker', worker)) await kill(pid);
    });
    return engine;
  }

  /** Where the engine of another thin client listens, if one runs there. */
  get secondChannel(): string {
    return `unix:${join(this.#secondDirectory(), 'engine.sock')}`;
  }

  #secondDirectory(): string {
    return join(this.context.directory, 'second');
  }

  async killEngine(): Promise<void> {
    await kill(this.enginePid);
  }

  async killGuest(): Promise<void> {
    await kill(this.guestPid);
    // Its end of the control socket is gone with it.
    await this.phone.close().catch(() => undefined);
  }

  /** There may be none at the moment, when another one is just being started. */
  async killWorker(): Promise<void> {
    const socket = join(this.context.directory, 'engine', 'worker.sock');
    for (const pid of processesWith('offhook-worker', socket)) await kill(pid);
  }

  /** Calls a far end that answers, and waits until each hears the other. */
  async call(options: Omit<CallOptions, 'phone' | 'name' | 'directory'> = {}): Promise<Call> {
    this.#calls++;
    const call = await Call.place({
      ...options,
      phone: () => this.phone,
      name: `call${this.#calls}`,
      directory: this.context.directory,
      signal: this.context.signal,
    });
    this.context.scope.use(call);
    return call;
  }

  /**
   * Milliseconds since `since` (of `performance.now()`) until a command of the phone has reached the
   * engine and was answered.
   */
  async controlBack(since: number, within = 20_000): Promise<number> {
    let why = '';
    await until(
      'a command to reach the engine',
      async () => {
        try {
          await this.phone.call('devices.list', {}, 1000);
          return true;
        } catch (error) {
          why = String(error);
          return false;
        }
      },
      { within, every: 10, signal: this.context.signal, seen: () => why },
    );
    return Math.round(performance.now() - since);
  }

  async #close(): Promise<void> {
    await this.#guest?.phone.call('call.hangup', { all: true }, 2000).catch(() => undefined);
    await this.#guest?.stop().catch(() => undefined);
    const engine = this.#engine;
    if (engine !== undefined && engine.process.exit === undefined) {
      const { pid } = engine.process;
      engine.process.signal('SIGCONT');
      engine.process.signal('SIGTERM');
      await until('the engine to be gone', () => !isAlive(pid), { within: 6000 }).catch(() =>
        engine.process.killNow(),
      );
    }
    // It outlives its engine as long as there are calls.
    await this.killWorker();
    const { engine: channel, sip } = this.#ports;
    const { from, to } = this.rtpPorts;
    releasePorts(from, to - from + 1);
    releasePorts(channel, 2);
    releasePorts(sip, 2);
  }
}
