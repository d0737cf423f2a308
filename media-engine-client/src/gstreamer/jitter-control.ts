/**
 * How long the jitter buffer holds packets back: as short as the network lets it. Pure.
 */
export interface JitterState {
  readonly latencyMs: number;
  /** Seconds in which a shorter buffer would have done. */
  readonly calm: number;
}

export interface JitterSample {
  /** Interarrival jitter, RFC 3550 §6.4.1. */
  readonly jitterMs: number;
  /** Packets that came too late since the last sample. */
  readonly late: number;
  /** Packets received since the last sample. */
  readonly received: number;
}

export interface JitterLimits {
  readonly min: number;
  readonly max: number;
}

const START_MS = 20;
const STEP_MS = 10;
/** A change is heard as a tiny jump, so a shorter buffer has to be worth it for a while. */
const CALM_SAMPLES = 10;

export function startJitter(limits: JitterLimits): JitterState {
  return { latencyMs: clamp(START_MS, limits), calm: 0 };
}

/** One sample a second. */
export function adaptJitter(
  state: JitterState,
  sample: JitterSample,
  limits: JitterLimits,
): JitterState {
  if (sample.received === 0) return { latencyMs: clamp(state.latencyMs, limits), calm: 0 };
  // Interarrival jitter is a mean: some three times as much covers nearly every packet.
  const wanted = clamp(Math.ceil((3 * sample.jitterMs) / STEP_MS) * STEP_MS, limits);
  if (sample.late > 0) {
    const share = sample.late / (sample.received + sample.late);
    const step = share > 0.05 ? 4 * STEP_MS : 2 * STEP_MS;
    return { latencyMs: clamp(Math.max(state.latencyMs + step, wanted), limits), calm: 0 };
  }
  if (wanted > state.latencyMs) return { latencyMs: wanted, calm: 0 };
  if (wanted + STEP_MS > state.latencyMs)
    return { latencyMs: clamp(state.latencyMs, limits), calm: 0 };
  if (state.calm + 1 < CALM_SAMPLES) return { latencyMs: state.latencyMs, calm: state.calm + 1 };
  return { latencyMs: clamp(state.latencyMs - STEP_MS, limits), calm: 0 };
}

function clamp(ms: number, limits: JitterLimits): number {
  return Math.min(Math.max(limits.min, limits.max), Math.max(limits.min, ms));
}
