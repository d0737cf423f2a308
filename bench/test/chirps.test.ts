import type { Audio } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';

import { chirpTrain, delays, findChirps } from '../src/latency/chirps.ts';

const COUNT = 5;
const ONSETS = [0.5, 1.81, 3.38, 4.81, 6.5];

/** As heard at the far end: later, quieter, and through a codec that rounds coarsely. */
function heard({ samples, sampleRate }: Audio, { delay, gain }: { delay: number; gain: number }) {
  const shift = Math.round(delay * sampleRate);
  const late = new Float32Array(samples.length + shift);
  for (const [index, value] of samples.entries()) {
    late[index + shift] = Math.round(value * gain * 100) / 100;
  }
  return { sampleRate, samples: late };
}

describe('chirps', () => {
  it('are found where they were played', () => {
    const found = findChirps(chirpTrain(COUNT));
    expect(found).toHaveLength(COUNT);
    for (const [index, at] of found.entries()) expect(at).toBeCloseTo(ONSETS[index] ?? 0, 3);
  });

  it('tell how much later they are heard, though quieter and distorted', () => {
    const train = chirpTrain(COUNT);
    const found = findChirps(heard(train, { delay: 0.1234, gain: 0.3 }));
    const { ms, lost } = delays(ONSETS, found);
    expect(lost).toBe(0);
    for (const one of ms) expect(one).toBeCloseTo(123.4, 0);
  });

  it('that never arrive are lost, and not mistaken for the next', () => {
    expect(delays(ONSETS, [0.6, 3.5, 4.9, 6.6])).toMatchObject({ played: 5, lost: 1 });
  });

  it('are not found in silence or in noise', () => {
    const silence = { sampleRate: 48_000, samples: new Float32Array(48_000) };
    expect(findChirps(silence)).toEqual([]);
    const train = chirpTrain(1);
    expect(findChirps({ ...train, samples: train.samples.subarray(0, 24_000) })).toEqual([]);
  });
});
