import { level } from '@offhook/common/audio';

import { RATE } from './simulated-room.ts';

/** Samples that are taken together while a delay is looked for roughly. */
const COARSE = 8;

/**
 * At which sample of `heard` the sound of `said` begins, by cross-correlation: roughly first, then to
 * the sample.
 */
export function locate(said: Float32Array, heard: Float32Array): number {
  const rough = COARSE * best(coarse(said), coarse(heard), 0, Infinity);
  return best(said, heard, rough - 2 * COARSE, rough + 2 * COARSE);
}

function best(said: Float32Array, heard: Float32Array, from: number, to: number): number {
  let found = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let lag = Math.max(0, from); lag <= Math.min(to, heard.length - said.length); lag++) {
    let sum = 0;
    for (let i = 0; i < said.length; i++) sum += (said[i] ?? 0) * (heard[lag + i] ?? 0);
    if (sum > most) [most, found] = [sum, lag];
  }
  return found;
}

function coarse(samples: Float32Array): Float32Array {
  return Float32Array.from({ length: Math.floor(samples.length / COARSE) }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < COARSE; i++) sum += samples[COARSE * at + i] ?? 0;
    return sum / COARSE;
  });
}

/**
 * By how much what was said is softer in what was heard from `at`, dB: the least-squares gain, which
 * what else is heard does not change.
 */
export function loss(said: Float32Array, heard: Float32Array, at: number): number {
  let common = 0;
  let own = 0;
  for (let i = 0; i < said.length; i++) {
    common += (said[i] ?? 0) * (heard[at + i] ?? 0);
    own += (said[i] ?? 0) ** 2;
  }
  return -20 * Math.log10(Math.abs(common / own));
}

/** Level of so many seconds from a sample, dBFS. */
export function levelOf(samples: Float32Array, at: number, seconds: number): number {
  return level(samples.subarray(Math.max(0, at), Math.max(0, at) + Math.round(seconds * RATE)));
}
