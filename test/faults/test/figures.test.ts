import { describe, expect, it } from 'vitest';
import { rowFigures } from '../src/figures.ts';
import { junit } from '../src/junit.ts';
import { shortfalls, type Measure, type Part, type Verdict } from '../src/row.ts';
import type { Outcome } from '../src/run-part.ts';

const TARGET = { gapMs: 0, controlMs: 1000 };

function measured(measure: Partial<Measure>): Verdict {
  const whole = { gapMs: 0, controlMs: 500, survived: true, detail: {}, ...measure };
  return { kind: 'measured', measure: whole, shortfalls: shortfalls(TARGET, whole) };
}

function outcome(row: Part['row'], name: string, verdict: Verdict): Outcome {
  const part: Part = {
    row,
    name,
    what: 'a <fault>',
    target: TARGET,
    deadline: 1000,
    core: true,
    inTable: true,
    run: () => Promise.reject(new Error('not here')),
  };
  return { part, verdict, ms: 10 };
}

describe('a target', () => {
  it('is met by what is not above it', () => {
    expect(
      shortfalls(TARGET, { gapMs: 0, controlMs: 1000, survived: true, detail: {} }),
    ).toStrictEqual([]);
  });

  it('is missed by a figure above it, by one that is not there, and by a lost call', () => {
    expect(shortfalls(TARGET, { gapMs: 20, survived: false, detail: {} })).toStrictEqual([
      'the call did not survive',
      'gapMs is 20, the limit is 0',
      'controlMs was not measured',
    ]);
  });

  it('gives a busy machine some time, but not a lost call', () => {
    const slack = { gapMs: 200, control: 5 };
    const late = { gapMs: 150, controlMs: 4000, detail: {} };
    expect(shortfalls(TARGET, { ...late, survived: true }, slack)).toStrictEqual([]);
    expect(shortfalls(TARGET, { ...late, survived: false }, slack)).toHaveLength(1);
  });
});

describe('the table', () => {
  it('shows the worst of the ways in which a row was tried', () => {
    const rows = rowFigures([
      outcome('F4', 'udp', measured({ controlMs: 100 })),
      outcome('F4', 'tls', measured({ controlMs: 900, gapMs: 40 })),
    ]);
    expect(rows.F4).toMatchObject({ gapMs: 40, controlMs: 900, survived: true, met: false });
  });

  it('has a row met only if every way was measured and good', () => {
    const failed: Verdict = { kind: 'failed', message: 'no\nstack' };
    const absent: Verdict = { kind: 'not-run', reason: 'no kvm' };
    const rows = rowFigures([
      outcome('F1', 'tcp', measured({})),
      outcome('F2', 'a', measured({})),
      outcome('F2', 'b', failed),
      outcome('F3', 'a', measured({})),
      outcome('F3', 'b', absent),
    ]);
    expect([rows.F1.met, rows.F2.met, rows.F3.met, rows.F4.met]).toStrictEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(rows.F2.detail).toMatchObject({ b: { reason: 'no' } });
    expect(rows.F3.detail).toMatchObject({ b: { reason: 'no kvm' } });
    expect(rows.F4.detail).toMatchObject({ reason: 'nothing tries this row' });
  });
});

describe('the report for machines', () => {
  it('counts what was not good enough as failed and what could not run as skipped', () => {
    const report = junit([
      outcome('F1', 'good', measured({})),
      outcome('F1', 'late', measured({ gapMs: 1 })),
      outcome('F1', 'bad', { kind: 'failed', message: 'a & b' }),
      outcome('F1', 'absent', { kind: 'not-run', reason: 'no kvm' }),
    ]);
    expect(report.match(/<testcase/g)).toHaveLength(4);
    expect(report.match(/<failure/g)).toHaveLength(2);
    expect(report.match(/<skipped/g)).toHaveLength(1);
    expect(report).toContain('a &amp; b');
    expect(report).toContain('a &lt;fault&gt;');
  });
});
