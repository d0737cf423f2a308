import type { Audio } from '@offhook/common/audio';

/** Of the tone whose breaks are counted; ten of its periods are one window. */
export const TONE_HZ = 1000;
const WINDOW_S = 0.01;
/** A window is bad when its level differs from the usual one by so much of it … */
const LEVEL_OFF = 0.25;
/** … or its phase from where the windows before it lead, in radians. */
const PHASE_OFF = 0.5;
/** Bad windows so near to each other are one glitch. */
const TOGETHER = 3;
/** Nothing in the recording is louder: the tone is not there. */
const SILENT = 0.002;

export interface Glitches {
  readonly seconds: number;
  readonly events: number;
}

/**
 * Breaks in what should be one even tone: gaps, repeats and jumps, by level and phase in windows of
 * 10 ms. Undefined when there is no tone at all.
 */
export function findGlitches({ samples, sampleRate }: Audio): Glitches | undefined {
  const size = Math.round(WINDOW_S * sampleRate);
  const windows = Array.from({ length: Math.floor(samples.length / size) }, (_, index) =>
    toneIn(samples, index * size, size, sampleRate),
  );
  const level = middle(windows.map((one) => one.level));
  if (level === undefined || level < SILENT) return undefined;
  const turns = windows
    .slice(1)
    .map((one, index) => wrap(one.phase - (windows[index]?.phase ?? 0)));
  // The clocks of the two ends differ a little: the tone turns evenly.
  const drift = middle(turns) ?? 0;
  let events = 0;
  let lastBad = Number.NEGATIVE_INFINITY;
  for (const [index, one] of windows.entries()) {
    const turn = index === 0 ? 0 : wrap((turns[index - 1] ?? 0) - drift);
    const bad = Math.abs(one.level - level) > LEVEL_OFF * level || Math.abs(turn) > PHASE_OFF;
    if (!bad) continue;
    if (index - lastBad > TOGETHER) events++;
    lastBad = index;
  }
  return { seconds: samples.length / sampleRate, events };
}

/** Level and phase of the tone in one window, as against its beginning in the recording. */
function toneIn(samples: Float32Array, from: number, size: number, rate: number) {
  let real = 0;
  let imaginary = 0;
  for (let index = from; index < from + size; index++) {
    const angle = (2 * Math.PI * TONE_HZ * index) / rate;
    real += (samples[index] ?? 0) * Math.cos(angle);
    imaginary -= (samples[index] ?? 0) * Math.sin(angle);
  }
  return { level: (2 * Math.hypot(real, imaginary)) / size, phase: Math.atan2(imaginary, real) };
}

function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

function middle(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
