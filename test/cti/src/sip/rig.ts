import { silentLogger, systemClock } from '@offhook/common';
import { Bridge, only, SIP_SERVICES, SipAdapter } from '@offhook/cti-bridge';
import { createUserAgent } from '@offhook/signaling';
import { until } from '@offhook/test-sipp';
import { PHONES, type PhoneName, type Rig } from '../rig.ts';
import { PlainPhone } from './plain-phone.ts';

/** Four simulated phones that call each other, and a bridge that has nothing but SIP. */
export async function plainRig(): Promise<
  Rig & { readonly phones: Readonly<Record<PhoneName, PlainPhone>> }
> {
  const uris = new Map<string, string>();
  const started = await Promise.all(
    PHONES.map((name) =>
      PlainPhone.start(name, (other) => uris.get(other) ?? `sip:${other}@127.0.0.1:9`),
    ),
  );
  for (const { name, uri } of started) uris.set(name, uri);
  const agent = await createUserAgent({
    listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
  });
  const adapter = new SipAdapter({
    name: 'sip',
    account: agent.addAccount({ aor: 'sip:cti@127.0.0.1', register: false }),
    phones: started.map(({ name, uri }) => ({ id: name, uri })),
    dialUri: 'sip:{number}@127.0.0.1:9',
    services: SIP_SERVICES,
    logger: silentLogger,
  });
  const bridge = new Bridge({ pbxs: [only(adapter)], clock: systemClock, logger: silentLogger });
  await until('the bridge to watch its phones', () => bridge.status()['sip']?.up === true, {
    within: 5000,
  });
  return {
    bridge,
    phones: Object.fromEntries(started.map((phone) => [phone.name, phone])) as Record<
      PhoneName,
      PlainPhone
    >,
    service: 'dave',
    async close() {
      await bridge.close();
      await agent.close({ timeoutMs: 500 });
      await Promise.all(started.map((phone) => phone.close()));
    },
  };
}
