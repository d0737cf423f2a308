import { toneKind } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { toneFor, tonePlanCountries } from '../src/tones.ts';

describe('tone plans', () => {
  it('has the countries that are promised', () => {
    expect(tonePlanCountries).toEqual(
      expect.arrayContaining([
        'de',
        'gb',
        'us',
        'fr',
        'it',
        'es',
        'ch',
        'at',
        'nl',
        'be',
        'pl',
        'jp',
        'au',
      ]),
    );
  });

  it.each(['default', ...tonePlanCountries])('makes every kind of tone for %s', (country) => {
    for (const kind of toneKind.options) {
      const { steps, levelDb } = toneFor(kind, country);
      expect(steps.length).toBeGreaterThan(0);
      expect(steps.some((step) => step.frequencies.length > 0)).toBe(true);
      expect(levelDb).toBeLessThan(0);
      for (const { frequencies, ms } of steps) {
        expect(ms).toBeGreaterThan(0);
        expect(frequencies.every((hz) => hz >= 300 && hz <= 3400)).toBe(true);
      }
    }
  });

  it('knows what a German, a Briton and an American hear when a line is busy', () => {
    const busy = (country: string) => toneFor('busy', country).steps;
    expect(busy('DE')).toEqual([
      { frequencies: [425], ms: 480 },
      { frequencies: [], ms: 480 },
    ]);
    expect(busy('gb')[0]).toEqual({ frequencies: [400], ms: 375 });
    expect(busy('us')[0]).toEqual({ frequencies: [480, 620], ms: 500 });
  });

  it('plays a dial tone without a pause, and special information as three rising tones', () => {
    expect(toneFor('dial', 'us').steps).toEqual([{ frequencies: [350, 440], ms: 1000 }]);
    expect(toneFor('error', 'fr').steps.map((step) => step.frequencies)).toEqual([
      [950],
      [1400],
      [1800],
      [],
    ]);
  });

  it('rings the bell in the rhythm of the ringback tone', () => {
    const length = (kind: 'ring' | 'ringback') =>
      toneFor(kind, 'gb').steps.reduce((sum, step) => sum + step.ms, 0);
    expect(length('ring')).toBeCloseTo(length('ringback'));
    expect(new Set(toneFor('ring', 'gb').steps.map((step) => step.frequencies.join()))).toEqual(
      new Set(['880', '1108', '']),
    );
  });

  it('falls back to the European plan for a country that it does not know', () => {
    expect(toneFor('busy', 'zz')).toEqual(toneFor('busy', 'default'));
  });
});
