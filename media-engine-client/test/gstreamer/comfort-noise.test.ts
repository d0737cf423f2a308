import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { goertzel, level } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';
import type { TransportAddress } from '../../src/media-plane.ts';
import { RtpPeer, writeRtp } from './rtp-peer.ts';
import { codec, legConfig, openPlane, openSockets, recording } from './test-plane.ts';

const FRAME_MS = 20;
const FRAME = 160;
const SILENCE_MS = 1200;
/** RFC 3389 §3.1. */
const COMFORT_NOISE = 13;

/** Says a loud "A" for `ms`, is silent for a while after the first, and says it again; a frame each 20 ms. */
async function speak(
  peer: RtpPeer,
  to: TransportAddress,
  noise: Buffer | undefined,
  times: number,
) {
  const since = performance.now();
  let seq = 65_530;
  const send = async (at: number, payloadType: number, payload: Uint8Array) => {
    await after(Math.max(0, since + at - performance.now()));
    const timestamp = 1000 + (at / FRAME_MS) * FRAME;
    peer.send(writeRtp({ payloadType, seq: seq++, timestamp, ssrc: 7, payload }), to);
  };
  // A-law: a square wave of 500 Hz.
  const word = Buffer.alloc(FRAME).map((_, at) => (at % 16 < 8 ? 0xb5 : 0x35));
  for (let at = 0; at < 500; at += FRAME_MS) await send(at, 8, word);
  const packets = noise === undefined ? [] : Array.from({ length: times }, () => noise);
  for (const [time, packet] of packets.entries()) {
    await send(500 + (time * SILENCE_MS) / times, COMFORT_NOISE, packet);
  }
  for (let at = 0; at < 500; at += FRAME_MS) await send(500 + SILENCE_MS + at, 8, word);
}

/** Levels of what was played in pieces of 50 ms, from the first word to the last, and the whole. */
async function played(noise: Buffer | undefined, times = 1) {
  await using here = await openPlane();
  await using peer = await RtpPeer.open();
  const sockets = await openSockets(here.plane);
  const wav = join(here.directory, 'heard.wav');
  const config = { codec: codec('PCMA'), output: `file:${wav}` };
  await here.plane.setLeg(legConfig('a', sockets, peer.sockets, config));
  await speak(peer, sockets.rtp, noise, times);
  const word = (samples: Float32Array, rate: number) => goertzel(samples, 500, rate) > -30;
  const pieces = async () => {
    const { samples, sampleRate } = await recording(wav);
    const size = sampleRate / 20;
    return Array.from({ length: Math.floor(samples.length / size) }, (_, at) => {
      const part = samples.subarray(at * size, (at + 1) * size);
      return { db: level(part), word: word(part, sampleRate) };
    });
  };
  await expect
    .poll(async () => (await pieces()).filter((piece) => piece.word).length, { timeout: 4000 })
    .toBeGreaterThanOrEqual(18);
  const all = await pieces();
  const first = all.findIndex((piece) => piece.word);
  const silence = all.slice(first).findIndex((piece) => !piece.word) + first;
  const again = all.slice(silence).findIndex((piece) => piece.word) + silence;
  return { silence: all.slice(silence + 1, again - 1), stats: await here.plane.stats('a') };
}

/** Share of the pieces that are as loud as that. */
function atLevel(pieces: readonly { db: number }[], db: number): number {
  return pieces.filter((piece) => Math.abs(piece.db - db) < 3).length / pieces.length;
}

describe('comfort noise (RFC 3389)', () => {
  it.concurrent('is heard at its level while the peer sends nothing', async () => {
    const { silence, stats } = await played(Buffer.from([45]));
    expect(silence.length).toBeGreaterThan(SILENCE_MS / 50 - 5);
    expect(atLevel(silence, -45)).toBeGreaterThan(0.9);
    expect(stats.rx).toMatchObject({ packets: 51, lost: 0 });
    expect(stats.concealedPct).toBeLessThan(2);
  });

  it.concurrent('goes on when the peer says again how loud it is', async () => {
    const { silence, stats } = await played(Buffer.from([50]), 6);
    expect(silence.length).toBeGreaterThan(SILENCE_MS / 50 - 5);
    expect(atLevel(silence, -50)).toBeGreaterThan(0.9);
    expect(stats.rx).toMatchObject({ packets: 56, lost: 0 });
  });

  it.concurrent('may say what spectrum it has, and none of it is taken for audio', async () => {
    const { silence } = await played(Buffer.from([50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    expect(atLevel(silence, -50)).toBeGreaterThan(0.9);
  });

  it.concurrent('is not made up: a peer that just stops is not heard', async () => {
    const { silence, stats } = await played(undefined);
    for (const piece of silence) expect(piece.db).toBeLessThan(-80);
    expect(stats.rx.lost).toBe(0);
  });
});

describe('Opus with discontinuous transmission (RFC 7587)', () => {
  it('sends next to nothing in silence, marks where speech goes on, and none of it is loss', async () => {
    await using here = await openPlane();
    await using there = await openPlane();
    const [a, b] = [await openSockets(here.plane), await openSockets(there.plane)];
    const dtx = { ...codec('opus'), opus: { inbandFec: false, dtx: true } };
    const leg = legConfig('a', a, b, { codec: dtx, input: 'tone:440' });
    await there.plane.setLeg(legConfig('b', b, a, { codec: dtx, input: 'null' }));
    await here.plane.setLeg(leg);
    const stats = async () => (await there.plane.stats('b')).rx;
    await expect.poll(async () => (await stats()).packets, { timeout: 5000 }).toBeGreaterThan(40);
    await here.plane.setLeg({ ...leg, muted: true });
    // One packet in 400 ms, once the encoder is sure; 25 otherwise.
    const inHalfASecond = async () => {
      const since = (await stats()).packets;
      await after(500);
      return (await stats()).packets - since;
    };
    await expect.poll(inHalfASecond, { timeout: 5000 }).toBeLessThan(5);
    const before = (await stats()).packets;
    await here.plane.setLeg({ ...leg, muted: false });
    await expect.poll(async () => (await stats()).packets - before).toBeGreaterThan(40);
    expect((await stats()).lost).toBe(0);
    expect((await there.plane.stats('b')).concealedPct).toBe(0);
  });
});
