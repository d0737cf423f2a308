import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goertzel } from '@offhook/common/audio';
import { RtpPeer, writeRtp } from './rtp-peer.ts';
import { codec, legConfig, nextEvent, openPlane, openSockets, recording } from './test-plane.ts';
import type { MediaPlane, RtpSockets } from '../../src/media-plane.ts';

interface Heard {
  readonly digits: string[];
  readonly durations: number[];
}

function listen(plane: MediaPlane): Heard {
  const heard: Heard = { digits: [], durations: [] };
  plane.on('dtmf', ({ digit, durationMs }) => {
    heard.digits.push(digit);
    heard.durations.push(durationMs);
  });
  return heard;
}

/** The packets of one press: 20 ms apart, the end three times. */
function press(
  event: number,
  timestamp: number,
  packets = 4,
): { timestamp: number; payload: Buffer }[] {
  return Array.from({ length: packets + 2 }, (_, at) => {
    const payload = Buffer.alloc(4);
    payload.writeUInt8(event, 0);
    payload.writeUInt8(at >= packets - 1 ? 0x8a : 0x0a, 1);
    payload.writeUInt16BE(160 * Math.min(at + 1, packets), 2);
    return { timestamp, payload };
  });
}

function sendEvents(
  peer: RtpPeer,
  to: RtpSockets,
  packets: readonly ({ timestamp: number; payload: Buffer } | undefined)[],
  firstSeq = 100,
): void {
  packets.forEach((packet, at) => {
    if (packet === undefined) return; // lost
    peer.send(writeRtp({ payloadType: 101, seq: firstSeq + at, ssrc: 7, ...packet }), to.rtp);
  });
}

describe('digits by RFC 4733', () => {
  it.each(['PCMA', 'G722', 'opus'] as const)(
    'arrive once each with their duration over %s, however quick',
    async (name) => {
      await using here = await openPlane();
      await using there = await openPlane();
      const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
      const common = { codec: codec(name) };
      await here.plane.setLeg(legConfig('a', a, b, common));
      await there.plane.setLeg(legConfig('b', b, a, common));
      const heard = listen(there.plane);
      await here.plane.sendDtmf('a', {
        digits: '1159D*#0',
        method: 'rfc4733',
        durationMs: 40,
        gapMs: 30,
      });
      await expect.poll(() => heard.digits.join('')).toBe('1159D*#0');
      for (const ms of heard.durations) expect(ms).toBe(40);
      const stats = await there.plane.stats('b');
      expect(stats.rx.lost).toBe(0);
      expect(stats.concealedPct).toBe(0);
    },
  );

  it('are sent with increasing duration, marked at the start, ended three times', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await peer.until('audio', () => peer.rtp.length > 2);
    await here.plane.sendDtmf('a', { digits: '7', method: 'rfc4733', durationMs: 100, gapMs: 60 });
    const events = peer.packets().filter((packet) => packet.payloadType === 101);
    expect(events.map((packet) => packet.payload.readUInt16BE(2))).toStrictEqual([
      160, 320, 480, 640, 800, 800, 800,
    ]);
    expect(events.map((packet) => packet.payload.readUInt8(1) >> 7)).toStrictEqual([
      0, 0, 0, 0, 1, 1, 1,
    ]);
    expect(events.map((packet) => packet.marker)).toStrictEqual([true, ...Array(6).fill(false)]);
    expect(new Set(events.map((packet) => packet.timestamp)).size).toBe(1);
    expect(new Set(events.map((packet) => packet.payload.readUInt8(0)))).toStrictEqual(
      new Set([7]),
    );
    const all = peer.packets();
    all.slice(1).forEach((packet, at) => {
      expect(packet.seq).toBe(((all[at]?.seq ?? 0) + 1) & 0xffff);
    });
  });

  it('of a press whose end packets were lost end by the next press, and by time', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    const heard = listen(here.plane);
    const withoutEnd = (event: number, timestamp: number) =>
      press(event, timestamp).map((packet, at) => (at >= 3 ? undefined : packet));
    sendEvents(peer, sockets, [
      ...withoutEnd(1, 1000),
      ...press(2, 3000),
      ...press(2, 5000),
      ...withoutEnd(3, 8000),
    ]);
    await expect.poll(() => heard.digits.join('')).toBe('1223');
    expect(heard.durations).toStrictEqual([60, 80, 80, 60]);
  });

  it('count once when packets are repeated or come late', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    const heard = listen(here.plane);
    const first = press(4, 1000);
    const second = press(5, 2000);
    sendEvents(peer, sockets, [...first, ...second, ...first, ...second, ...press(6, 9000)]);
    await expect.poll(() => heard.digits.at(-1)).toBe('6');
    expect(heard.digits.join('')).toBe('456');
  });

  it('longer than a duration field holds are one press', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const common = { codec: codec('opus') };
    await here.plane.setLeg(legConfig('a', a, b, common));
    await there.plane.setLeg(legConfig('b', b, a, common));
    const heard = listen(there.plane);
    await here.plane.sendDtmf('a', {
      digits: '8',
      method: 'rfc4733',
      durationMs: 1600,
      gapMs: 60,
    });
    await expect.poll(() => heard.digits.join('')).toBe('8');
    expect(heard.durations).toStrictEqual([1600]);
  });

  it('are refused on hold and without telephone-event', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    const { telephoneEvent: _, ...without } = legConfig('a', sockets, peer.sockets);
    const digits = { digits: '1', method: 'rfc4733', durationMs: 50, gapMs: 50 } as const;
    await here.plane.setLeg(without);
    await expect(here.plane.sendDtmf('a', digits)).rejects.toMatchObject({ code: 'wrong-state' });
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { direction: 'inactive' }));
    await expect(here.plane.sendDtmf('a', digits)).rejects.toMatchObject({ code: 'wrong-state' });
  });
});

describe('in-band digits', () => {
  it('are heard as their two tones', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const wav = join(there.directory, 'b.wav');
    await here.plane.setLeg(legConfig('a', a, b));
    await there.plane.setLeg(legConfig('b', b, a, { output: `file:${wav}` }));
    await expect.poll(async () => (await there.plane.stats('b')).rx.packets).toBeGreaterThan(5);
    await here.plane.sendDtmf('a', { digits: '5', method: 'inband', durationMs: 300, gapMs: 100 });
    const heard = async () => {
      const { samples, sampleRate } = await recording(wav);
      const ends = Array.from({ length: Math.floor(samples.length / 1600) }, (_, at) =>
        samples.subarray(at * 1600, (at + 1) * 1600),
      );
      return Math.max(
        ...ends.map((part) =>
          Math.min(goertzel(part, 770, sampleRate), goertzel(part, 1336, sampleRate)),
        ),
      );
    };
    await expect.poll(heard, { timeout: 3000 }).toBeGreaterThan(-20);
  });
});

describe('a rebuilt leg', () => {
  it('still tells the digits that it hears', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const sockets = await openSockets(here.plane);
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets));
    await here.plane.setLeg(legConfig('a', sockets, peer.sockets, { codec: codec('PCMU') }));
    const digit = nextEvent(here.plane, 'dtmf');
    sendEvents(peer, sockets, press(9, 1000));
    expect(await digit).toMatchObject({ leg: 'a', digit: '9' });
  });
});
