import { cpus, release, totalmem } from 'node:os';

/** One figure of targets: a ratio to a peer measured in the same run, or an absolute floor. */
export interface Figure {
  /** Null when it could not be measured; `detail.reason` says why. */
  readonly value: number | null;
  readonly target: number;
  readonly met: boolean;
  readonly unit: string;
  /** What it was measured against. */
  readonly peer: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** What one fault does to a call: a row F1…F14 of targets. Null: not measured, or no such figure. */
export interface FaultFigure {
  /** The longest time without sound at the far end. */
  readonly gapMs: number | null;
  readonly controlMs: number | null;
  readonly survived: boolean;
  readonly met: boolean;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Figures by key: `P6.p50`, `P7.opus.10`, `F5`. */
export type Figures = Record<string, Figure | FaultFigure>;

interface Goal {
  readonly target: number;
  readonly unit: string;
  readonly peer: string;
}

/** A figure that is met when it is at most the target. */
export function atMost(
  goal: Goal,
  value: number,
  detail: Readonly<Record<string, unknown>>,
): Figure {
  return { value, ...goal, met: value <= goal.target, detail };
}

/** A figure that is met when it is at least the target. */
export function atLeast(
  goal: Goal,
  value: number,
  detail: Readonly<Record<string, unknown>>,
): Figure {
  return { value, ...goal, met: value >= goal.target, detail };
}

/** A figure that could not be measured is never met. */
export function notMeasured(goal: Goal, reason: string): Figure {
  return { value: null, ...goal, met: false, detail: { reason } };
}

export function describeMachine() {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
  };
}

/** The figures as lines of a table, for people. */
export function table(figures: Figures): readonly string[] {
  const rows = Object.entries(figures).map(([key, figure]) =>
    'value' in figure ? ratioRow(key, figure) : faultRow(key, figure),
  );
  const head = ['figure', 'value', 'unit', 'target', '', 'measured against'];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function ratioRow(key: string, figure: Figure): readonly string[] {
  return [
    key,
    figure.value === null ? 'not measured' : String(figure.value),
    figure.unit,
    String(figure.target),
    figure.met ? 'met' : 'NOT met',
    figure.value === null ? String(figure.detail['reason']) : figure.peer,
  ];
}

function faultRow(key: string, figure: FaultFigure): readonly string[] {
  const { gapMs, controlMs, survived } = figure;
  const measured = [
    ...(gapMs === null ? [] : [`gap ${gapMs}`]),
    ...(controlMs === null ? [] : [`control ${controlMs}`]),
    survived ? 'survived' : 'not survived',
  ];
  const parts = Object.entries(figure.detail).map(([part, detail]) => {
    const { short, reason } = detail as { short?: readonly string[]; reason?: string };
    const why = reason ?? short?.join(', ') ?? '';
    return why === '' ? part : `${part} (${why})`;
  });
  const met = figure.met ? 'met' : 'NOT met';
  return [key, measured.join(', '), 'ms', 'its row', met, parts.join('; ')];
}
