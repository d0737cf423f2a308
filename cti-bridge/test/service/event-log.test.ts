import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/service/event-log.ts';

describe('the log of events', () => {
  it('gives exactly what came after a position, or nothing at all', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 20 }), fc.nat(45), (count, limit, from) => {
        const log = new EventLog({ epoch: 'e', limit });
        const event = { type: 'deviceChanged', cause: 'normal', at: 0 } as const;
        for (let n = 0; n < count; n++) log.append({ event });
        const seqs = log.since({ epoch: 'e', seq: from })?.map(({ seq }) => seq);
        const whole = from <= count && count - from <= limit;
        expect(seqs).toEqual(
          whole ? Array.from({ length: count - from }, (_, n) => from + 1 + n) : undefined,
        );
        expect(log.since({ epoch: 'other', seq: from })).toBeUndefined();
      }),
    );
  });
});
