import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { findAccelerator, guestImage, joinRamdisk, Vm } from '@offhook/test-e2e';
import {
  EngineProcess,
  GuestProcess,
  ManagedProcess,
  Namespace,
  Pulse,
  until,
  type Scope,
} from '@offhook/test-sipp';

import { PLAIN_SOUND } from '../latency/plain-sound.ts';
import { HOST, LINE, SLOW_LINE, TAP } from './addresses.ts';
import type { Line, Path } from './options.ts';
import { programFile } from './program.ts';
import { connect, LOUDSPEAKER, MICROPHONE, TICKET } from './thin-client.ts';

export const FAR = { microphone: 'far-mic', loudspeaker: 'far-out' } as const;
/** How the guest names its engines. */
const SEATS = { outside: 'port:org.offhook.engine.0', inside: 'unix:/run/engine.sock' } as const;
/** An emulated guest is slow, and a busy machine more so. */
const SLOW_MS = 60_000;

/** The desktop, the far end of its calls, and the sound devices of both ends. */
export class Bed {
  readonly accelerator: string;
  readonly vm: Vm;
  readonly pulse: Pulse;
  readonly #directory: string;
  readonly #client: Namespace;
  readonly #far: GuestProcess;
  #count = 0;

  private constructor(parts: {
    accelerator: string;
    vm: Vm;
    pulse: Pulse;
    directory: string;
    client: Namespace;
    far: GuestProcess;
  }) {
    this.accelerator = parts.accelerator;
    this.vm = parts.vm;
    this.pulse = parts.pulse;
    this.#directory = parts.directory;
    this.#client = parts.client;
    this.#far = parts.far;
  }

  static async open(scope: Scope, directory: string, client: string): Promise<Bed> {
    const sinks = [MICROPHONE, LOUDSPEAKER, FAR.microphone, FAR.loudspeaker];
    const pulse = scope.use(await Pulse.start(directory, sinks));
    const image = await guestImage(directory, 'sound', [await programFile()]);
    const accelerator = await findAccelerator(image.kernel);
    const vm = scope.use(
      await Vm.start({
        directory,
        kernel: image.kernel,
        ramdisk: await joinRamdisk(image, directory),
        accelerator,
        ticket: TICKET,
        name: 'desktop',
        tap: TAP,
        sound: true,
        unwatched: true,
        spiceAddress: '0.0.0.0',
      }),
    );
    const far = await farEnd(scope, join(directory, 'far'), pulse);
    const parts = { accelerator, vm, pulse, directory, far };
    const bed = new Bed({ ...parts, client: Namespace.named(client) });
    await bed.#seated(SEATS.inside);
    return bed;
  }

  /** The thin client is connected over that line, and the phone is used at its engine. */
  async connect(scope: Scope, path: Path, line: Line): Promise<void> {
    const directory = join(this.#directory, `session-${++this.#count}`);
    await mkdir(directory);
    const slow = line.delayMs > 0 || line.lossPercent > 0;
    if (slow) scope.use(await this.#slowLine(directory, line));
    const host = slow ? SLOW_LINE.host : LINE.host;
    const place = { directory, namespace: this.#client, pulse: this.pulse, host };
    scope.use(await connect(path, { ...place, port: this.vm.spice.port }));
    const channel = path === 'redirected' ? SEATS.outside : SEATS.inside;
    await this.#seated(channel);
    await this.vm.phone.call('engines.use', { channel }, SLOW_MS);
  }

  /** The phone calls the far end, which answers; resolves with the call. */
  async call(): Promise<string> {
    const { phone } = this.vm;
    const { id } = await phone.call(
      'call.dial',
      { target: `sip:far@${HOST}:${this.#far.port}` },
      SLOW_MS,
    );
    await phone.becomes(id, 'established', SLOW_MS);
    return id;
  }

  async hangUp(call: string): Promise<void> {
    await this.vm.phone.call('call.hangup', { call }, SLOW_MS);
    await this.vm.phone.becomes(call, 'ended', SLOW_MS);
  }

  async #seated(channel: string): Promise<void> {
    await until(
      `the phone to have the engine at ${channel}`,
      async () => {
        const { engines } = await this.vm.phone.call('engines.list', {}, SLOW_MS);
        return engines.some((one) => one.channel === channel && one.connected);
      },
      { within: SLOW_MS, every: 100 },
    );
  }

  async #slowLine(directory: string, { delayMs, lossPercent }: Line): Promise<ManagedProcess> {
    const line = new ManagedProcess({
      name: 'slow line',
      command: '/usr/bin/python3',
      args: [
        join(import.meta.dirname, 'slow-line.py'),
        this.#client.name,
        SLOW_LINE.host,
        SLOW_LINE.client,
        String(delayMs / 2),
        String(lossPercent / 100),
      ],
      logFile: join(directory, 'line.log'),
    });
    return line.ready(/^ready$/m, { within: 10_000 });
  }
}

/** A phone with an engine and sound devices, on the host, which answers by itself. */
async function farEnd(scope: Scope, directory: string, pulse: Pulse): Promise<GuestProcess> {
  await mkdir(directory);
  const engine = scope.use(
    await EngineProcess.start({
      directory,
      wrap: (program) => pulse.wrap(program),
      config: {
        engine: { log_level: 'info' },
        rtp: { address: HOST },
        audio: {
          ...PLAIN_SOUND,
          input: `pulse:${FAR.microphone}.monitor`,
          output: `pulse:${FAR.loudspeaker}`,
        },
      },
    }),
  );
  const far = scope.use(
    await GuestProcess.start({
      directory,
      channel: engine.channel,
      addresses: [HOST],
      accounts: [{ aor: `sip:far@${HOST}`, register: false, auto_answer: true, codecs: ['PCMA'] }],
    }),
  );
  await far.phone.engineConnected();
  return far;
}
