import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findTone } from '@offhook/common/audio';
import { countersPath } from '../../src/gstreamer/counters.ts';
import { parseRtp, RtpPeer, type RtpPacket } from './rtp-peer.ts';
import { SrtpReader } from './srtp.ts';
import {
  codec,
  killWorker,
  legConfig,
  nextEvent,
  openPlane,
  openSockets,
  played,
  pretendSent,
  recording,
  srtpKey,
  workerPid,
} from './test-plane.ts';

function largestGapMs(packets: readonly RtpPacket[]): number {
  return Math.max(...packets.slice(1).map((packet, at) => packet.at - (packets[at]?.at ?? 0)));
}

describe('when the worker is killed', () => {
  it('legs go on from the same port and SSRC, ahead in sequence and time', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const arrivals: RtpPacket[] = [];
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { input: 'tone:440' }));
    await peer.until('10 packets', () => {
      arrivals.push(...peer.packets().slice(arrivals.length));
      return peer.rtp.length >= 10;
    });
    const killed = killWorker(here);
    await peer.until('30 packets', () => {
      arrivals.push(...peer.packets().slice(arrivals.length));
      return peer.rtp.length >= 30;
    });
    await killed;
    expect(new Set(peer.sources.map((source) => source.port))).toStrictEqual(
      new Set([sockets.rtp.port]),
    );
    expect(new Set(arrivals.map((packet) => packet.ssrc)).size).toBe(1);
    arrivals.slice(1).forEach((packet, at) => {
      const before = arrivals[at] as RtpPacket;
      const steps = (packet.seq - before.seq) & 0xffff;
      expect(steps).toBeGreaterThanOrEqual(1);
      expect(steps).toBeLessThan(100);
      expect((packet.timestamp - before.timestamp) >>> 0).toBeLessThan(160 * 100);
      expect((packet.timestamp - before.timestamp) >>> 0).toBeGreaterThanOrEqual(160);
    });
    expect(largestGapMs(arrivals)).toBeLessThan(1500);
  });

  it.each(['PCMA', 'opus'] as const)('the far end of %s hears a short gap', async (name) => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const wav = join(there.directory, 'b.wav');
    const common = { codec: codec(name) };
    await here.plane.setLeg(legConfig('a', a, b, { ...common, input: 'tone:440' }));
    await there.plane.setLeg(legConfig('b', b, a, { ...common, output: `file:${wav}` }));
    await played(wav, 440, 400);
    await killWorker(here);
    await played(wav, 440, 1000);
    expect(findTone(await recording(wav), 440).longestGapMs).toBeLessThan(1500);
  });

  it('no SRTP index is used twice across a roll-over of the sequence', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const key = srtpKey();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(
      legConfig('a', sockets, peer.sockets, {
        srtp: { tx: key, rx: srtpKey() },
        codec: codec('PCMA', 10),
      }),
    );
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    await pretendSent(here, 0x1_ffb0);
    const wrapped = (packets: readonly RtpPacket[]) =>
      packets.some((packet) => packet.seq > 0xff00) && (packets.at(-1)?.seq ?? 0xffff) < 0x100;
    await peer.until('a roll-over', () => wrapped(peer.packets()), 8000);
    await killWorker(here);
    const before = peer.rtp.length;
    await peer.until('20 packets more', () => peer.rtp.length >= before + 20);
    const reader = new SrtpReader(key.suite, key.keySalt);
    const indices = peer.packets().map((packet) => {
      const rollOver = [0, 1, 2].find((roc) => reader.open(packet.raw, roc) !== undefined);
      expect(rollOver).toBeDefined();
      return (rollOver ?? 0) * 65_536 + packet.seq;
    });
    indices.slice(1).forEach((index, at) => {
      expect(index).toBeGreaterThan(indices[at] ?? 0);
    });
    expect(indices.at(-1)).toBeGreaterThan(0x2_0000);
  });

  it('a peer with SRTP goes on hearing and being heard', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const [one, two] = [srtpKey(), srtpKey()];
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
    await played(hereWav, 700, 300);
    await played(thereWav, 440, 300);
    await killWorker(here);
    await played(hereWav, 700, 900);
    await played(thereWav, 440, 900);
    expect((await there.plane.stats('b')).rx.rejected).toBe(0);
  });

  it('a peer past its roll-over goes on being understood, and its old packets are refused', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    await using between = await RtpPeer.open();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const [one, two] = [srtpKey(), srtpKey()];
    const common = { codec: codec('PCMA', 10), latching: 'off' } as const;
    await there.plane.setLeg(
      legConfig('b', b, between.sockets, { ...common, srtp: { tx: two, rx: one } }),
    );
    await between.until('packets', () => between.rtp.length > 5);
    await pretendSent(there, 0xff80);
    const relayed = between.rtp.length;
    let passed = relayed;
    const pass = () => {
      for (; passed < between.rtp.length; passed++)
        between.send(between.rtp[passed] as Buffer, a.rtp);
      return passed;
    };
    await here.plane.setLeg(legConfig('a', a, b, { ...common, srtp: { tx: one, rx: two } }));
    await between.until('a roll-over', () => {
      const seq = parseRtp(between.rtp[pass() - 1] as Buffer).seq;
      return seq > 20 && seq < 0x8000;
    });
    await expect.poll(async () => (await here.plane.stats('a')).rx.packets).toBeGreaterThan(80);
    await killWorker(here);
    const old = between.rtp.slice(relayed, passed).slice(-20);
    for (const packet of old) between.send(packet, a.rtp);
    await expect.poll(async () => (await here.plane.stats('a')).rx.rejected).toBe(20);
    expect((await here.plane.stats('a')).rx.packets).toBe(0);
    await between.until('20 packets more', () => pass() > relayed + 150);
    await expect.poll(async () => (await here.plane.stats('a')).rx.packets).toBeGreaterThan(10);
    expect((await here.plane.stats('a')).rx.rejected).toBe(20);
  });

  it('a leg whose counters are lost sends nothing until it has new keys', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, {
      srtp: { tx: srtpKey(), rx: srtpKey() },
    });
    await here.plane.setLeg(leg);
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    const file = await open(countersPath(here.socketPath), 'r+');
    const up = nextEvent(here.plane, 'worker', (event) => event.state === 'up');
    const pid = await workerPid(here.socketPath);
    process.kill(pid, 'SIGSTOP');
    await file.truncate(0);
    await file.close();
    process.kill(pid, 'SIGKILL');
    expect((await up).countersUnknown).toStrictEqual(['a']);
    const silent = peer.rtp.length;
    await here.plane.setLeg({ ...leg, muted: true });
    expect((await here.plane.stats('a')).tx.packets).toBe(0);
    expect(peer.rtp.length).toBe(silent);
    const fresh = srtpKey();
    await here.plane.setLeg({ ...leg, srtp: { tx: fresh, rx: srtpKey() } });
    await peer.until('packets again', () => peer.rtp.length > silent + 5);
    const reader = new SrtpReader(fresh.suite, fresh.keySalt);
    expect(reader.open(peer.rtp.at(-1) as Buffer, 0)).toBeDefined();
  });
});
