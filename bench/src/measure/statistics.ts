/** The q-quantile (0…1) by linear interpolation between the two nearest samples; NaN of nothing. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) return Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** NaN of nothing. */
export function mean(samples: readonly number[]): number {
  return samples.reduce((sum, one) => sum + one, 0) / samples.length;
}

/**
 * With a probability of 95 % the true ratio of the two means is below this: by a bootstrap over the
 * samples of both (Efron's percentile method). Infinite where `below` may be nothing at all.
 */
export function ratioBound(
  above: readonly number[],
  below: readonly number[],
  random: () => number,
  rounds = 4000,
): number {
  const again = (samples: readonly number[]) =>
    mean(samples.map(() => samples[Math.floor(random() * samples.length)] ?? Number.NaN));
  const ratios = Array.from({ length: rounds }, () => {
    const divisor = again(below);
    return divisor > 0 ? again(above) / divisor : Number.POSITIVE_INFINITY;
  });
  return ratios.toSorted((a, b) => a - b)[Math.ceil(0.95 * rounds) - 1] ?? Number.NaN;
}

/** To `digits` decimals, for reports. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}

/** Median, 99th percentile and range, rounded, for the detail of a figure. */
export function spread(samples: readonly number[], digits = 2) {
  return {
    n: samples.length,
    min: round(Math.min(...samples), digits),
    p50: round(median(samples), digits),
    p99: round(quantile(samples, 0.99), digits),
    max: round(Math.max(...samples), digits),
  };
}
