import { mean, median, quantile, ratioBound, round } from '../measure/statistics.ts';
import { atMost, notMeasured, type Figure, type Figures } from '../report.ts';
import { lineTable } from './lines.ts';
import type { Beside, EchoReport, MeasureReport, Path, SessionReport } from './options.ts';
import { directSessions, sessionsOf, type Way } from './sessions.ts';

/** Fewer say little: latency differs from one connection to the next. */
const LEAST_SESSIONS = 5;
/** Percent of the processors: on a busier machine the sound waits for the processor. */
const LEAST_IDLE = 50;

const GOALS = {
  'P1.listen': { target: 0.45, unit: 'ratio', peer: 'the hair-pinned call, tuned client' },
  'P1.talk': { target: 0.5, unit: 'ratio', peer: 'the hair-pinned call, tuned client' },
  P3: { target: 20, unit: '%', peer: 'what the hair-pinned call adds to QEMU’s processor time' },
  P4: { target: 1, unit: '%', peer: 'what the hair-pinned call adds to SPICE’s bytes' },
  P5: { target: 1.3, unit: 'ratio', peer: 'a raw echo of 64 bytes through the same processes' },
} as const;

/** P1, P3, P4 and P5 of what was measured. */
export function hairpinFigures(report: MeasureReport, random: () => number): Figures {
  const paths = directSessions(report.sessions);
  const gates = validity(Object.values(paths).flat());
  const shared = { accelerator: report.accelerator, gates, failures: report.failures };
  return {
    'P1.listen': latency('listen', paths, { ...shared, lines: lineTable(report.sessions) }),
    'P1.talk': latency('talk', paths, shared),
    P3: added('P3', paths, shared, random, (cost) => cost.cpu),
    P4: added('P4', paths, shared, random, (cost) => cost.bytes),
    P5: echo(report.echo, report.failures),
  };
}

/** `valid` only if each gate holds; a figure of a run that is not is never met. */
export function validity(sessions: readonly SessionReport[]) {
  const ways = sessions.flatMap(({ listen, talk }) => [listen, talk]);
  const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);
  const count = (path: Path) => sessions.filter((one) => one.path === path).length;
  const fewest = Math.min(count('redirected'), count('tuned'), count('stock'));
  const referenceGlitches = sum(ways.map((way) => way.referenceGlitches ?? 1));
  const lostChirps = sum(ways.map(({ lost }) => lost));
  const hostIdle = round(Math.min(...sessions.map((one) => one.hostIdle)), 0);
  const xruns = sum(sessions.map((one) => one.xruns));
  const failed = [
    ...(fewest < LEAST_SESSIONS ? [`only ${fewest} sessions a path`] : []),
    ...(referenceGlitches > 0 ? ['the sound that went in was broken'] : []),
    ...(lostChirps > 0 ? ['chirps were lost'] : []),
    ...(hostIdle > LEAST_IDLE ? [] : ['the machine was busy']),
    ...(xruns > 0 ? ['the guest’s sound card ran dry'] : []),
  ];
  const valid = failed.length === 0;
  return { valid, failed, sessions: fewest, referenceGlitches, lostChirps, hostIdle, xruns };
}

type Shared = Readonly<Record<string, unknown>> & {
  readonly gates: ReturnType<typeof validity>;
};

type Paths = ReturnType<typeof directSessions>;

function latency(way: Way, paths: Paths, shared: Shared): Figure {
  const goal = GOALS[`P1.${way}`];
  const reports = {
    redirected: sessionsOf(paths.redirected, way),
    tuned: sessionsOf(paths.tuned, way),
    stock: sessionsOf(paths.stock, way),
  };
  const { redirected, tuned, stock } = reports;
  const ratio = redirected.median / tuned.median;
  if (!Number.isFinite(ratio)) return notMeasured(goal, 'no chirp arrived on one of the paths');
  const figure = atMost(goal, round(ratio), {
    unit: 'ms, medians of sessions',
    ...reports,
    savedMs: {
      tuned: round(tuned.median - redirected.median, 0),
      stock: round(stock.median - redirected.median, 0),
    },
    ...shared,
  });
  return { ...figure, met: figure.met && shared.gates.valid };
}

type Cost = NonNullable<SessionReport['cost']>;

function added(
  id: 'P3' | 'P4',
  paths: Paths,
  shared: Shared,
  random: () => number,
  pick: (cost: Cost) => Beside,
): Figure {
  const goal = GOALS[id];
  const sides = (path: Path) =>
    paths[path].flatMap(({ cost }) => (cost === undefined ? [] : [pick(cost)]));
  const more = (path: Path) => sides(path).map(({ idle, call }) => call - idle);
  const [ours, theirs] = [more('redirected'), more('tuned')];
  const ratio = (100 * mean(ours)) / mean(theirs);
  if (!Number.isFinite(ratio) || mean(theirs) <= 0) {
    return notMeasured(goal, 'the hair-pinned call added nothing that could be told from idle');
  }
  const bound = 100 * ratioBound(ours, theirs, random);
  const all = (path: Path) => ({
    idle: round(mean(sides(path).map(({ idle }) => idle)), 1),
    added: round(mean(more(path)), 1),
    from: round(quantile(more(path), 0), 1),
    to: round(quantile(more(path), 1), 1),
  });
  const figure = atMost(goal, round(ratio, 1), {
    unit: id === 'P3' ? '% of a core' : 'bytes a minute',
    atMostWith95Percent: round(bound, 1),
    redirected: all('redirected'),
    tuned: all('tuned'),
    stock: all('stock'),
    ...shared,
  });
  return { ...figure, met: bound <= goal.target && shared.gates.valid };
}

function echo(samples: EchoReport | undefined, failures: readonly string[]): Figure {
  if (samples === undefined) return notMeasured(GOALS.P5, failures.join('; ') || 'left out');
  const ms = (all: readonly number[]) => ({
    p50: round(median(all), 3),
    p99: round(quantile(all, 0.99), 3),
  });
  return atMost(GOALS.P5, round(median(samples.rpc) / median(samples.raw)), {
    unit: 'ms',
    rounds: samples.rpc.length,
    rpc: ms(samples.rpc),
    raw: ms(samples.raw),
  });
}
