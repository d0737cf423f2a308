import type { Audio } from '@offhook/common/audio';

import { TONE_HZ } from './glitches.ts';

/** What is played to measure how long it takes: sweeps over the band that every codec carries. */
const RATE = 48_000;
const CHIRP_S = 0.06;
const FROM_HZ = 400;
const TO_HZ = 3200;
const LEVEL = 0.5;
/** Between them, as speech has it: nothing falls silent, and no codec saves bytes by it. */
const NOISE_LEVEL = 0.03;
/** Spaced by more than the longest delay that is looked for, and unevenly, so that none is mistaken. */
const SPACING_S = [1.31, 1.57, 1.43, 1.69, 1.37] as const;
const LONGEST_S = 1.2;
const FIRST_S = 0.5;
const TONE_LEVEL = 0.3;
/** Of a tone: latency may change when chirps become one. */
const EDGE_S = 0.5;
/** Correlation is done at this rate: a quarter of a millisecond is fine enough. */
const WORK_RATE = 8000;
/** Of the correlation of two equal signals; less is no chirp. */
const LEAST = 0.35;

/** `count` chirps, the first after half a second; then a tone of that many seconds. */
export function chirpTrain(count: number, toneSeconds = 0): Audio {
  const onsets = chirpOnsets(count);
  const toneAt = Math.ceil(trainSeconds(count) * RATE);
  const samples = new Float32Array(toneAt + Math.ceil(toneSeconds * RATE));
  let seed = 1;
  for (let index = 0; index < samples.length; index++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    samples[index] = NOISE_LEVEL * (seed / 2 ** 31 - 1);
  }
  const chirp = chirpSamples(RATE);
  for (const onset of onsets) {
    const at = Math.round(onset * RATE);
    for (const [index, value] of chirp.entries()) samples[at + index] = value;
  }
  for (let index = toneAt; index < samples.length; index++) {
    samples[index] = TONE_LEVEL * Math.sin((2 * Math.PI * TONE_HZ * index) / RATE);
  }
  return { sampleRate: RATE, samples };
}

/** From the beginning of the train to that of the tone. */
function trainSeconds(count: number): number {
  return (chirpOnsets(count).at(-1) ?? 0) + LONGEST_S + CHIRP_S;
}

/** The tone at the end of a train that was recorded, without its edges; `chirps` as found in it. */
export function toneOf(
  { samples, sampleRate }: Audio,
  chirps: readonly number[],
  train: { readonly chirps: number; readonly toneSeconds: number },
): Audio | undefined {
  const [first] = chirps;
  if (first === undefined || chirps.length !== train.chirps) return undefined;
  const from = first - FIRST_S + trainSeconds(train.chirps);
  const at = (seconds: number) => Math.round(seconds * sampleRate);
  return {
    sampleRate,
    samples: samples.subarray(at(from + EDGE_S), at(from + train.toneSeconds - EDGE_S)),
  };
}

function chirpOnsets(count: number): readonly number[] {
  let at = FIRST_S;
  return Array.from({ length: count }, (_, index) => {
    const onset = at;
    at += SPACING_S[index % SPACING_S.length] ?? 1.5;
    return onset;
  });
}

function chirpSamples(rate: number): Float32Array {
  const length = Math.round(CHIRP_S * rate);
  return Float32Array.from({ length }, (_, index) => {
    const time = index / rate;
    const phase = 2 * Math.PI * (FROM_HZ * time + ((TO_HZ - FROM_HZ) * time ** 2) / (2 * CHIRP_S));
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / (length - 1));
    return LEVEL * window * Math.sin(phase);
  });
}

/** Seconds from the beginning of a recording at which chirps begin, by cross-correlation. */
export function findChirps({ samples, sampleRate }: Audio): readonly number[] {
  const signal = decimated(samples, sampleRate);
  const chirp = chirpSamples(WORK_RATE);
  const energy = Math.sqrt(sumOfSquares(chirp, 0, chirp.length));
  const found: { at: number; value: number }[] = [];
  for (let at = 0; at + chirp.length <= signal.length; at++) {
    const norm = Math.sqrt(sumOfSquares(signal, at, chirp.length)) * energy;
    // Quieter than noise at a hundredth of full scale: nothing is there.
    if (norm < energy * 0.01 * Math.sqrt(chirp.length)) continue;
    let sum = 0;
    for (let index = 0; index < chirp.length; index++) {
      sum += (chirp[index] ?? 0) * (signal[at + index] ?? 0);
    }
    const value = Math.abs(sum) / norm;
    if (value < LEAST) continue;
    const last = found.at(-1);
    // One peak for each chirp: the highest near it.
    if (last === undefined || (at - last.at) / WORK_RATE > 2 * CHIRP_S) found.push({ at, value });
    else if (value > last.value) Object.assign(last, { at, value });
  }
  return found.map(({ at }) => at / WORK_RATE);
}

/** Averages of as many samples as make one: a filter good enough for a sweep below 3.2 kHz. */
function decimated(samples: Float32Array, rate: number): Float32Array {
  const step = rate / WORK_RATE;
  return Float32Array.from({ length: Math.floor(samples.length / step) }, (_, index) => {
    let sum = 0;
    for (let inner = 0; inner < step; inner++) sum += samples[index * step + inner] ?? 0;
    return sum / step;
  });
}

function sumOfSquares(samples: Float32Array, from: number, length: number): number {
  let sum = 0;
  for (let index = from; index < from + length; index++) sum += (samples[index] ?? 0) ** 2;
  return sum;
}

export interface Delays {
  /** Milliseconds, one for each chirp that arrived. */
  readonly ms: readonly number[];
  readonly played: number;
  readonly lost: number;
}

/** How long each chirp took; times of both ends are seconds on one clock. */
export function delays(played: readonly number[], heard: readonly number[]): Delays {
  const ms = played.flatMap((at) => {
    // The recorders' clocks are a few milliseconds apart.
    const arrival = heard.find((one) => one > at - 0.01 && one < at + LONGEST_S);
    return arrival === undefined ? [] : [(arrival - at) * 1000];
  });
  return { ms, played: played.length, lost: played.length - ms.length };
}
