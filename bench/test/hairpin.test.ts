import { describe, expect, it } from 'vitest';

import { hairpinFigures, validity } from '../src/hairpin/analysis.ts';
import { lineTable, lineText } from '../src/hairpin/lines.ts';
import {
  DIRECT,
  type Line,
  type MeasureReport,
  type Path,
  type SessionReport,
} from '../src/hairpin/options.ts';
import { plot } from '../src/hairpin/plot.ts';

const SLOW: Line = { delayMs: 40, lossPercent: 1 };
const random = () => 0.5;

/** A session in which everything is `ms` late. */
function session(path: Path, ms: number, more: Partial<SessionReport> = {}): SessionReport {
  const way = { ms: [ms - 1, ms, ms + 1], lost: 0, glitchesASecond: 0, referenceGlitches: 0 };
  const redirected = path === 'redirected';
  return {
    path,
    line: DIRECT,
    listen: way,
    talk: way,
    cost: {
      cpu: { idle: 20, call: redirected ? 20.5 : 30 },
      bytes: { idle: 1000, call: redirected ? 6000 : 1_701_000 },
    },
    hostIdle: 70,
    xruns: 0,
    ...more,
  };
}

function report(sessions: readonly SessionReport[], more: Partial<MeasureReport> = {}) {
  const echo = { rpc: [1.2, 1.2, 5], raw: [1, 1, 4] };
  return { accelerator: 'tcg', sessions, failures: [], echo, ...more };
}

const five = (path: Path, ms: number) => [0, 1, 2, 3, 4].map((more) => session(path, ms + more));
const good = [...five('redirected', 100), ...five('tuned', 250), ...five('stock', 330)];

describe('the hair-pin benchmark', () => {
  it('claims only against the tuned client, and tells what is saved against both', () => {
    const figure = hairpinFigures(report(good), random)['P1.listen'];
    expect(figure).toMatchObject({
      value: 0.4,
      met: true,
      detail: {
        redirected: { sessions: 5, median: 102, min: 100, max: 104 },
        savedMs: { tuned: 150, stock: 230 },
      },
    });
  });

  it('compares what a call adds, not what there is without it', () => {
    const figures = hairpinFigures(report(good), random);
    expect(figures['P3']).toMatchObject({ value: 5, met: true });
    expect(figures['P4']).toMatchObject({ value: 0.3, met: true });
    expect(figures['P5']).toMatchObject({ value: 1.2, met: true });
  });

  it('is not met by a bound that may be above the target', () => {
    const noisy = good.map((one, index) =>
      one.path === 'redirected'
        ? { ...one, cost: { ...cost(one), cpu: { idle: 20, call: index === 0 ? 28 : 20 } } }
        : one,
    );
    let seed = 0;
    const spread = () => (seed = (seed + 0.37) % 1);
    expect(hairpinFigures(report(noisy), spread)['P3']).toMatchObject({ value: 16, met: false });
  });

  it.each([
    ['too few sessions', good.slice(1), 'only 4 sessions a path'],
    ['a busy machine', [...good, session('tuned', 250, { hostIdle: 10 })], 'the machine was busy'],
    ['a dry sound card', [...good, session('tuned', 250, { xruns: 2 })], 'ran dry'],
  ])('is never met after %s', (_, sessions, why) => {
    expect(validity(sessions)).toMatchObject({ valid: false });
    const figure = hairpinFigures(report(sessions), random)['P1.listen'];
    expect(figure).toMatchObject({ met: false });
    expect(JSON.stringify(figure)).toContain(why);
  });

  it('tells why a part could not be measured', () => {
    const silent = [...five('redirected', 100)];
    const failures = ['session 1 of 5: tuned: the viewer has died'];
    const figures = hairpinFigures(report(silent, { failures, echo: undefined }), random);
    for (const key of ['P1.listen', 'P1.talk', 'P3', 'P4']) {
      expect(figures[key]).toMatchObject({ value: null, met: false });
    }
    expect(figures['P5']).toMatchObject({ value: null, detail: { reason: failures[0] } });
  });

  it('puts both paths beside each other for every line', () => {
    const slow = (path: Path, ms: number) => session(path, ms, { line: SLOW });
    const rows = lineTable([slow('tuned', 400), slow('redirected', 105), ...good]);
    expect(
      rows.map(({ delayMs, redirected, tuned }) => [
        delayMs,
        redirected.listen.ms,
        tuned.listen.ms,
      ]),
    ).toEqual([
      [0, 102, 252],
      [40, 105, 400],
    ]);
    expect(lineText(rows)[3]).toBe('40 ms, 1 % loss on the SPICE path:');
  });

  it('draws what was measured, and says what was not', () => {
    const svg = plot(report([...good, session('tuned', 400, { line: SLOW })]), new Date(0));
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg).toContain('1970-01-01; sessions of each path: 5');
    expect(svg).not.toContain('Not a valid run');
    expect(svg).toContain('>102<');
    expect(svg).toContain('40 ms, 1 %');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(plot(report(five('redirected', 100)), new Date(0))).toContain('not measured');
    expect(plot(report(good.slice(1)), new Date(0))).toContain('run: only 4 sessions a path');
  });
});

function cost({ cost: one }: SessionReport) {
  if (one === undefined) throw new Error('no costs in this session');
  return one;
}
