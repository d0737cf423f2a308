import { level, speech } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';

import { locate, loss } from '../src/echo/analysis.ts';
import { hear, RATE } from '../src/echo/simulated-room.ts';

const said = speech(1, 5).samples;

describe('what became of somebody who spoke', () => {
  it('is located to the sample under the voice of another, with its loss', () => {
    const heard = speech(4, 9).samples.map((sample) => sample / 2);
    said.forEach((sample, at) => {
      heard[12_345 + at] = (heard[12_345 + at] ?? 0) + sample / 2;
    });
    expect(locate(said, heard)).toBe(12_345);
    expect(loss(said, heard, 12_345)).toBeGreaterThan(5);
    expect(loss(said, heard, 12_345)).toBeLessThan(7);
  });
});

describe('a simulated room', () => {
  it('lets the microphone hear the loudspeaker later and softer, and the person at once', () => {
    const { far, near, microphone } = hear({
      seconds: 4,
      far: { from: 0, to: 2 },
      near: { from: 3, to: 4 },
      noiseDb: -75,
      pathMs: () => 120,
    });
    expect(locate(far.subarray(0, RATE), microphone)).toBe((120 * RATE) / 1000);
    expect(locate(near.subarray(3 * RATE), microphone)).toBe(3 * RATE);
    expect(level(microphone.subarray(0, 1500))).toBeLessThan(-70);
  });
});
