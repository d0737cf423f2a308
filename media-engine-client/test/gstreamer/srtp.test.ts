import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SrtpSuite } from '@offhook/media-rpc';
import { RtpPeer } from './rtp-peer.ts';
import { SrtpReader } from './srtp.ts';
import { legConfig, openPlane, openSockets, played, srtpKey } from './test-plane.ts';

describe('a leg with SRTP', () => {
  it.each<SrtpSuite>([
    'AES_CM_128_HMAC_SHA1_80',
    'AES_CM_128_HMAC_SHA1_32',
    'AES_256_CM_HMAC_SHA1_80',
  ])('carries a tone both ways with %s, and RTCP', async (suite) => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const [one, two] = [srtpKey(suite), srtpKey(suite)];
    const [hereWav, thereWav] = [join(here.directory, 'a.wav'), join(there.directory, 'b.wav')];
    await here.plane.setLeg(
      legConfig('a', a, b, {
        srtp: { tx: one, rx: two },
        input: 'tone:440',
        output: `file:${hereWav}`,
      }),
    );
    await there.plane.setLeg(
      legConfig('b', b, a, {
        srtp: { tx: two, rx: one },
        input: 'tone:700',
        output: `file:${thereWav}`,
      }),
    );
    await played(hereWav, 700, 900);
    await played(thereWav, 440, 900);
    const stats = await here.plane.stats('a');
    expect(stats.rx.rejected).toBe(0);
    expect(stats.remote).toBeDefined();
  });

  it('sends what an independent reader opens with that key only', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const key = srtpKey();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, {
        srtp: { tx: key, rx: srtpKey() },
        input: 'tone:440',
      }),
    );
    await peer.until('20 packets', () => peer.rtp.length >= 20);
    const reader = new SrtpReader(key.suite, key.keySalt);
    const stranger = new SrtpReader(key.suite, srtpKey().keySalt);
    for (const packet of peer.rtp) {
      expect(reader.open(packet, 0)?.length).toBe(160);
      expect(stranger.open(packet, 0)).toBeUndefined();
    }
  });

  it('goes on under new keys from a roll-over count of zero, in the same stream', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const [first, second] = [srtpKey(), srtpKey()];
    const rx = srtpKey();
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, { srtp: { tx: first, rx } });
    await here.plane.setLeg(leg);
    await peer.until('10 packets', () => peer.rtp.length >= 10);
    await here.plane.setLeg({ ...leg, srtp: { tx: second, rx } });
    const before = peer.rtp.length;
    await peer.until('10 packets more', () => peer.rtp.length >= before + 10);
    const readers = [first, second].map((key) => new SrtpReader(key.suite, key.keySalt));
    const keys = peer.rtp.map((packet) =>
      readers.findIndex((r) => r.open(packet, 0) !== undefined),
    );
    expect(keys).toStrictEqual(keys.toSorted((a, b) => a - b));
    expect(new Set(keys)).toStrictEqual(new Set([0, 1]));
    const packets = peer.packets();
    expect(new Set(packets.map((packet) => packet.ssrc)).size).toBe(1);
    packets.slice(1).forEach((packet, at) => {
      expect(packet.seq).toBe(((packets[at]?.seq ?? 0) + 1) & 0xffff);
    });
  });

  it('keeps its context when it is set again to the same keys', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const srtp = { tx: srtpKey(), rx: srtpKey() };
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, { srtp });
    await here.plane.setLeg(leg);
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    await here.plane.setLeg({ ...leg, muted: true });
    await here.plane.setLeg({ ...leg, direction: 'recvonly' });
    await here.plane.setLeg(leg);
    const before = peer.rtp.length;
    await peer.until('5 packets more', () => peer.rtp.length >= before + 5);
    const reader = new SrtpReader(srtp.tx.suite, srtp.tx.keySalt);
    expect(peer.rtp.every((packet) => reader.open(packet, 0) !== undefined)).toBe(true);
    const indices = peer.packets().map((packet) => packet.seq);
    expect(new Set(indices).size).toBe(indices.length);
  });

  it('drops packets that do not authenticate, and plain ones, as a count only', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, { srtp: { tx: srtpKey(), rx: srtpKey() } }),
    );
    for (let seq = 0; seq < 20; seq++) {
      const packet = Buffer.alloc(182, seq);
      packet.writeUInt32BE(0x80_08_00_00 + seq, 0);
      peer.send(packet, sockets.rtp);
    }
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    const stats = await here.plane.stats('a');
    expect(stats.rx.packets).toBe(0);
    expect(stats.rx.rejected).toBe(20);
  });
});
