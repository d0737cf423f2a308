import type { MediaInfo } from '../control/schemas.ts';

/** One a second. */
export const MOST_SAMPLES = 60;

/** Figures of one second of a call. */
export interface Sample {
  /** 1…4.5; null while nothing can be said. */
  readonly mos: number | null;
  readonly lossPct: number;
  readonly jitterMs: number;
}

/** By call id, oldest first. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

/** Pure: calls that have no figures any more are forgotten. */
export function addSamples(
  samples: Samples,
  calls: readonly { readonly id: string; readonly media: MediaInfo }[],
): Samples {
  return Object.fromEntries(
    calls.map(({ id, media }) => {
      const { mos, lossPct, jitterMs } = media;
      return [id, [...(samples[id] ?? []), { mos, lossPct, jitterMs }].slice(-MOST_SAMPLES)];
    }),
  );
}

const BARS = '▁▂▃▄▅▆▇█';

/** A bar for each value; a dot where there is none. */
export function chart(values: readonly (number | null)[], from: number, to: number): string {
  return values
    .map((value) => {
      if (value === null) return '·';
      const share = Math.min(1, Math.max(0, (value - from) / (to - from)));
      return BARS.charAt(Math.round(share * (BARS.length - 1)));
    })
    .join('');
}
