import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@offhook/common';
import { AsteriskAdapter, asteriskSettings, Bridge, only } from '@offhook/cti-bridge';
import { freePorts, until } from '@offhook/test-sipp';
import { AMI_SECRET, CtiAsterisk } from './asterisk.ts';
import { DeskPhone } from './phone/desk-phone.ts';
import { PHONES, type PhoneName, type Rig } from './rig.ts';

export interface AsteriskRig extends Rig {
  readonly asterisk: CtiAsterisk;
  readonly phones: Readonly<Record<PhoneName, DeskPhone>>;
}

/** A real Asterisk 22 and four simulated phones, which obey remote control or do not. */
export async function asteriskRig(options: { remoteControl: boolean }): Promise<AsteriskRig> {
  const { remoteControl } = options;
  const directory = await mkdtemp(join(tmpdir(), 'offhook-cti-'));
  const first = await freePorts(PHONES.length);
  const ports = Object.fromEntries(PHONES.map((name, at) => [name, first + at]));
  const asterisk = await CtiAsterisk.start({ directory, phones: ports });
  const phones = Object.fromEntries(
    await Promise.all(
      PHONES.map(async (name, at) => {
        const phone = { name, port: first + at, pbxPort: asterisk.sipPort, remoteControl };
        return [name, await DeskPhone.start(phone)] as const;
      }),
    ),
  ) as Record<PhoneName, DeskPhone>;
  const bridge = bridgeTo(asterisk, remoteControl);
  await connected(bridge, asterisk);
  return {
    bridge,
    phones,
    service: '600',
    queue: { device: 'queue/support', number: 'support' },
    asterisk,
    async close() {
      await bridge.close();
      await Promise.all(Object.values(phones).map((phone) => phone.close()));
      await asterisk.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A bridge of its own to that Asterisk. */
export function bridgeTo(asterisk: { amiPort: number }, remoteControl: boolean): Bridge {
  const settings = asteriskSettings.parse({
    kind: 'asterisk',
    name: 'pbx',
    port: asterisk.amiPort,
    username: 'offhook',
    secret_file: 'given by the test',
    context: 'phones',
    ...(remoteControl ? { remote_control: ['*'] } : {}),
  });
  const common = { clock: systemClock, logger: silentLogger };
  const adapter = new AsteriskAdapter({ settings, secret: AMI_SECRET, ...common });
  return new Bridge({ pbxs: [only(adapter)], ...common });
}

export async function connected(bridge: Bridge, asterisk: CtiAsterisk): Promise<void> {
  await until('the bridge to have its PBX', () => bridge.status()['pbx']?.up === true, {
    within: 15_000,
    seen: () => asterisk.output,
  });
}
