import type { Audio } from './wav.ts';

/** The level of one frequency in dBFS (a full-scale sine is 0), by the Goertzel algorithm. */
export function goertzel(samples: Float32Array, hz: number, sampleRate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
  let last = 0;
  let beforeLast = 0;
  samples.forEach((sample, index) => {
    // A Hann window keeps a strong neighbour from leaking into this frequency.
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / samples.length);
    const now = sample * window + coefficient * last - beforeLast;
    beforeLast = last;
    last = now;
  });
  const power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
  const amplitude = (4 * Math.sqrt(Math.max(0, power))) / Math.max(1, samples.length);
  return decibels(amplitude);
}

/** RMS level in dBFS, so that a full-scale sine is -3; -120 for silence. */
export function level(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return decibels(Math.sqrt(sum / Math.max(1, samples.length)));
}

export interface ToneReport {
  /** Milliseconds of audio looked at. */
  readonly totalMs: number;
  /** Milliseconds of it in which the tone stood out. */
  readonly presentMs: number;
  /** The longest stretch without the tone, between its first and its last presence. */
  readonly longestGapMs: number;
  /** All stretches without the tone, likewise. */
  readonly gapsMs: readonly number[];
}

/**
 * Where in the audio a tone is there: in windows of 20 ms, every 10 ms, in which it carries more
 * than half of the energy and is above -50 dBFS.
 */
export function findTone(audio: Audio, hz: number): ToneReport {
  const size = Math.round(audio.sampleRate / 50);
  const step = Math.round(audio.sampleRate / 100);
  const present: boolean[] = [];
  for (let at = 0; at + size <= audio.samples.length; at += step) {
    const window = audio.samples.subarray(at, at + size);
    present.push(hasTone(window, hz, audio.sampleRate));
  }
  const gapsMs: number[] = [];
  // Silence before the first and after the last tone is no gap.
  const heard = present.slice(Math.max(0, present.indexOf(true)), present.lastIndexOf(true) + 1);
  let run = 0;
  for (const there of heard) {
    if (there) {
      if (run > 0) gapsMs.push(10 * run);
      run = 0;
    } else {
      run++;
    }
  }
  return {
    totalMs: (1000 * audio.samples.length) / audio.sampleRate,
    presentMs: 10 * present.filter(Boolean).length,
    longestGapMs: Math.max(0, ...gapsMs),
    gapsMs,
  };
}

/** The tone carries most of the energy of these samples. */
export function hasTone(samples: Float32Array, hz: number, sampleRate: number): boolean {
  const tone = goertzel(samples, hz, sampleRate);
  // RMS of a pure sine is 3 dB below its peak.
  return tone > -50 && tone - 3 > level(samples) - 3;
}

/**
 * The strongest frequency, to 0.1 Hz given a second of audio: each finer sweep looks at more of it,
 * because a long stretch has too narrow a peak for a coarse one to hit.
 */
export function dominantFrequency(audio: Audio, from = 200, to = 3600): number {
  const { samples, sampleRate } = audio;
  let low = from;
  let high = to;
  let best = from;
  for (const [width, seconds] of [
    [10, 0.1],
    [1, 0.4],
    [0.1, 2],
  ] as const) {
    const part = samples.subarray(0, Math.round(seconds * sampleRate));
    let top = -Infinity;
    for (let hz = low; hz <= high; hz += width) {
      const value = goertzel(part, hz, sampleRate);
      if (value > top) {
        top = value;
        best = hz;
      }
    }
    low = best - width;
    high = best + width;
  }
  return Math.round(10 * best) / 10;
}

function decibels(amplitude: number): number {
  return amplitude <= 1e-6 ? -120 : 20 * Math.log10(amplitude);
}
