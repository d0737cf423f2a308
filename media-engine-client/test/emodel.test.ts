import { codecName } from '@offhook/media-rpc';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mos } from '../src/emodel.ts';

describe('listening quality', () => {
  it('is 4.4 on a short path without loss (R = 93.2)', () => {
    expect(mos({ codec: 'PCMA', lossPct: 0, delayMs: 60 })).toBeCloseTo(4.41, 2);
  });

  it('falls with delay as G.114 says: little at 150 ms, clearly at 400 ms', () => {
    const at = (delayMs: number) => mos({ codec: 'PCMA', lossPct: 0, delayMs });
    expect(at(150)).toBeGreaterThan(4.3);
    expect(at(400)).toBeGreaterThan(3);
    expect(at(400)).toBeLessThan(3.9);
  });

  it('falls with loss: 5 % of G.711 with concealment still sounds fair', () => {
    const at = (lossPct: number) => mos({ codec: 'PCMU', lossPct, delayMs: 50 });
    expect(at(1)).toBeCloseTo(4.3, 1);
    expect(at(5)).toBeGreaterThan(3.6);
    expect(at(5)).toBeLessThan(4.1);
    expect(at(30)).toBeLessThan(2.5);
  });

  it('stays within 1…4.5 and never rises with loss or delay', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true });
    const delay = fc.double({ min: 0, max: 5000, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...codecName.options),
        fc.tuple(percent, percent),
        fc.tuple(delay, delay),
        (codec, losses, delays) => {
          const [lossPct, moreLoss] = losses.toSorted((a, b) => a - b) as [number, number];
          const [delayMs, moreDelay] = delays.toSorted((a, b) => a - b) as [number, number];
          const score = mos({ codec, lossPct, delayMs });
          expect(score).toBeGreaterThanOrEqual(1);
          expect(score).toBeLessThanOrEqual(4.5);
          expect(mos({ codec, lossPct: moreLoss, delayMs })).toBeLessThanOrEqual(score + 1e-9);
          expect(mos({ codec, lossPct, delayMs: moreDelay })).toBeLessThanOrEqual(score + 1e-9);
        },
      ),
    );
  });
});
