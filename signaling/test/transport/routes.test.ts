import { ManualClock } from '@offhook/common';
import { expect, it } from 'vitest';
import type { Network } from '../../src/transport/network.ts';
import { UdpPoint } from '../../src/transport/udp-point.ts';

const REMOTE = { address: '203.0.113.5', port: 5060 };

it('a socket that listens everywhere asks for the way again when the machine has moved', async () => {
  let source = '192.0.2.7';
  const network = {
    bindUdp: () =>
      Promise.resolve({
        local: { address: '0.0.0.0', port: 5060 },
        send: () => undefined,
        close: () => Promise.resolve(),
      }),
    sourceAddress: () => Promise.resolve(source),
  } as unknown as Network;
  const events = { datagram: () => undefined, sent: () => undefined, error: () => undefined };
  const clock = new ManualClock();
  const at = { transport: 'udp', address: '0.0.0.0', port: 5060 } as const;
  const point = await UdpPoint.bind(network, clock, at, events);
  expect((await point.wire(REMOTE)).flow.contact.address).toBe('192.0.2.7');
  source = '198.51.100.7';
  expect((await point.wire(REMOTE)).flow.contact.address).toBe('192.0.2.7');
  point.forgetRoutes();
  expect((await point.wire(REMOTE)).flow.contact.address).toBe('198.51.100.7');
  await point.close();
});
