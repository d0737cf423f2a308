import { silentLogger, systemClock } from '@offhook/common';
import { Bridge, only, FreeSwitchAdapter, freeSwitchSettings } from '@offhook/cti-bridge';
import { until } from '@offhook/test-sipp';
import { PHONES, type Rig } from '../rig.ts';
import { DOMAIN, FakeEventSocket, PASSWORD } from './fake-socket.ts';

/** A bridge at the event socket of a FreeSWITCH that is simulated. */
export async function freeSwitchRig(): Promise<Rig & { readonly fake: FakeEventSocket }> {
  const fake = await FakeEventSocket.start(PHONES);
  const settings = freeSwitchSettings.parse({
    kind: 'freeswitch',
    name: 'fs',
    port: fake.port,
    secret_file: 'given by the test',
    domain: DOMAIN,
  });
  const common = { clock: systemClock, logger: silentLogger };
  const adapter = new FreeSwitchAdapter({ settings, secret: PASSWORD, ...common });
  const bridge = new Bridge({ pbxs: [only(adapter)], ...common });
  await until('the bridge to have its PBX', () => bridge.status()['fs']?.up === true, {
    within: 5000,
  });
  return {
    bridge,
    phones: fake.switch.phones,
    service: 'dave',
    fake,
    async close() {
      await bridge.close();
      await fake.close();
    },
  };
}
