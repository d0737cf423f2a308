import type { Audio } from '@offhook/common/audio';
import { describe, expect, it } from 'vitest';

import { chirpTrain, findChirps, toneOf } from '../src/latency/chirps.ts';
import { findGlitches } from '../src/latency/glitches.ts';

const TRAIN = { chirps: 2, toneSeconds: 3 };

function tone(): Audio {
  const train = chirpTrain(TRAIN.chirps, TRAIN.toneSeconds);
  const found = toneOf(train, findChirps(train), TRAIN);
  if (found === undefined) throw new Error('no tone');
  return { ...found, samples: Float32Array.from(found.samples) };
}

describe('glitches', () => {
  it('are none in an even tone, even if its clock is another', () => {
    expect(findGlitches(tone())).toEqual({ seconds: 2, events: 0 });
    const { sampleRate, samples } = tone();
    const slower = Float32Array.from(samples, (_, at) => samples[Math.floor(at * 0.9999)] ?? 0);
    expect(findGlitches({ sampleRate, samples: slower })?.events).toBe(0);
  });

  it('are gaps, and jumps of the phase, each counted once', () => {
    const broken = tone();
    broken.samples.fill(0, 20_000, 22_000);
    broken.samples.copyWithin(60_000, 60_013);
    expect(findGlitches(broken)?.events).toBe(2);
  });

  it('are not counted where no tone is', () => {
    expect(findGlitches({ sampleRate: 48_000, samples: new Float32Array(48_000) })).toBeUndefined();
    const train = chirpTrain(TRAIN.chirps, TRAIN.toneSeconds);
    expect(toneOf(train, [0.5], TRAIN)).toBeUndefined();
  });
});
