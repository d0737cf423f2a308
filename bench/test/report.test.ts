import { describe, expect, it } from 'vitest';
import { seeded } from '@offhook/test-sipp';

import { mean, quantile, ratioBound, spread } from '../src/measure/statistics.ts';
import { readStatistics } from '../src/peers/sipp-load.ts';
import { atLeast, atMost, notMeasured, table } from '../src/report.ts';

const goal = { target: 1.5, unit: 'ratio', peer: 'baresip' };

describe('a figure', () => {
  it('is met at its target and not beyond', () => {
    expect(atMost(goal, 1.5, {}).met).toBe(true);
    expect(atMost(goal, 1.51, {}).met).toBe(false);
    expect(atLeast(goal, 1.5, {}).met).toBe(true);
    expect(atLeast(goal, 1.49, {}).met).toBe(false);
  });

  it('is never met when nothing could be measured', () => {
    expect(atMost(goal, Number.NaN, {}).met).toBe(false);
    expect(atLeast(goal, Number.NaN, {}).met).toBe(false);
    const figure = notMeasured(goal, 'no peer');
    expect(figure).toMatchObject({ value: null, met: false, detail: { reason: 'no peer' } });
    expect(table({ 'P6.p50': figure })[1]).toMatch(/^P6\.p50 +not measured .* NOT met +no peer$/);
  });
});

describe('statistics', () => {
  it('interpolates quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3], 1)).toBe(3);
    expect(quantile([], 0.5)).toBeNaN();
    expect(spread([1, 2, 3])).toEqual({ n: 3, min: 1, p50: 2, p99: 2.98, max: 3 });
  });
});

describe('the bound of a ratio', () => {
  it('is above the ratio of the means by what the samples vary', () => {
    const bound = (above: readonly number[], below: readonly number[]) =>
      ratioBound(above, below, seeded(1));
    expect(bound([1, 1, 1], [10, 10, 10])).toBe(0.1);
    const vague = bound([0, 1, 2, 0, 2], [8, 12, 9, 11, 10]);
    expect(vague).toBeGreaterThan(mean([0, 1, 2, 0, 2]) / 10);
    expect(vague).toBeLessThan(0.25);
    expect(bound([1], [0])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("SIPp's statistics", () => {
  const head = 'StartTime;SuccessfulCall(C);FailedCall(C);Retransmissions(C);';

  it('reads the sums of the last line', () => {
    const text = `${head}\nx;1;0;0;\nx;499;1;7;\n`;
    expect(readStatistics(text)).toEqual({ successful: 499, failed: 1, retransmissions: 7 });
  });

  it('fails without figures rather than to count nothing', () => {
    expect(() => readStatistics(head)).toThrow('no SuccessfulCall');
    expect(() => readStatistics('')).toThrow('no SuccessfulCall');
  });
});
