import { describe, expect, it } from 'vitest';
import { describeMedia } from '../../src/control/info.ts';
import { addSamples, chart } from '../../src/tui/samples.ts';

const media = (mos: number | null) => ({ ...describeMedia(undefined), mos });

describe('the last minute of a call', () => {
  it('has a sample a second, and no more than sixty', () => {
    let samples = {};
    for (let second = 0; second < 90; second++) {
      samples = addSamples(samples, [{ id: 'a', media: media(second) }]);
    }
    expect(samples).toMatchObject({ a: expect.objectContaining({ length: 60 }) });
    expect(addSamples(samples, [])).toEqual({});
  });

  it('is a chart of bars, with a dot where nothing is known', () => {
    expect(chart([1, 4.5, null, 2.75, 9], 1, 4.5)).toBe('▁█·▅█');
  });
});
