import { createServer, type AddressInfo, type Socket } from 'node:net';
import { silentLogger, systemClock } from '@offhook/common';
import {
  Bridge,
  CSTA_SERVICES,
  CSTA_TYPE,
  CstaAdapter,
  CstaFrameReader,
  encodeFrame,
  sipLink,
  tcpLink,
  type ConnectLink,
} from '@offhook/cti-bridge';
import { createUserAgent, type SipCall, type UserAgent } from '@offhook/signaling';
import { until } from '@offhook/test-sipp';
import { PHONES, type PhoneName, type Rig } from '../rig.ts';
import { CstaSpeaker, NAMESPACE } from './speaker.ts';
import type { SimPhone } from './switch.ts';

const EVENT_ID = 9999;

/** The simulated switch behind CSTA-XML over TCP. */
export async function tcpRig(): Promise<Rig & { dropLinks(): void; speaker: CstaSpeaker }> {
  const sockets = new Set<Socket>();
  const speaker = new CstaSpeaker(PHONES, (_, xml) => {
    for (const socket of sockets) socket.write(encodeFrame({ invokeId: EVENT_ID, xml }));
  });
  const server = createServer((socket) => {
    const reader = new CstaFrameReader();
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      reader.push(chunk, ({ invokeId, xml }) => {
        socket.write(encodeFrame({ invokeId, xml: speaker.serve(xml) }));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const devices = PHONES.map((id) => ({ id }));
  const bridge = await bridgeTo([{ devices, connect: tcpLink({ host: '127.0.0.1', port }) }]);
  const dropLinks = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    bridge,
    phones: phonesOf(speaker),
    service: 'dave',
    speaker,
    dropLinks,
    async close() {
      await bridge.close();
      dropLinks();
      await new Promise<void>((resolve) => server.close(() => resolve()));
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
    phones: phonesOf(speaker),
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
  const bridge = new Bridge({ adapters: [adapter], ...common });
  await until('the bridge to have its phones', () => bridge.status()['csta']?.up === true, {
    within: 5000,
  });
  return bridge;
}

function phonesOf(speaker: CstaSpeaker): Record<PhoneName, SimPhone> {
  return speaker.switch.phones as Record<PhoneName, SimPhone>;
}
