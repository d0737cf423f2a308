import { ROWS, type RowId, type Measure } from './row.ts';
import type { Outcome } from './run-part.ts';

/** One row of the table: the worst of the ways in which it was tried. */
export interface RowFigure {
  readonly gapMs: number | null;
  readonly controlMs: number | null;
  readonly survived: boolean;
  readonly met: boolean;
  /** By part: its figures, or why there are none. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Every row of the table; one that was not tried at all is not met. */
export function rowFigures(outcomes: readonly Outcome[]): Record<RowId, RowFigure> {
  const rows = ROWS.map((row) => [row, figure(outcomes.filter(({ part }) => part.row === row))]);
  return Object.fromEntries(rows) as Record<RowId, RowFigure>;
}

function figure(outcomes: readonly Outcome[]): RowFigure {
  const measures = outcomes.flatMap(({ verdict }) =>
    verdict.kind === 'measured' ? [verdict.measure] : [],
  );
  const detail = Object.fromEntries(
    outcomes.map(({ part, verdict }) => [part.name, explain(verdict, part.what, part.target)]),
  );
  const complete = outcomes.length > 0 && measures.length === outcomes.length;
  return {
    gapMs: worst(measures, 'gapMs'),
    controlMs: worst(measures, 'controlMs'),
    survived: complete && measures.every(({ survived }) => survived),
    met:
      complete &&
      outcomes.every(
        ({ verdict }) => verdict.kind === 'measured' && verdict.shortfalls.length === 0,
      ),
    detail: outcomes.length === 0 ? { reason: 'nothing tries this row' } : detail,
  };
}

function explain(verdict: Outcome['verdict'], what: string, target: object) {
  switch (verdict.kind) {
    case 'measured': {
      const { gapMs, controlMs, survived, detail } = verdict.measure;
      return { what, gapMs, controlMs, survived, target, short: verdict.shortfalls, ...detail };
    }
    case 'failed':
      return { what, target, reason: verdict.message.split('\n')[0] };
    case 'not-run':
      return { what, target, reason: verdict.reason };
    default:
      return verdict satisfies never;
  }
}

function worst(measures: readonly Measure[], name: 'gapMs' | 'controlMs'): number | null {
  const values = measures.flatMap((measure) => measure[name] ?? []);
  return values.length === 0 ? null : Math.max(...values);
}

/** One line for people. */
export function outcomeLine({ part, verdict, ms }: Outcome): string {
  const name = `${part.row} ${part.name}`.padEnd(18);
  const seconds = `(${(ms / 1000).toFixed(1)} s)`;
  switch (verdict.kind) {
    case 'measured': {
      const { gapMs, controlMs } = verdict.measure;
      const figures = [
        gapMs === undefined ? '' : `gap ${gapMs} ms`,
        controlMs === undefined ? '' : `control ${controlMs} ms`,
      ]
        .filter(Boolean)
        .join(', ');
      const short = verdict.shortfalls.length === 0 ? '' : `: ${verdict.shortfalls.join('; ')}`;
      return `${short === '' ? 'ok    ' : 'SHORT '} ${name} ${figures} ${seconds}${short}`;
    }
    case 'failed':
      return `FAILED ${name} ${seconds}\n${verdict.message}`;
    case 'not-run':
      return `NOT RUN ${name} ${verdict.reason}`;
    default:
      return verdict satisfies never;
  }
}
