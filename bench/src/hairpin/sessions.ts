import { mean, median, round } from '../measure/statistics.ts';
import type { Path, SessionReport, WayReport } from './options.ts';

/** Towards the person at the thin client, or from there. */
export type Way = 'listen' | 'talk';

/** By path, those over the line that has neither delay nor loss. */
export function directSessions(
  sessions: readonly SessionReport[],
): Readonly<Record<Path, readonly SessionReport[]>> {
  const of = (path: Path) =>
    sessions.filter(
      ({ path: own, line }) => own === path && line.delayMs === 0 && line.lossPercent === 0,
    );
  return { redirected: of('redirected'), tuned: of('tuned'), stock: of('stock') };
}

/** Median and range of the medians of sessions, and the breaks in a second of tone. */
export function sessionsOf(sessions: readonly SessionReport[], way: Way) {
  const reports = sessions.map((one): WayReport => one[way]);
  const medians = reports.filter(({ ms }) => ms.length > 0).map(({ ms }) => median(ms));
  const glitches = reports.flatMap(({ glitchesASecond }) => glitchesASecond ?? []);
  return {
    sessions: medians.length,
    median: round(median(medians), 0),
    min: round(Math.min(...medians), 0),
    max: round(Math.max(...medians), 0),
    lost: reports.reduce((sum, { lost }) => sum + lost, 0),
    glitchesASecond: glitches.length === 0 ? null : round(mean(glitches)),
  };
}
