import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  EngineProcess,
  freePort,
  freePorts,
  GuestProcess,
  ManagedProcess,
  MediaPeer,
  until,
  type Phone,
} from '@offhook/test-sipp';
import { AMI_SECRET, CtiAsterisk } from '../asterisk.ts';
import { DeskPhone } from '../phone/desk-phone.ts';
import { shipped } from '../../../../common/test/shipped.ts';

const BRIDGE = shipped('offhook-cti');
const TOKEN = 'a-token-of-the-tests';

/** What each of the three says: Anna at the thin client, Alice's desk phone, and Bob far away. */
export const SOFT_HZ = 440;
export const DESK_HZ = 700;
export const FAR_HZ = 1000;

interface Speaking {
  readonly phone: DeskPhone;
  readonly media: MediaPeer;
}

/**
 * A person with a softphone (`anna`) and a phone on the desk (`alice`) at a real Asterisk 22, and
 * somebody to talk with (`bob`). All of them make sound, and what they hear can be listened to.
 */
export class DeskOffice {
  readonly asterisk: CtiAsterisk;
  readonly desk: Speaking;
  readonly far: Speaking;
  readonly engine: EngineProcess;
  #guest: GuestProcess;
  #bridge: ManagedProcess;
  readonly #directory: string;
  readonly #restart: { guest: () => Promise<GuestProcess>; bridge: () => Promise<ManagedProcess> };

  private constructor(parts: {
    asterisk: CtiAsterisk;
    desk: Speaking;
    far: Speaking;
    engine: EngineProcess;
    guest: GuestProcess;
    bridge: ManagedProcess;
    directory: string;
    restart: { guest: () => Promise<GuestProcess>; bridge: () => Promise<ManagedProcess> };
  }) {
    this.asterisk = parts.asterisk;
    this.desk = parts.desk;
    this.far = parts.far;
    this.engine = parts.engine;
    this.#guest = parts.guest;
    this.#bridge = parts.bridge;
    this.#directory = parts.directory;
    this.#restart = parts.restart;
  }

  static async open(options: { remoteControl: boolean }): Promise<DeskOffice> {
    const { remoteControl } = options;
    const directory = await mkdtemp(join(tmpdir(), 'offhook-desk-'));
    const ports = await freePorts(2);
    const guestPort = await freePorts(2);
    const asterisk = await CtiAsterisk.start({
      directory,
      phones: { alice: ports, bob: ports + 1, anna: guestPort },
    });
    const speaking = async (name: string, port: number, toneHz: number): Promise<Speaking> => {
      const media = await MediaPeer.open({ address: '127.0.0.1', toneHz, symmetric: false });
      const pbxPort = asterisk.sipPort;
      return { media, phone: await DeskPhone.start({ name, port, pbxPort, remoteControl, media }) };
    };
    const bridgePort = await freePort();
    const bridge = await startBridge({ directory, asterisk, port: bridgePort, remoteControl });
    const engineDirectory = join(directory, 'thin-client');
    await mkdir(engineDirectory);
    const engine = await EngineProcess.start({ directory: engineDirectory });
    await writeFile(join(directory, 'token'), `${TOKEN}\n`, { mode: 0o600 });
    const startGuest = () =>
      GuestProcess.start({
        directory,
        channel: engine.channel,
        port: guestPort,
        addresses: ['127.0.0.1'],
        accounts: [
          {
            aor: `sip:anna@127.0.0.1:${asterisk.sipPort}`,
            register: false,
            codecs: ['PCMA'],
            away: { policy: 'desk', after: 1 },
          },
        ],
        config: {
          calls: { one_active: true },
          desk: {
            url: `http://127.0.0.1:${bridgePort}`,
            token_file: join(directory, 'token'),
            device: 'alice',
          },
        },
      });
    const office = new DeskOffice({
      asterisk,
      desk: await speaking('alice', ports, DESK_HZ),
      far: await speaking('bob', ports + 1, FAR_HZ),
      engine,
      guest: await startGuest(),
      bridge,
      directory,
      restart: {
        guest: startGuest,
        bridge: () => startBridge({ directory, asterisk, port: bridgePort, remoteControl }),
      },
    });
    await office.phone.engineConnected();
    await office.deskIs('connected');
    return office;
  }

  /** The softphone's daemon, by its control socket. */
  get phone(): Phone {
    return this.#guest.phone;
  }

  async deskIs(state: string, within = 15_000): Promise<string> {
    let text = '';
    return until(
      `the desk phone to be ${state}`,
      async () => {
        const { desk } = await this.phone.call('mode.get', {});
        text = desk?.text ?? 'there is none';
        return desk?.state === state ? text : undefined;
      },
      { within, seen: () => text },
    );
  }

  async killBridge(): Promise<void> {
    this.#bridge.killNow();
    await this.#bridge.exited;
  }

  async startBridge(): Promise<void> {
    this.#bridge = await this.#restart.bridge();
  }

  /** Ends the daemon, and starts the next one. */
  async restartGuest(): Promise<void> {
    await this.#guest.stop();
    this.#guest = await this.#restart.guest();
    await this.phone.engineConnected();
    await this.deskIs('connected');
  }

  /** Every call is over, at every phone. */
  async quiet(): Promise<void> {
    await this.phone.call('call.hangup', { all: true });
    for (const { phone } of [this.desk, this.far]) {
      for (const leg of phone.legs) phone.hangUp(leg);
      await phone.idle();
    }
    const left = await this.phone.leftovers();
    if (left !== undefined) throw new Error(left);
  }

  async close(): Promise<void> {
    await this.#guest.stop();
    await this.engine.stop();
    await this.#bridge.stop();
    for (const { phone, media } of [this.desk, this.far]) {
      await phone.close();
      media.close();
    }
    await this.asterisk.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function startBridge(options: {
  directory: string;
  asterisk: CtiAsterisk;
  port: number;
  remoteControl: boolean;
}): Promise<ManagedProcess> {
  const { directory, asterisk, port, remoteControl } = options;
  const config = join(directory, 'bridge.toml');
  await writeFile(join(directory, 'secret'), `${AMI_SECRET}\n`, { mode: 0o600 });
  await writeFile(
    config,
    `[listen]
port = ${port}
[[pbx]]
kind = "asterisk"
name = "office"
port = ${asterisk.amiPort}
username = "offhook"
secret_file = "${join(directory, 'secret')}"
context = "phones"
remote_control = [${remoteControl ? '"*"' : ''}]
[[token]]
name = "alice"
sha256 = "${createHash('sha256').update(TOKEN).digest('hex')}"
devices = ["alice"]
scopes = ["monitor", "control"]
`,
  );
  const bridge = new ManagedProcess({
    name: 'offhook-cti',
    command: process.execPath,
    args: [BRIDGE, '--config', config, 'run'],
    logFile: join(directory, 'bridge.log'),
  });
  await bridge.ready(/^ready$/m, { within: 40_000 });
  return bridge;
}
