import type { Figures } from './report.ts';

export interface BenchmarkContext {
  /** Progress, for people; standard error. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly options: {
    /** Connections or starts a figure, where a benchmark takes several; its own number by default. */
    readonly sessions?: number | undefined;
    /** Where to write a picture of the results, for a benchmark that makes one. */
    readonly svg?: string | undefined;
  };
}

/** One row of targets. Figures that could not be measured are in the result too, as not met. */
export interface Benchmark {
  readonly id: string;
  readonly what: string;
  /** Measured as well when the benchmark of that name is asked for. */
  readonly beside?: string;
  readonly run: (context: BenchmarkContext) => Promise<Figures>;
}
