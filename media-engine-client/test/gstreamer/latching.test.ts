import { describe, expect, it } from 'vitest';
import type { LegConfig, MediaPlane, RtpSockets } from '../../src/media-plane.ts';
import { RtpPeer, writeRtp } from './rtp-peer.ts';
import { legConfig, nextEvent, openPlane, openSockets, srtpKey } from './test-plane.ts';

const SILENCE = Buffer.alloc(160, 0xd5);

/** `count` packets of A-law silence in sequence. */
function talk(
  peer: RtpPeer,
  to: RtpSockets,
  options: { seq: number; count: number; ssrc: number; payloadType?: number },
): void {
  for (let at = 0; at < options.count; at++) {
    peer.send(
      writeRtp({
        payloadType: options.payloadType ?? 8,
        seq: options.seq + at,
        timestamp: 160 * (options.seq + at),
        ssrc: options.ssrc,
        payload: SILENCE,
      }),
      to.rtp,
    );
  }
}

async function received(plane: MediaPlane, packets: number): Promise<void> {
  await expect
    .poll(async () => (await plane.stats('a')).rx.packets)
    .toBeGreaterThanOrEqual(packets);
}

async function setUp(plane: MediaPlane, remote: RtpPeer, latching: LegConfig['latching']) {
  const sockets = await openSockets(plane);
  await plane.setLeg(legConfig('a', sockets, remote.sockets, { latching }));
  return sockets;
}

describe('symmetric RTP', () => {
  it('follows the first valid source and tells so', async () => {
    await using here = await openPlane();
    await using announced = await RtpPeer.open();
    await using actual = await RtpPeer.open();
    const sockets = await setUp(here.plane, announced, 'once');
    const latched = nextEvent(here.plane, 'latched');
    talk(actual, sockets, { seq: 1, count: 3, ssrc: 1 });
    expect(await latched).toStrictEqual({ leg: 'a', remote: actual.sockets.rtp });
    await actual.until('packets', () => actual.rtp.length > 3);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(actual.sockets.rtp);
  });

  it('with `off` sends to the announced address only, and hears the real source', async () => {
    await using here = await openPlane();
    await using announced = await RtpPeer.open();
    await using actual = await RtpPeer.open();
    const sockets = await setUp(here.plane, announced, 'off');
    talk(actual, sockets, { seq: 1, count: 10, ssrc: 1 });
    await received(here.plane, 9);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(announced.sockets.rtp);
    expect(actual.rtp.length).toBe(0);
  });

  it('is not taken over by a stranger while the source is heard', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    await using attacker = await RtpPeer.open();
    const sockets = await setUp(here.plane, peer, 'follow');
    talk(peer, sockets, { seq: 1, count: 10, ssrc: 1 });
    await received(here.plane, 10);
    for (const ssrc of [1, 2]) talk(attacker, sockets, { seq: 5000, count: 50, ssrc });
    talk(peer, sockets, { seq: 11, count: 10, ssrc: 1 });
    await received(here.plane, 20);
    const stats = await here.plane.stats('a');
    expect(stats.sendingTo).toStrictEqual(peer.sockets.rtp);
    expect(stats.rx.packets).toBe(20);
    expect(stats.rx.rejected).toBe(100);
    expect(stats.rx.lost).toBe(0);
    expect(attacker.rtp.length).toBe(0);
  });

  it('with `follow` takes another source once the present one has been silent for 2 s', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    await using moved = await RtpPeer.open();
    const sockets = await setUp(here.plane, peer, 'follow');
    talk(peer, sockets, { seq: 1, count: 5, ssrc: 1 });
    await received(here.plane, 5);
    const latched = nextEvent(here.plane, 'latched');
    const started = performance.now();
    let seq = 6;
    const timer = setInterval(() => talk(moved, sockets, { seq: seq++, count: 1, ssrc: 1 }), 20);
    try {
      expect((await latched).remote).toStrictEqual(moved.sockets.rtp);
    } finally {
      clearInterval(timer);
    }
    expect(performance.now() - started).toBeGreaterThan(1800);
  });

  it('with `once` sticks to its source, until another address is announced', async () => {
    await using here = await openPlane();
    await using announced = await RtpPeer.open();
    await using actual = await RtpPeer.open();
    await using next = await RtpPeer.open();
    const sockets = await setUp(here.plane, announced, 'once');
    talk(actual, sockets, { seq: 1, count: 3, ssrc: 1 });
    await actual.until('packets', () => actual.rtp.length > 2);
    await here.plane.setLeg(legConfig('a', sockets, next.sockets, { latching: 'once' }));
    await next.until('packets', () => next.rtp.length > 2);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(next.sockets.rtp);
  });

  it('is not taken back by packets under way from where the peer has been moved away', async () => {
    await using here = await openPlane();
    await using old = await RtpPeer.open();
    await using next = await RtpPeer.open();
    const sockets = await setUp(here.plane, old, 'follow');
    talk(old, sockets, { seq: 1, count: 5, ssrc: 1 });
    await received(here.plane, 5);
    await here.plane.setLeg(legConfig('a', sockets, next.sockets, { latching: 'follow' }));
    talk(old, sockets, { seq: 6, count: 5, ssrc: 1 });
    await received(here.plane, 10);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(next.sockets.rtp);
  });
});

describe('symmetric SRTP', () => {
  it('follows authenticated packets only', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    await using announced = await RtpPeer.open();
    await using attacker = await RtpPeer.open();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const [one, two] = [srtpKey(), srtpKey()];
    await here.plane.setLeg(
      legConfig('a', a, announced.sockets, { srtp: { tx: one, rx: two }, latching: 'once' }),
    );
    talk(attacker, a, { seq: 1, count: 30, ssrc: 1 });
    await expect.poll(async () => (await here.plane.stats('a')).rx.rejected).toBe(30);
    expect((await here.plane.stats('a')).sendingTo).toStrictEqual(announced.sockets.rtp);
    const latched = nextEvent(here.plane, 'latched');
    await there.plane.setLeg(legConfig('b', b, a, { srtp: { tx: two, rx: one } }));
    expect((await latched).remote).toStrictEqual(b.rtp);
    await expect.poll(async () => (await there.plane.stats('b')).rx.packets).toBeGreaterThan(5);
    expect(attacker.rtp.length).toBe(0);
  });

  it('counts replayed packets and plays them once', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    await using between = await RtpPeer.open();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const key = srtpKey();
    await here.plane.setLeg(legConfig('a', a, b, { srtp: { tx: srtpKey(), rx: key } }));
    await there.plane.setLeg(
      legConfig('b', b, between.sockets, { srtp: { tx: key, rx: srtpKey() }, latching: 'off' }),
    );
    await between.until('20 packets', () => between.rtp.length >= 20);
    const captured = between.rtp.slice(0, 20);
    for (let round = 0; round < 3; round++)
      for (const packet of captured) between.send(packet, a.rtp);
    await expect.poll(async () => (await here.plane.stats('a')).rx.rejected).toBe(40);
    expect((await here.plane.stats('a')).rx.packets).toBe(20);
  });
});

describe('what comes to the media port', () => {
  it('and is no RTP of the call costs a count', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await setUp(here.plane, peer, 'once');
    const stun = Buffer.from('000100002112a442000000000000000000000000', 'hex');
    for (const junk of [
      Buffer.alloc(0),
      Buffer.from('x'),
      stun,
      Buffer.alloc(12, 0xff),
      Buffer.alloc(11, 0x80),
      Buffer.alloc(2000, 0x90),
      Buffer.from('OPTIONS sip:a SIP/2.0\r\n\r\n'),
    ])
      peer.send(junk, sockets.rtp);
    talk(peer, sockets, { seq: 1, count: 10, ssrc: 1, payloadType: 77 });
    peer.sendRtcp(Buffer.from('81cb0001', 'hex'), sockets.rtcp);
    peer.sendRtcp(Buffer.alloc(1500, 0x81), sockets.rtcp);
    talk(peer, sockets, { seq: 1, count: 10, ssrc: 1 });
    await received(here.plane, 10);
    const stats = await here.plane.stats('a');
    expect(stats.rx.packets).toBe(10);
    expect(stats.rx.rejected).toBe(19);
    expect(stats.rx.lost).toBe(0);
  });

  it('from another SSRC is played once two packets of it have come in sequence', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await setUp(here.plane, peer, 'once');
    talk(peer, sockets, { seq: 1, count: 10, ssrc: 1 });
    talk(peer, sockets, { seq: 900, count: 1, ssrc: 66 });
    talk(peer, sockets, { seq: 11, count: 10, ssrc: 1 });
    await received(here.plane, 20);
    expect((await here.plane.stats('a')).rx.ssrc).toBe(1);
    talk(peer, sockets, { seq: 40_000, count: 10, ssrc: 2 });
    await received(here.plane, 28);
    const stats = await here.plane.stats('a');
    expect(stats.rx.ssrc).toBe(2);
    expect(stats.rx.lost).toBe(0);
  });

  it('as a reflection of our own packets is played: some echo services do no more', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { input: 'tone:440' }));
    let echoed = 0;
    await peer.until('an echo of 40 packets', () => {
      for (; echoed < peer.rtp.length; echoed++) peer.send(peer.rtp[echoed] as Buffer, sockets.rtp);
      return echoed >= 40;
    });
    await received(here.plane, 39);
    const stats = await here.plane.stats('a');
    expect(stats.levels?.outputDb).toBeGreaterThan(-20);
    expect(new Set(peer.packets().map((packet) => packet.ssrc)).size).toBe(1);
  });
});
