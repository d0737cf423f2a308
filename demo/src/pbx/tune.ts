import { sine, type Audio } from '@offhook/common/audio';

const SAMPLE_RATE = 16_000;
const BEAT_S = 0.3;
const FADE_S = 0.02;

/** Semitones above A4 (440 Hz), and beats. */
const NOTES: readonly (readonly [semitone: number, beats: number])[] = [
  [3, 1],
  [7, 1],
  [10, 1],
  [15, 2],
  [12, 1],
  [10, 1],
  [7, 2],
  [5, 1],
  [8, 1],
  [12, 1],
  [10, 2],
  [7, 1],
  [3, 2],
];

/** A short tune of our own, repeated until it lasts that long. */
export function tune(seconds: number): Audio {
  const samples = new Float32Array(Math.round(seconds * SAMPLE_RATE));
  const once = Float32Array.from(NOTES.flatMap((note) => [...playNote(note)]));
  for (let at = 0; at < samples.length; at += once.length) {
    samples.set(once.subarray(0, samples.length - at), at);
  }
  return { sampleRate: SAMPLE_RATE, samples };
}

/** Faded in and out, so that notes do not click. */
function playNote([semitone, beats]: readonly [number, number]): Float32Array {
  const { samples } = sine(440 * 2 ** (semitone / 12), beats * BEAT_S, SAMPLE_RATE, 0.25);
  const fade = FADE_S * SAMPLE_RATE;
  return samples.map(
    (sample, index) => sample * Math.min(1, index / fade, (samples.length - index) / fade),
  );
}
