import { hasTone, type Audio } from '@offhook/common/audio';

const FRAME_MS = 20;

export interface Silence {
  /** The longest time without any of the tones, to the nearest 20 ms; the end is left out. */
  readonly longestMs: number;
  /** How long one of them was there, all in all. */
  readonly presentMs: number;
  /** Which was there last. */
  readonly last: number | undefined;
}

/** How long none of these tones is in a recording. */
export function silence({ samples, sampleRate }: Audio, tones: readonly number[]): Silence {
  const length = Math.round((sampleRate * FRAME_MS) / 1000);
  let longest = 0;
  let current = 0;
  let present = 0;
  let last: number | undefined;
  for (let at = 0; at + length <= samples.length; at += length) {
    const frame = samples.subarray(at, at + length);
    const tone = tones.find((hz) => hasTone(frame, hz, sampleRate));
    if (tone === undefined) {
      current++;
      continue;
    }
    longest = Math.max(longest, current);
    current = 0;
    present++;
    last = tone;
  }
  return { longestMs: FRAME_MS * longest, presentMs: FRAME_MS * present, last };
}
