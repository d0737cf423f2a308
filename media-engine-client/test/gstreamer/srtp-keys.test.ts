import { describe, expect, it } from 'vitest';
import type { SrtpKey } from '../../src/media-plane.ts';
import { RtpPeer, writeRtp } from './rtp-peer.ts';
import { rtcpIndex, SrtpReader } from './srtp.ts';
import {
  codec,
  killWorker,
  legConfig,
  openPlane,
  openSockets,
  pretendSent,
  srtpKey,
  type TestPlane,
} from './test-plane.ts';

const reader = (key: SrtpKey) => new SrtpReader(key.suite, key.keySalt);

/** The 48-bit indices of what the peer got under this key, in the order of their arrival. */
function indices(peer: RtpPeer, key: SrtpKey): number[] {
  const opened = reader(key);
  return peer.packets().flatMap(({ raw, seq }) => {
    const rollOver = [0, 1, 2, 3].find((roc) => opened.open(raw, roc) !== undefined);
    return rollOver === undefined ? [] : [rollOver * 65_536 + seq];
  });
}

function expectRising(numbers: readonly number[]): void {
  numbers.slice(1).forEach((number, at) => {
    expect(number).toBeGreaterThan(numbers[at] ?? 0);
  });
}

/** What the peer sends, an RTP packet each 20 ms of its clock, whatever the time. */
class Sender {
  #seq: number;
  readonly #peer: RtpPeer;
  readonly #to: { address: string; port: number };

  constructor(peer: RtpPeer, to: { address: string; port: number }, seq: number) {
    this.#peer = peer;
    this.#to = to;
    this.#seq = seq;
  }

  send(count: number, key: SrtpKey, rollOver: () => number): void {
    const sealer = reader(key);
    for (let sent = 0; sent < count; sent++) {
      const packet = writeRtp({
        payloadType: 8,
        seq: this.#seq,
        timestamp: this.#seq * 160,
        ssrc: 0x1234_5678,
        payload: Buffer.alloc(160, 0xd5),
      });
      this.#peer.send(sealer.seal(packet, rollOver()), this.#to);
      this.#seq++;
    }
  }

  /** Roll-over count of what comes next, if the key stays. */
  get rolled(): number {
    return Math.floor(this.#seq / 65_536);
  }
}

async function received(here: TestPlane, packets: number): Promise<void> {
  await expect
    .poll(async () => (await here.plane.stats('a')).rx, { timeout: 4000 })
    .toMatchObject({ packets, rejected: 0 });
}

describe('a new key one way', () => {
  it('leaves the other way its indices, across the roll-over of both', async () => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const [tx, rx, rxNext, txNext] = [srtpKey(), srtpKey(), srtpKey(), srtpKey()];
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, {
      srtp: { tx, rx },
      codec: codec('PCMA', 10),
    });
    await here.plane.setLeg(leg);
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    await pretendSent(here, 0x1_ffb0);
    await peer.until('a roll-over', () => (indices(peer, tx).at(-1) ?? 0) > 0x2_0000, 8000);
    const sender = new Sender(peer, sockets.rtp, 0xfff8);
    sender.send(16, rx, () => sender.rolled);
    await received(here, 16);

    // The peer's key alone, as its re-INVITE may bring it: it begins at a roll-over count of zero.
    const reports = peer.rtcp.length;
    await here.plane.setLeg({ ...leg, srtp: { tx, rx: rxNext } });
    sender.send(16, rxNext, () => 0);
    await received(here, 32);
    const before = peer.rtp.length;
    await peer.until('20 packets more', () => peer.rtp.length >= before + 20);
    const sent = indices(peer, tx);
    expect(sent).toHaveLength(peer.rtp.length);
    expectRising(sent);
    expect(sent.at(-1)).toBeGreaterThan(0x2_0000);
    await peer.until('a report', () => peer.rtcp.length > reports, 8000);
    expectRising(peer.rtcp.map(rtcpIndex));

    // Our key alone: what the peer sends goes on under the count that it has.
    const rolling = new Sender(peer, sockets.rtp, 0xfff0);
    rolling.send(32, rxNext, () => rolling.rolled);
    await received(here, 64);
    await here.plane.setLeg({ ...leg, srtp: { tx: txNext, rx: rxNext } });
    rolling.send(16, rxNext, () => rolling.rolled);
    await received(here, 80);
    await peer.until('20 packets under the new key', () => indices(peer, txNext).length >= 20);
    expect(indices(peer, txNext).every((index) => index < 0x1_0000)).toBe(true);
  });

  it.each([
    { changed: 'the peer’s', ours: false },
    { changed: 'ours', ours: true },
  ])('is told apart when the worker dies before it has it: $changed', async ({ ours }) => {
    await using here = await openPlane();
    await using peer = await RtpPeer.open();
    const [tx, next] = [srtpKey(), srtpKey()];
    const sockets = await openSockets(here.plane);
    const leg = legConfig('a', sockets, peer.sockets, { srtp: { tx, rx: srtpKey() } });
    await here.plane.setLeg(leg);
    await peer.until('5 packets', () => peer.rtp.length >= 5);
    await pretendSent(here, 0x1_0100);
    await peer.until('packets', () => (indices(peer, tx).at(-1) ?? 0) > 0x1_0105);
    let set: Promise<unknown> = Promise.resolve();
    await killWorker(here, () => {
      const srtp = { tx: ours ? next : tx, rx: srtpKey() };
      // It may fail with the worker that it waits for; the next worker gets it anyway.
      set = here.plane.setLeg({ ...leg, srtp }).catch(() => undefined);
    });
    await set;
    const before = peer.rtp.length;
    await peer.until('20 packets more', () => peer.rtp.length >= before + 20);
    expectRising(indices(peer, tx));
    expect([...indices(peer, tx), ...indices(peer, next)]).toHaveLength(peer.rtp.length);
    const last = indices(peer, ours ? next : tx).slice(-15);
    expect(last).toHaveLength(15);
    expect(last.every((index) => index >= 0x1_0000 === !ours)).toBe(true);
  });
});
