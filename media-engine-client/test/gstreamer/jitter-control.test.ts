import { describe, expect, it } from 'vitest';
import {
  adaptJitter,
  startJitter,
  type JitterSample,
  type JitterState,
} from '../../src/gstreamer/jitter-control.ts';

const limits = { min: 20, max: 200 };
const calm: JitterSample = { jitterMs: 1, late: 0, received: 50 };

function after(state: JitterState, samples: readonly JitterSample[]): JitterState {
  return samples.reduce((now, sample) => adaptJitter(now, sample, limits), state);
}

function times(count: number, sample: JitterSample): JitterSample[] {
  return Array.from({ length: count }, () => sample);
}

describe('the jitter buffer', () => {
  it('starts at 20 ms, or within its limits', () => {
    expect(startJitter(limits).latencyMs).toBe(20);
    expect(startJitter({ min: 60, max: 100 }).latencyMs).toBe(60);
    expect(startJitter({ min: 0, max: 10 }).latencyMs).toBe(10);
  });

  it('grows at once when packets come late, more when many do', () => {
    const few = after(startJitter(limits), [{ jitterMs: 1, late: 1, received: 49 }]);
    const many = after(startJitter(limits), [{ jitterMs: 1, late: 10, received: 40 }]);
    expect(few.latencyMs).toBe(40);
    expect(many.latencyMs).toBe(60);
  });

  it('covers the jitter that is measured', () => {
    expect(after(startJitter(limits), [{ jitterMs: 25, late: 0, received: 50 }]).latencyMs).toBe(
      80,
    );
  });

  it('never leaves its limits', () => {
    const worst = after(startJitter(limits), times(30, { jitterMs: 500, late: 20, received: 20 }));
    expect(worst.latencyMs).toBe(200);
    expect(after(worst, times(1000, calm)).latencyMs).toBe(20);
  });

  it('shrinks only after ten calm seconds, a step at a time', () => {
    const grown = after(startJitter(limits), [{ jitterMs: 1, late: 10, received: 40 }]);
    expect(after(grown, times(9, calm)).latencyMs).toBe(60);
    expect(after(grown, times(10, calm)).latencyMs).toBe(50);
    const disturbed = [
      ...times(9, calm),
      { jitterMs: 18, late: 0, received: 50 },
      ...times(9, calm),
    ];
    expect(after(grown, disturbed).latencyMs).toBe(60);
  });

  it('stays as it is while nothing is received', () => {
    const grown = after(startJitter(limits), [{ jitterMs: 1, late: 10, received: 40 }]);
    expect(after(grown, times(50, { jitterMs: 0, late: 0, received: 0 })).latencyMs).toBe(60);
  });
});
