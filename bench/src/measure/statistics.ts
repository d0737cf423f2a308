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
