import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '@offhook/common';
import type { LastWill } from '@offhook/media-rpc';
import { findAnswer } from '../../src/will/match.ts';
import { sendWill } from '../../src/will/will-sender.ts';

const match = { begins: ['SIP/2.0 2', 'SIP/2.0 4'], contains: ['z9hG4bKlast'] };
const BYE = 'BYE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKlast\r\n\r\n';
const OK = 'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKlast\r\n\r\n';

function will(transport: LastWill['transport'], port: number): LastWill {
  const bytes = Buffer.from(BYE).toString('base64');
  return { transport, destination: { address: '127.0.0.1', port }, bytes, match };
}

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

async function udpPeer(): Promise<Socket> {
  const socket = createSocket('udp4');
  cleanUp.push(() => socket.close());
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function tcpPeer(answer: readonly string[]) {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      received.push(chunk.toString());
      for (const text of answer) socket.write(text);
    });
    socket.on('error', () => undefined);
    cleanUp.push(() => socket.destroy());
  });
  cleanUp.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { received, port: (server.address() as AddressInfo).port };
}

const never = () => new AbortController().signal;

describe('the answer to a will', () => {
  it('is one that begins and contains as it should', () => {
    expect(findAnswer(OK, match, false)).toBe('SIP/2.0 200 OK');
    expect(findAnswer(OK.replace('200 OK', '481 Gone'), match, false)).toBe('SIP/2.0 481 Gone');
    expect(findAnswer(OK.replace('200 OK', '100 Trying'), match, false)).toBeUndefined();
    expect(findAnswer(OK.replace('bKlast', 'bKother'), match, false)).toBeUndefined();
    expect(findAnswer('', match, false)).toBeUndefined();
  });

  it('is found behind another message of a stream, and not inside a datagram', () => {
    const two = OK.replace('200 OK', '100 Trying') + OK;
    expect(findAnswer(two, match, true)).toBe('SIP/2.0 200 OK');
    expect(findAnswer(two, match, false)).toBeUndefined();
  });
});

describe('a will over UDP', () => {
  it('is repeated until it is answered, byte for byte', async () => {
    const peer = await udpPeer();
    const received: string[] = [];
    peer.on('message', (message, { port, address }) => {
      received.push(message.toString());
      if (received.length === 1) peer.send(OK.replace('200 OK', '100 Trying'), port, address);
      if (received.length === 2) peer.send(OK, port, address);
    });
    const result = await sendWill(will('udp', peer.address().port), {
      clock: systemClock,
      signal: never(),
    });
    expect(result).toEqual({ outcome: 'answered', attempts: 2, answer: 'SIP/2.0 200 OK' });
    expect(received).toEqual([BYE, BYE]);
  });

  it('backs off, and is given up after 64 times T1', async () => {
    const peer = await udpPeer();
    const clock = new ManualClock();
    const at: number[] = [];
    const begun = clock.now();
    peer.on('message', () => at.push(clock.now() - begun));
    const done = sendWill(will('udp', peer.address().port), { clock, signal: never() });
    for (let sent = 1; sent <= 11; sent++) {
      await expect.poll(() => at.length).toBe(sent);
      const step = sent < 4 ? 500 * 2 ** (sent - 1) : 4000;
      await clock.advance(step);
    }
    expect(await done).toEqual({ outcome: 'unanswered', attempts: 11 });
    expect(at).toEqual([
      0,
      500,
      1500,
      3500,
      ...[7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5].map((s) => s * 1000),
    ]);
    expect(clock.pending).toBe(0);
  });

  it('is given up at once when the engine ends', async () => {
    const peer = await udpPeer();
    const ending = new AbortController();
    const done = sendWill(will('udp', peer.address().port), {
      clock: systemClock,
      signal: ending.signal,
    });
    await once(peer, 'message');
    ending.abort();
    expect(await done).toMatchObject({ outcome: 'unanswered' });
  });
});

describe('a will over TCP', () => {
  it('is sent once, and waits for the answer behind a provisional one', async () => {
    const peer = await tcpPeer([OK.replace('200 OK', '100 Trying'), OK.slice(0, 20), OK.slice(20)]);
    const result = await sendWill(will('tcp', peer.port), { clock: systemClock, signal: never() });
    expect(result).toEqual({ outcome: 'answered', attempts: 1, answer: 'SIP/2.0 200 OK' });
    expect(peer.received).toEqual([BYE]);
  });

  it('fails with the reason where nobody listens', async () => {
    const peer = await tcpPeer([]);
    for (const step of cleanUp.splice(0)) step();
    const result = await sendWill(will('tcp', peer.port), { clock: systemClock, signal: never() });
    expect(result).toMatchObject({ outcome: 'failed', attempts: 0 });
    expect(result.message).toMatch(/ECONNREFUSED/);
  });
});
