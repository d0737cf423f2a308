import type { CapturedPacket } from '@offhook/test-sipp';
import { describe, expect, it } from 'vitest';
import { listen } from '../src/listener.ts';

interface Change {
  readonly late?: number;
  readonly skip?: number;
  readonly ssrc?: number;
  readonly sequence?: number;
}

/** Two seconds of PCMA every 20 ms; `changes` by the number of the packet, and for all after it. */
function stream(changes: Readonly<Record<number, Change>> = {}): CapturedPacket[] {
  let [sequence, timestamp, ssrc] = [65_500, 4_294_960_000, 1];
  const packets: CapturedPacket[] = [];
  for (let index = 0; index < 100; index++) {
    const change = changes[index] ?? {};
    sequence = (sequence + 1 + (change.skip ?? 0) + (change.sequence ?? 0)) % 65_536;
    timestamp = (timestamp + 160 * (1 + (change.skip ?? 0))) % 2 ** 32;
    ssrc = change.ssrc ?? ssrc;
    if ((change.skip ?? 0) > 0) index += change.skip ?? 0;
    packets.push({
      at: 20 * index + (change.late ?? 0),
      from: '127.0.0.1:9',
      rtp: {
        payloadType: 8,
        marker: false,
        sequence,
        timestamp,
        ssrc,
        payload: new Uint8Array(160),
      },
    });
  }
  return packets;
}

describe('what the far end hears', () => {
  it('is no gap in an even stream, also where its counters wrap', () => {
    expect(listen(stream())).toMatchObject({ gapMs: 0, lost: 0, jumps: 0, streams: [1] });
  });

  it('is no gap when packets are late by less than the jitter buffer holds', () => {
    expect(listen(stream({ 50: { late: 55 }, 51: { late: 35 } }))).toMatchObject({ gapMs: 0 });
  });

  it('is a gap by as much as a packet is later than that', () => {
    const { gapMs, stallMs } = listen(stream({ 50: { late: 160 } }));
    expect({ gapMs, stallMs }).toEqual({ gapMs: 100, stallMs: 160 });
  });

  it('is a gap as long as the packets that are lost', () => {
    expect(listen(stream({ 50: { skip: 3 } }))).toMatchObject({ gapMs: 60, lost: 3, jumps: 1 });
  });

  it('is a gap as long as nothing came where the stream jumps forward or begins anew', () => {
    expect(listen(stream({ 50: { sequence: 100, late: 80 } }))).toMatchObject({
      gapMs: 80,
      lost: 100,
    });
    expect(listen(stream({ 50: { ssrc: 2, late: 30 } }))).toMatchObject({
      gapMs: 30,
      streams: [1, 2],
    });
  });

  it('leaves out what came twice', () => {
    const packets = stream();
    const twice = packets.flatMap((packet) => [packet, packet]);
    expect(listen(twice)).toMatchObject({ gapMs: 0, lost: 0, jumps: 0 });
  });
});
