/** How a call's sound goes: straight from the thin client, or through the guest and SPICE. */
export type Path = 'redirected' | 'stock' | 'tuned';

/** What the SPICE connection goes over. */
export interface Line {
  /** Milliseconds there and back. */
  readonly delayMs: number;
  /** Percent of packets, each way. */
  readonly lossPercent: number;
}

/** What the measuring process is told, in one JSON argument. */
export interface MeasureOptions {
  readonly directory: string;
  /** The file for its report. */
  readonly report: string;
  /** The network namespace of the thin client. */
  readonly client: string;
  /** Of each path. */
  readonly sessions: number;
  readonly lines: readonly Line[];
}

export interface WayReport {
  /** Milliseconds, one for each chirp that arrived. */
  readonly ms: readonly number[];
  readonly lost: number;
  /** Breaks in a second of tone; null when there was no tone to be heard. */
  readonly glitchesASecond: number | null;
  /** The same of what went in: not 0 where the machine was too busy to measure. */
  readonly referenceGlitches: number | null;
}

/** In a call, and before and after it with everything connected. */
export interface Beside {
  readonly idle: number;
  readonly call: number;
}

/** One connection of the thin client, with one call. */
export interface SessionReport {
  readonly path: Path;
  readonly line: Line;
  /** What the far end says, as heard at the thin client. */
  readonly listen: WayReport;
  /** What is said at the thin client, as heard at the far end. */
  readonly talk: WayReport;
  /** Of QEMU, where it was measured. */
  readonly cost?: {
    /** Percent of a core. */
    readonly cpu: Beside;
    /** Over its SPICE connections, a minute, both ways. */
    readonly bytes: Beside;
  };
  /** Percent of the machine's processors that nobody wanted during the call. */
  readonly hostIdle: number;
  /** How often the guest's sound card ran dry. */
  readonly xruns: number;
}

/** Milliseconds there and back. */
export interface EchoReport {
  readonly rpc: readonly number[];
  readonly raw: readonly number[];
}

export interface MeasureReport {
  readonly accelerator: string;
  readonly sessions: readonly SessionReport[];
  /** In words, what could not be measured. */
  readonly failures: readonly string[];
  readonly echo: EchoReport | undefined;
}

export const DIRECT: Line = { delayMs: 0, lossPercent: 0 };
