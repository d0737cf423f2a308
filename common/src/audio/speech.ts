import type { Audio } from './wav.ts';

/**
 * What has the looks of speech, made from a seed: syllables with gliding pitch and formants, breath
 * and pauses; no two seeds say the same. For what reacts to speech otherwise than to tones, such as
 * echo cancellers and silence detectors. RMS of -20 dBFS while it speaks.
 */
export function speech(seconds: number, seed: number, sampleRate = 16_000): Audio {
  const random = generator(seed);
  const samples = new Float32Array(Math.round(seconds * sampleRate));
  const pitch = between(random, 95, 210);
  for (let at = 0; at < samples.length;) {
    const length = Math.round(between(random, 0.09, 0.26) * sampleRate);
    syllable(samples.subarray(at, at + length), { random, pitch, sampleRate });
    // One syllable in eight ends a phrase.
    const pause = random() < 0.125 ? between(random, 0.15, 0.4) : between(random, 0, 0.04);
    at += length + Math.round(pause * sampleRate);
  }
  return { sampleRate, samples };
}

interface Voice {
  readonly random: () => number;
  readonly pitch: number;
  readonly sampleRate: number;
}

/** Loudness of the sum of harmonics, so that it speaks at -20 dBFS. */
const LOUDNESS = 0.1;

function syllable(out: Float32Array, { random, pitch, sampleRate }: Voice): void {
  const begin = pitch * between(random, 0.8, 1.25);
  const end = pitch * between(random, 0.8, 1.25);
  const formants = [
    { hz: between(random, 270, 800), width: 90, gain: 1 },
    { hz: between(random, 850, 2300), width: 130, gain: 0.6 },
    { hz: between(random, 2300, 3600), width: 200, gain: 0.25 },
  ];
  const breath = random() < 0.3 ? 0.5 : 0.06;
  const loud = between(random, 0.5, 1.2);
  const most = Math.floor(Math.min(3900, sampleRate / 2) / Math.max(begin, end));
  const harmonics = Array.from({ length: most }, (_, index) => {
    const hz = (index + 1) * begin;
    return formants.reduce(
      (sum, one) => sum + one.gain / (1 + ((hz - one.hz) / one.width) ** 2),
      0.02,
    );
  });
  const power = Math.sqrt(harmonics.reduce((sum, one) => sum + (one * one) / 2, 0));
  let phase = random();
  let last = 0;
  for (let i = 0; i < out.length; i++) {
    const where = i / out.length;
    phase += (begin + (end - begin) * where) / sampleRate;
    let voiced = 0;
    harmonics.forEach((gain, index) => {
      voiced += gain * Math.sin(2 * Math.PI * (index + 1) * phase + index * index);
    });
    const noise = random() - 0.5;
    const hiss = noise - last;
    last = noise;
    const envelope = Math.sin(Math.PI * where) ** 0.5 * loud;
    out[i] = Math.fround(LOUDNESS * envelope * (1.4 * (voiced / power) + breath * hiss));
  }
}

/** Of equal numbers from equal seeds, 0…1 (a linear congruential generator). */
function generator(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function between(random: () => number, low: number, high: number): number {
  return low + (high - low) * random();
}
