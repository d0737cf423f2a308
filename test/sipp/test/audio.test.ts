import { level, sine } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';
import { decodeG711, encodeG711 } from '../src/media/g711.ts';
import { decodeDtmf, distance, parseRtp, buildRtp } from '../src/media/rtp.ts';
import { RtpCapture } from '../src/media/rtp-capture.ts';
import { SrtpContext } from '../src/media/srtp.ts';

describe('G.711', () => {
  it.each(['PCMA', 'PCMU'] as const)('%s keeps a tone within its quantisation', (law) => {
    const { samples } = sine(1004, 0.2);
    const decoded = decodeG711(law, encodeG711(law, samples));
    const error = samples.map((sample, index) => sample - (decoded[index] ?? 0));
    expect(level(error)).toBeLessThan(level(samples) - 33);
  });

  it.each([
    ['PCMU', 0xff, 0],
    ['PCMU', 0x00, -32_124 / 32_768],
    ['PCMA', 0xd5, 8 / 32_768],
    ['PCMA', 0xaa, 32_256 / 32_768],
  ] as const)('%s decodes code word %i as the standard has it', (law, code, value) => {
    expect(decodeG711(law, Uint8Array.of(code))[0]).toBeCloseTo(value, 6);
  });
});

describe('RTP', () => {
  const packet = { payloadType: 8, marker: true, sequence: 7, timestamp: 160, ssrc: 0xdeadbeef };

  it('reads what it builds', () => {
    const payload = Uint8Array.of(1, 2, 3);
    expect(parseRtp(buildRtp({ ...packet, payload }))).toEqual({ ...packet, payload });
  });

  it('takes no RTCP and no garbage for RTP', () => {
    expect(parseRtp(Uint8Array.of(0x80, 200, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0))).toBeUndefined();
    expect(parseRtp(Buffer.from('not at all a packet of RTP'))).toBeUndefined();
    expect(parseRtp(Uint8Array.of(0x80))).toBeUndefined();
  });

  it('measures distances over the wrap', () => {
    expect(distance(65_535, 2, 16)).toBe(3);
    expect(distance(2, 65_535, 16)).toBe(-3);
  });

  it('decodes each RFC 4733 event once, however often it is repeated', () => {
    const packets = [160, 320, 480, 480, 480].map((duration, index) => ({
      ...packet,
      payloadType: 101,
      sequence: index,
      payload: Uint8Array.of(11, index >= 2 ? 0x8a : 0x0a, duration >> 8, duration & 0xff),
    }));
    expect(decodeDtmf(packets, 101)).toEqual([
      { digit: '#', durationMs: 60, packets: 5, ended: true },
    ]);
  });

  it('puts captured packets in order and leaves silence where one is missing', () => {
    const capture = new RtpCapture();
    const tone = encodeG711('PCMA', sine(400, 0.1).samples);
    for (const index of [0, 2, 1, 4]) {
      const payload = tone.subarray(160 * index, 160 * (index + 1));
      const rtp = { ...packet, sequence: 65_534 + index, timestamp: 160 * index, payload };
      rtp.sequence &= 0xffff;
      capture.add({ at: 0, from: '', rtp });
    }
    expect(capture.audio().samples).toHaveLength(800);
    expect(capture.audio().samples.subarray(480, 640)).toEqual(new Float32Array(160));
    expect(capture.continuity()).toEqual({
      packets: 4,
      lost: 1,
      duplicates: 0,
      longestJumpMs: 20,
      streams: 1,
    });
  });
});

describe('SRTP', () => {
  // RFC 3711 Appendix B.3 gives this key and salt; the session keys follow from them.
  const keySalt = Buffer.from(
    'E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6',
    'hex',
  );
  const rtp = (sequence: number) =>
    buildRtp({
      payloadType: 0,
      marker: false,
      sequence,
      timestamp: 1,
      ssrc: 5,
      payload: Buffer.from('twenty milliseconds of sound'),
    });

  it('opens what it has closed, across the wrap of the sequence number', () => {
    const tx = new SrtpContext('AES_CM_128_HMAC_SHA1_80', keySalt);
    const rx = new SrtpContext('AES_CM_128_HMAC_SHA1_80', keySalt);
    for (const sequence of [65_534, 65_535, 0, 1]) {
      const sealed = tx.protect(rtp(sequence));
      expect(sealed).not.toEqual(rtp(sequence));
      expect(Buffer.from(rx.unprotect(sealed) ?? [])).toEqual(Buffer.from(rtp(sequence)));
    }
  });

  it('refuses what was changed on the way', () => {
    const tx = new SrtpContext('AES_CM_128_HMAC_SHA1_32', keySalt);
    const sealed = tx.protect(rtp(1));
    sealed[14] = (sealed[14] ?? 0) ^ 1;
    const rx = new SrtpContext('AES_CM_128_HMAC_SHA1_32', keySalt);
    expect(rx.unprotect(sealed)).toBeUndefined();
  });
});
