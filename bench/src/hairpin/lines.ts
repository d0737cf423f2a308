import type { Line, SessionReport } from './options.ts';
import { sessionsOf, type Way } from './sessions.ts';

export interface LineRow extends Line {
  readonly redirected: ReturnType<typeof bothWays>;
  readonly tuned: ReturnType<typeof bothWays>;
}

/** Both paths over each line that was tried, the best line first. */
export function lineTable(sessions: readonly SessionReport[]): readonly LineRow[] {
  const rows = new Map<string, SessionReport[]>();
  for (const one of sessions) {
    const key = `${one.line.delayMs} ${one.line.lossPercent}`;
    rows.set(key, [...(rows.get(key) ?? []), one]);
  }
  return [...rows.values()]
    .flatMap((of) => (of[0] === undefined ? [] : [{ line: of[0].line, of }]))
    .toSorted(({ line: a }, { line: b }) => a.delayMs - b.delayMs || a.lossPercent - b.lossPercent)
    .map(({ line, of }) => ({
      ...line,
      redirected: bothWays(of.filter(({ path }) => path === 'redirected')),
      tuned: bothWays(of.filter(({ path }) => path === 'tuned')),
    }));
}

function bothWays(sessions: readonly SessionReport[]) {
  const way = (name: Way) => {
    const { median, lost, glitchesASecond } = sessionsOf(sessions, name);
    return { ms: Number.isNaN(median) ? null : median, lost, glitchesASecond };
  };
  return { listen: way('listen'), talk: way('talk') };
}

/** For people. */
export function lineText(rows: readonly LineRow[]): readonly string[] {
  const cell = ({ ms, lost, glitchesASecond }: LineRow['tuned']['listen']) =>
    `${ms ?? '–'} ms, ${glitchesASecond ?? '–'} glitches/s, ${lost} lost`;
  return rows.flatMap((row) => [
    `${row.delayMs} ms, ${row.lossPercent} % loss on the SPICE path:`,
    `  redirected  listen ${cell(row.redirected.listen)}; talk ${cell(row.redirected.talk)}`,
    `  hair-pinned listen ${cell(row.tuned.listen)}; talk ${cell(row.tuned.talk)}`,
  ]);
}
