import { silentLogger, systemClock } from '@offhook/common';
import { Bridge, only, DrachtioAdapter, drachtioSettings } from '@offhook/cti-bridge';
import { freePorts, until } from '@offhook/test-sipp';
import { DeskPhone } from '../phone/desk-phone.ts';
import { PHONES, type PhoneName, type Rig } from '../rig.ts';
import { FakeDrachtio, SECRET } from './fake-server.ts';

/** Simulated phones that call through a simulated drachtio-server, which the bridge controls. */
export async function drachtioRig(
  flow: 'I' | 'IV',
): Promise<Rig & { readonly server: FakeDrachtio }> {
  const first = await freePorts(PHONES.length + 1);
  const server = await FakeDrachtio.start(first + PHONES.length);
  const phones = Object.fromEntries(
    await Promise.all(
      PHONES.map(async (name, at) => {
        const options = { name, port: first + at, pbxPort: server.sipPort, remoteControl: true };
        return [name, await DeskPhone.start(options)] as const;
      }),
    ),
  ) as Record<PhoneName, DeskPhone>;
  const settings = drachtioSettings.parse({
    kind: 'drachtio',
    name: 'srf',
    port: server.port,
    secret_file: 'given by the test',
    phones: Object.fromEntries(
      PHONES.map((name, at) => [name, `sip:${name}@127.0.0.1:${first + at}`]),
    ),
    dial_uri: 'sip:{number}@127.0.0.1:9',
    flow,
  });
  const common = { clock: systemClock, logger: silentLogger };
  const adapter = new DrachtioAdapter({ settings, secret: SECRET, ...common });
  const bridge = new Bridge({ pbxs: [only(adapter)], ...common });
  await until('the bridge to have its server', () => bridge.status()['srf']?.up === true, {
    within: 5000,
  });
  return {
    bridge,
    phones,
    service: 'dave',
    server,
    async close() {
      await bridge.close();
      await Promise.all(Object.values(phones).map((phone) => phone.close()));
      await server.close();
    },
  };
}
