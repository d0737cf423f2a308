import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import {
  connectControl,
  createLogger,
  OffhookError,
  systemClock,
  withDeadline,
  type ControlClient,
} from '@offhook/common';
import { writeWav } from '@offhook/common/audio';
import { createUserAgent } from '@offhook/signaling';
import type { SimSwitch } from '@offhook/cti-bridge/simulator';
import { controlMethods } from '@offhook/softphone-guest';
import { destination } from 'pino';

import { FAR_ENDS, openDesk, useDesk } from '../desk/desk.ts';
import type { MediaSource } from '../pbx/extensions.ts';
import { startPbx, type Pbx } from '../pbx/pbx.ts';
import { tune } from '../pbx/tune.ts';
import { Child } from './child.ts';
import { Cleanup } from './cleanup.ts';
import {
  bridgeToml,
  engineToml,
  phoneToml,
  type BridgeConfig,
  type DeskConfig,
} from './configs.ts';
import { openMediaPort } from './media-port.ts';

const root = dirname(dirname(dirname(import.meta.dirname)));
const ENGINE = join(root, 'media-engine-client/bin/offhook-engine.js');
const BRIDGE = join(root, 'cti-bridge/bin/offhook-cti.js');
const PHONE = join(root, 'softphone-guest/bin/offhook.js');

const REGISTERED_WITHIN_MS = 10_000;
const TUNE_S = 120;

export interface SceneOptions {
  /** The thin client's microphone, e.g. `tone:440`. */
  readonly input: string;
  /** Whether what the thin client plays is kept in a file instead of being played. */
  readonly record: boolean;
  /** Whether there is a desk phone too, and is used. */
  readonly desk: boolean;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

/** PBX, engine and phone, up and registered. */
export interface Scene {
  readonly control: ControlClient;
  readonly registered: boolean;
  /** The simulated switch of the desk phone. */
  readonly switch: SimSwitch | undefined;
  /** WAVE file of what the thin client played, if it was asked for. */
  readonly recording: string;
  /** Arguments of `offhook` that reach the phone. */
  readonly phone: { readonly file: string; readonly args: readonly string[] };
  /** Ends every process, by its id, and removes the files. Idempotent. */
  close(): Promise<void>;
}

/** Starts everything that the demo needs; what was started is ended again if something fails. */
export async function openScene(options: SceneOptions): Promise<Scene> {
  const cleanup = new Cleanup();
  try {
    return await build(options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function build(options: SceneOptions, cleanup: Cleanup): Promise<Scene> {
  const { report, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'offhook-demo-'));
  cleanup.add('the temporary folder', () => rm(folder, { recursive: true, force: true }));
  const stage = new Stage(folder, cleanup, signal);
  const recording = join(folder, 'heard.wav');

  const output = options.record ? `file:${recording}` : 'null';
  const [thinClient, pbx] = await Promise.all([
    stage.startEngine('engine', options.input, output),
    stage.startPbx(new Map([['alice', randomBytes(12).toString('hex')]])),
  ]);
  report(`PBX at ${pbx.address}: echo, music, busy, nobody`);
  report(`engine (thin client) at ${thinClient}`);

  const deskPhone = options.desk ? await openDesk(stage) : undefined;
  if (deskPhone !== undefined) {
    report(
      `CTI bridge at ${deskPhone.config.url}, with a simulated switch: ${FAR_ENDS.join(', ')}`,
    );
  }
  const phone = await stage.startPhone(pbx, thinClient, deskPhone?.config);
  report(`phone (guest) with its state in ${phone.stateDir}`);
  const control = await connectControl(join(phone.stateDir, 'control.sock'), { signal });
  cleanup.add('the control connection', () => control.close());
  const aor = await registered(control, signal);
  report(`registered as ${aor}`);
  if (options.desk) {
    report(await useDesk(control, signal));
  }
  return {
    control,
    registered: true,
    switch: deskPhone?.switch,
    recording,
    phone: { file: PHONE, args: ['--state-dir', phone.stateDir, '--config', phone.config] },
    close: () => cleanup.run(),
  };
}

/** Starts the processes of one scene in its folder. */
export class Stage {
  readonly #folder: string;
  readonly #cleanup: Cleanup;
  readonly #signal: AbortSignal;
  readonly #passwords = new Map<string, string>();

  constructor(folder: string, cleanup: Cleanup, signal: AbortSignal) {
    this.#folder = folder;
    this.#cleanup = cleanup;
    this.#signal = signal;
  }

  /** Resolves with the path of the engine's socket. */
  async startEngine(name: string, input: string, output: string): Promise<string> {
    const socket = join(this.#folder, `${name}.sock`);
    await this.#start(name, ENGINE, ['run'], engineToml({ socket, input, output }));
    return socket;
  }

  /** Resolves once the CTI bridge serves. */
  async startBridge(config: Omit<BridgeConfig, 'tokenHash'>, token: string): Promise<DeskConfig> {
    const tokenFile = join(this.#folder, 'token');
    await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
    const tokenHash = createHash('sha256').update(token).digest('hex');
    await this.#start('bridge', BRIDGE, ['run'], bridgeToml({ ...config, tokenHash }));
    const [device = ''] = config.devices;
    return { url: `http://127.0.0.1:${config.port}`, tokenFile, device };
  }

  add(what: string, close: () => Promise<void>): void {
    this.#cleanup.add(what, close);
  }

  async startPhone(pbx: Pbx, engineSocket: string, desk: DeskConfig | undefined) {
    const [user = '', password = ''] = [...this.#passwords][0] ?? [];
    const toml = phoneToml({ pbx: pbx.address, user, password, engineSocket, desk });
    return this.#start('phone', PHONE, ['daemon'], toml);
  }

  async startPbx(passwords: ReadonlyMap<string, string>): Promise<Pbx> {
    for (const [user, password] of passwords) this.#passwords.set(user, password);
    const log = destination({ dest: join(this.#folder, 'pbx.log'), sync: true });
    const logger = createLogger({ name: 'demo-pbx', destination: log });
    const ports = new Map<MediaSource, ReturnType<typeof openMediaPort>>();
    const pbx = await startPbx({
      createUserAgent,
      media: async (source) => {
        const port =
          ports.get(source) ??
          this.#startSource(source).then((socket) => openMediaPort(socket, logger));
        if (!ports.has(source)) ports.set(source, port);
        return port;
      },
      passwords,
      clock: systemClock,
      logger,
    });
    this.#cleanup.add('the media of the PBX', async () => {
      for (const port of ports.values()) await (await port).close();
    });
    this.#cleanup.add('the PBX', () => pbx.close());
    return pbx;
  }

  async #startSource(source: MediaSource): Promise<string> {
    if (source === 'echo') return this.startEngine('pbx-echo', 'echo', 'null');
    const file = join(this.#folder, 'tune.wav');
    await writeFile(file, writeWav(tune(TUNE_S)));
    return this.startEngine('pbx-music', `file:${file}`, 'null');
  }

  async #start(name: string, file: string, words: readonly string[], toml: string) {
    const stateDir = join(this.#folder, name);
    await mkdir(stateDir, { mode: 0o700 });
    const config = join(stateDir, 'config.toml');
    await writeFile(config, toml, { mode: 0o600 });
    const child = await Child.start({
      name,
      file,
      // The bridge keeps nothing.
      args: [...words, '--config', config, ...(file === BRIDGE ? [] : ['--state-dir', stateDir])],
      logFile: join(stateDir, 'log'),
      signal: this.#signal,
    });
    this.#cleanup.add(name, () => child.stop());
    return { stateDir, config };
  }
}

/** Resolves with the address of record once the phone is registered. */
async function registered(control: ControlClient, outer: AbortSignal): Promise<string> {
  const { result } = controlMethods.status;
  const options = {
    layer: 'signaling',
    what: 'registration',
    ms: REGISTERED_WITHIN_MS,
    signal: outer,
  } as const;
  return withDeadline(options, async (signal) => {
    let changed = Promise.withResolvers<void>();
    const stop = control.on('registration.changed', () => changed.resolve());
    await control.subscribe(['registration.changed'], { signal });
    try {
      for (;;) {
        const [account] = (await control.call('status', {}, { result, signal })).accounts;
        if (account?.state === 'registered') return account.aor;
        if (account?.state === 'failed') {
          const reason = account.reason ?? 'no reason';
          throw new OffhookError('signaling', 'not-registered', `not registered: ${reason}`);
        }
        await changed.promise;
        changed = Promise.withResolvers();
      }
    } finally {
      stop();
    }
  });
}
