import type { Figures } from './report.ts';

export interface BenchmarkContext {
  /** Progress, for people; standard error. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One row of targets. Figures that could not be measured are in the result too, as not met. */
export interface Benchmark {
  readonly id: string;
  readonly what: string;
  readonly run: (context: BenchmarkContext) => Promise<Figures>;
}
