import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RtpPeer, type RtpPacket } from './rtp-peer.ts';
import { codec, legConfig, openPlane, openSockets, played } from './test-plane.ts';

function expectUnbroken(packets: readonly RtpPacket[]): void {
  packets.slice(1).forEach((packet, at) => {
    const before = packets[at] as RtpPacket;
    expect(packet.seq).toBe((before.seq + 1) & 0xffff);
    expect((packet.timestamp - before.timestamp) | 0).toBeGreaterThan(0);
  });
  expect(new Set(packets.map((packet) => packet.ssrc)).size).toBe(1);
}

describe('a leg on hold', () => {
  it('sends no RTP, keeps RTCP, and the peer counts no loss when it resumes', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const leg = legConfig('a', a, b, { input: 'tone:440' });
    await here.plane.setLeg(leg);
    await there.plane.setLeg(legConfig('b', b, a));
    const received = async () => (await there.plane.stats('b')).rx.packets;
    await expect.poll(received).toBeGreaterThan(10);
    await here.plane.setLeg({ ...leg, direction: 'recvonly' });
    const held = (await here.plane.stats('a')).tx.packets;
    await expect
      .poll(async () => (await here.plane.stats('a')).rx.packets, { timeout: 3000 })
      .toBeGreaterThan(40);
    expect((await here.plane.stats('a')).tx.packets).toBe(held);
    await here.plane.setLeg(leg);
    const before = await received();
    await expect.poll(received).toBeGreaterThan(before + 10);
    const stats = await there.plane.stats('b');
    expect(stats.rx.lost).toBe(0);
    expect(stats.concealedPct).toBe(0);
    await expect
      .poll(async () => (await here.plane.stats('a')).remote, { timeout: 5000 })
      .toMatchObject({
        lost: 0,
      });
  });

  it('does not play what still comes in', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    await here.plane.setLeg(legConfig('a', a, b, { direction: 'inactive' }));
    await there.plane.setLeg(legConfig('b', b, a, { input: 'tone:440' }));
    await expect.poll(async () => (await here.plane.stats('a')).rx.packets).toBeGreaterThan(10);
    expect((await here.plane.stats('a')).levels?.outputDb).toBe(-120);
  });

  it.each([
    ['0.0.0.0', 4000],
    ['127.0.0.1', 0],
  ])('by RFC 2543 (%s port %i) sends nothing at all', async (address, port) => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets);
    await here.plane.setLeg(leg);
    await peer.until('packets', () => peer.rtp.length > 5);
    const nowhere = { address, port };
    await here.plane.setLeg({ ...leg, remote: { rtp: nowhere, rtcp: nowhere, rtcpMux: false } });
    const sent = (await here.plane.stats('a')).tx.packets;
    const levels = async () => (await here.plane.stats('a')).tx.packets;
    await here.plane.setLeg({
      ...leg,
      muted: true,
      remote: { rtp: nowhere, rtcp: nowhere, rtcpMux: false },
    });
    expect(await levels()).toBe(sent);
    await here.plane.setLeg(leg);
    await expect.poll(levels).toBeGreaterThan(sent + 5);
  });
});

describe('a leg that is changed', () => {
  it('to another codec goes on in sequence, time and SSRC', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    for (const name of ['PCMA', 'G722', 'PCMU', 'PCMA'] as const) {
      await here.plane.setLeg(
        legConfig('a', sockets, peer.sockets, { codec: codec(name), input: 'tone:440' }),
      );
      const type = codec(name).payloadType;
      const before = peer.rtp.length;
      await peer.until(`${name} packets`, () => {
        const fresh = peer.packets().slice(before);
        return fresh.filter((packet) => packet.payloadType === type).length > 5;
      });
    }
    expectUnbroken(peer.packets());
    expect((await here.plane.stats('a')).tx.ssrc).toBe(peer.packets()[0]?.ssrc);
  });

  it('to another codec at both ends goes on being heard', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const wav = join(there.directory, 'b.wav');
    let heard = 0;
    for (const name of ['PCMA', 'opus', 'G722'] as const) {
      const common = { codec: codec(name) };
      await here.plane.setLeg(legConfig('a', a, b, { ...common, input: 'tone:440' }));
      await there.plane.setLeg(legConfig('b', b, a, { ...common, output: `file:${wav}` }));
      heard += 500;
      await played(wav, 440, heard);
    }
    expect((await there.plane.stats('b')).rx.lost).toBe(0);
  });

  it('to another remote address sends there at once, in the same stream', async () => {
    await using here = await openPlane();
    await using first = await RtpPeer.open();
    await using second = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, first.sockets));
    await first.until('packets', () => first.rtp.length > 5);
    await here.plane.setLeg(legConfig('a', sockets, second.sockets));
    await second.until('packets', () => second.rtp.length > 5);
    const sent = [...first.packets(), ...second.packets()];
    expectUnbroken(sent);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(second.sockets.rtp);
  });

  it('is muted and unmuted without a break in the stream', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, { input: 'tone:440' });
    const level = async () => (await here.plane.stats('a')).levels?.inputDb ?? 0;
    await here.plane.setLeg(leg);
    await expect.poll(level).toBeGreaterThan(-20);
    await here.plane.setLeg({ ...leg, muted: true });
    await expect.poll(level).toBe(-120);
    await here.plane.setLeg(leg);
    await expect.poll(level).toBeGreaterThan(-20);
    expectUnbroken(peer.packets());
  });

  it('has the volume of its role', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const level = async () => (await here.plane.stats('a')).levels?.inputDb ?? 0;
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { input: 'tone:440' }));
    await expect.poll(level).toBeGreaterThan(-13);
    await here.plane.setVolume('input', 0.1);
    await expect.poll(level).toBeLessThan(-30);
    const other = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('b', other, peer.sockets, { input: 'tone:440' }));
    await expect.poll(async () => (await here.plane.stats('b')).levels?.inputDb).toBeLessThan(-30);
  });

  it('carries RTCP on its RTP port when multiplexed (RFC 5761)', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const { rtp } = peer.sockets;
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, { remote: { rtp, rtcp: rtp, rtcpMux: true } }),
    );
    await peer.until('RTCP', () => peer.rtp.some((packet) => packet.readUInt8(1) === 200));
    expect(peer.rtcp.length).toBe(0);
  });
});

describe('an echo leg', () => {
  it('answers with what it hears', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const wav = join(here.directory, 'a.wav');
    await there.plane.setLeg(legConfig('b', b, a, { input: 'echo' }));
    await here.plane.setLeg(legConfig('a', a, b, { input: 'tone:440', output: `file:${wav}` }));
    await played(wav, 440, 700);
    expect((await here.plane.stats('a')).rx.lost).toBe(0);
  });
});
