import { silentLogger, systemClock } from '@offhook/common';
import {
  Bridge,
  CSTA_SERVICES,
  CSTA_TYPE,
  CstaAdapter,
  only,
  sipLink,
  tcpLink,
  type ConnectLink,
} from '@offhook/cti-bridge';
import { CstaSpeaker, NAMESPACE, serveSwitch, type SimSwitch } from '@offhook/cti-bridge/simulator';
import { createUserAgent, type SipCall, type UserAgent } from '@offhook/signaling';
import { until } from '@offhook/test-sipp';
import { PHONES, type PhoneName, type Rig } from '../rig.ts';
import { WatchedPhone } from './watched-phone.ts';

/** The simulated switch behind CSTA-XML over TCP. */
export async function tcpRig(): Promise<Rig & { dropLinks(): void }> {
  const served = await serveSwitch(PHONES);
  const devices = PHONES.map((id) => ({ id }));
  const { port } = served;
  const bridge = await bridgeTo([{ devices, connect: tcpLink({ host: '127.0.0.1', port }) }]);
  return {
    bridge,
    phones: phonesOf(served.switch),
    service: 'dave',
    dropLinks: () => served.dropLinks(),
    async close() {
      await bridge.close();
      await served.close();
    },
  };
}

/** Four simulated phones that each take a uaCSTA session over SIP. */
export async function sipRig(): Promise<Rig> {
  const sessions = new Map<string, SipCall>();
  const speaker = new CstaSpeaker(PHONES, (device, xml) => {
    void sessions.get(device)?.request('INFO', { body: { type: CSTA_TYPE, content: xml } });
  });
  const agents: UserAgent[] = [];
  const lines: { devices: { id: string }[]; connect: ConnectLink }[] = [];
  const controller = await agent();
  const account = controller.addAccount({ aor: 'sip:cti@127.0.0.1', register: false });
  for (const name of PHONES) {
    const phone = await agent();
    const taking = phone.addAccount({
      aor: `sip:${name}@127.0.0.1`,
      register: false,
      sessions: [CSTA_TYPE],
    });
    taking.on('incoming', (call) => {
      sessions.set(name, call);
      call.onRequest('INFO', ({ body }) => ({
        status: 200,
        body: { type: CSTA_TYPE, content: speaker.serve(body?.content ?? '') },
      }));
      const content = speaker.serve(call.body?.content ?? '');
      void call.answer({ body: { type: CSTA_TYPE, content } });
    });
    const [listening] = phone.listening;
    const target = `sip:${name}@127.0.0.1:${listening?.port ?? 0}`;
    lines.push({ devices: [{ id: name }], connect: sipLink(account, target, NAMESPACE) });
  }
  const bridge = await bridgeTo(lines);
  return {
    bridge,
    phones: phonesOf(speaker.switch),
    service: 'dave',
    async close() {
      await bridge.close();
      await Promise.all(agents.map((one) => one.close({ timeoutMs: 500 })));
    },
  };

  async function agent(): Promise<UserAgent> {
    const one = await createUserAgent({
      listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }],
    });
    agents.push(one);
    return one;
  }
}

async function bridgeTo(
  lines: readonly { devices: { id: string }[]; connect: ConnectLink }[],
): Promise<Bridge> {
  const common = { clock: systemClock, logger: silentLogger };
  const adapter = new CstaAdapter({
    name: 'csta',
    namespace: NAMESPACE,
    lines,
    services: CSTA_SERVICES,
    ...common,
  });
  const bridge = new Bridge({ pbxs: [only(adapter)], ...common });
  await until('the bridge to have its phones', () => bridge.status()['csta']?.up === true, {
    within: 5000,
  });
  return bridge;
}

function phonesOf({ phones }: SimSwitch): Record<PhoneName, WatchedPhone> {
  const watched = Object.entries(phones).map(([name, phone]) => [name, new WatchedPhone(phone)]);
  return Object.fromEntries(watched) as Record<PhoneName, WatchedPhone>;
}
