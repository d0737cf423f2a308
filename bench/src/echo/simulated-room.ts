import { speech } from '@offhook/common/audio';

export const RATE = 16_000;
/** Of an echo path after its first arrival: where it comes again, ms, and how loud. */
const REFLECTIONS = [
  [0, 1],
  [3.1, 0.35],
  [7.4, -0.27],
  [12.9, 0.2],
  [19.7, -0.14],
  [28.3, 0.1],
  [39.1, 0.06],
] as const;
/** The echo is 6 dB softer than what the loudspeaker plays, as of one on the same desk. */
const LOSS = 0.5;

export interface Scene {
  readonly seconds: number;
  /** When the far end speaks, seconds. */
  readonly far: { readonly from: number; readonly to: number };
  /** When the person in the room speaks. */
  readonly near: { readonly from: number; readonly to: number };
  /** Noise in the room, RMS in dBFS. */
  readonly noiseDb: number;
  /** From the making of a sound to the microphone, ms, at a time in seconds. */
  readonly pathMs: (second: number) => number;
}

export interface Heard {
  /** What the loudspeaker plays. */
  readonly far: Float32Array;
  /** What the person in the room says. */
  readonly near: Float32Array;
  /** What the microphone hears: the person, the loudspeaker over the path, noise. */
  readonly microphone: Float32Array;
}

/** A room with a loudspeaker, a microphone and a person. */
export function hear({ seconds, far, near, noiseDb, pathMs }: Scene): Heard {
  const length = Math.round(seconds * RATE);
  const played = between(speech(seconds, 1, RATE).samples, far);
  const said = between(speech(seconds, 2, RATE).samples, near);
  const noise = Math.sqrt(3) * 10 ** (noiseDb / 20);
  const microphone = Float32Array.from({ length }, (_, at) => {
    const way = toSamples(pathMs(at / RATE));
    let echo = 0;
    for (const [ms, gain] of REFLECTIONS) echo += gain * (played[at - way - toSamples(ms)] ?? 0);
    return (said[at] ?? 0) + LOSS * echo + noise * (2 * Math.random() - 1);
  });
  return { far: played, near: said, microphone };
}

function between(samples: Float32Array, { from, to }: Scene['far']): Float32Array {
  return samples.map((sample, at) => (at >= from * RATE && at < to * RATE ? sample : 0));
}

function toSamples(ms: number): number {
  return Math.round((ms * RATE) / 1000);
}
