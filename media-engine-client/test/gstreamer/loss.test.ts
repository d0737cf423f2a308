import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { level } from '@offhook/common/audio';
import type { TransportAddress } from '../../src/media-plane.ts';
import { RtpPeer, writeRtp } from './rtp-peer.ts';
import { codec, legConfig, openPlane, openSockets, recording, workerPid } from './test-plane.ts';

/** Passes packets on to `to`, but for those that `lose` names by their count. */
async function relay(
  to: TransportAddress,
  lose: (count: number) => boolean,
): Promise<{ address: TransportAddress; socket: Socket }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let count = 0;
  socket.on('message', (packet) => {
    if (!lose(count++)) socket.send(packet, to.port, to.address);
  });
  return { address: { address: '127.0.0.1', port: socket.address().port }, socket };
}

describe('lost packets', () => {
  it.each(['PCMA', 'G722', 'opus'] as const)('of %s are counted and concealed', async (name) => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const wav = join(there.directory, 'b.wav');
    const lossy = await relay(b.rtp, (count) => count % 10 === 9);
    const common = { codec: codec(name), latching: 'off' } as const;
    const remote = { rtp: lossy.address, rtcp: b.rtcp, rtcpMux: false };
    await there.plane.setLeg(legConfig('b', b, a, { ...common, output: `file:${wav}` }));
    await here.plane.setLeg(legConfig('a', a, b, { ...common, remote, input: 'tone:440' }));
    const stats = async () => there.plane.stats('b');
    await expect.poll(async () => (await stats()).rx.lost, { timeout: 6000 }).toBeGreaterThan(8);
    await expect.poll(async () => (await stats()).concealedPct).toBeGreaterThan(4);
    lossy.socket.close();
    const { samples, sampleRate } = await recording(wav);
    const windows = Array.from(
      { length: Math.floor((50 * samples.length) / sampleRate) },
      (_, at) => level(samples.subarray((at * sampleRate) / 50, ((at + 1) * sampleRate) / 50)),
    );
    const first = windows.findIndex((window) => window > -20);
    const quietest = windows.slice(first + 5, first + 60);
    expect(Math.min(...quietest)).toBeGreaterThan(-35); // silence is -120
    await expect
      .poll(async () => (await here.plane.stats('a')).remote?.lost, { timeout: 6000 })
      .toBeGreaterThan(0);
  });

  it('and digits in many short calls crash nothing', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const pid = await workerPid(here.socketPath);
    let ssrc = 1;
    let heard = '';
    here.plane.on('dtmf', ({ digit }) => {
      heard += digit;
    });
    for (let call = 0; call < 25; call++) {
      const sockets = await openSockets(here.plane);
      const id = `call-${call}`;
      const name = call % 2 === 0 ? 'PCMA' : 'G722';
      const jitterBufferMs = { min: 0, max: 20 };
      await here.plane.setLeg(
        legConfig(id, sockets, peer.sockets, { codec: codec(name), jitterBufferMs }),
      );
      hostileStream(peer, sockets.rtp, ++ssrc, codec(name).payloadType);
      await expect.poll(async () => (await here.plane.stats(id)).rx.packets).toBeGreaterThan(50);
      await expect.poll(() => heard).toBe('5'.repeat(call + 1));
      await here.plane.closeLeg(id);
      await here.plane.closeSockets(sockets.id);
    }
    expect(await workerPid(here.socketPath)).toBe(pid);
  });
});

describe('packets that come in bursts', () => {
  it('lengthen the jitter buffer within its limits', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const jitterBufferMs = { min: 20, max: 90 };
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { jitterBufferMs }));
    expect((await here.plane.stats('a')).jitterBufferMs).toBe(20);
    let seq = 0;
    const timer = setInterval(() => {
      for (let packet = 0; packet < 6; packet++, seq++)
        peer.send(
          writeRtp({
            payloadType: 8,
            seq,
            timestamp: 160 * seq,
            ssrc: 5,
            payload: Buffer.alloc(160, 0xd5),
          }),
          sockets.rtp,
        );
    }, 120);
    try {
      await expect
        .poll(async () => (await here.plane.stats('a')).jitterBufferMs, { timeout: 6000 })
        .toBe(90);
    } finally {
      clearInterval(timer);
    }
  });
});

/** Holes, timestamps that hardly move or jump, short payloads, an event in between. */
function hostileStream(
  peer: RtpPeer,
  to: TransportAddress,
  ssrc: number,
  payloadType: number,
): void {
  let timestamp = 1000;
  for (let seq = 0; seq < 80; seq++) {
    timestamp += [160, 1, 8, 29, 160, 0, 3000][seq % 7] ?? 160;
    if (seq % 5 === 3) continue;
    const event = seq >= 40 && seq < 44;
    peer.send(
      writeRtp({
        payloadType: event ? 101 : payloadType,
        seq,
        timestamp: event ? 20_000 : timestamp,
        ssrc,
        payload: event
          ? Buffer.from([5, seq >= 42 ? 0x8a : 0x0a, 1, 0])
          : Buffer.alloc([160, 1, 8, 30][seq % 4] ?? 160, seq),
      }),
      to,
    );
  }
}
