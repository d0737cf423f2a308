import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../src/site/event-log.ts';

describe('the log of events', () => {
  it('gives exactly what came after a position, or nothing at all', () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(45),
        fc.nat(10),
        (count, limit, from, earlier) => {
          const event = { type: 'deviceChanged', cause: 'normal', at: 0 } as const;
          const at = (seq: number) => ({ entry: { seq, event } });
          // It begins with some of another log, as a bridge that joins a site does.
          const entries = Array.from({ length: earlier }, (_, n) => at(101 + n));
          const log = new EventLog({ epoch: 'e', limit, seq: 100 + earlier, entries });
          for (let n = 0; n < count; n++) log.append(at(101 + earlier + n));
          const last = 100 + earlier + count;
          const seqs = log.since({ epoch: 'e', seq: 100 + from })?.map(({ entry }) => entry.seq);
          const whole = 100 + from <= last && last - 100 - from <= limit;
          expect(seqs).toEqual(
            whole ? Array.from({ length: last - 100 - from }, (_, n) => 101 + from + n) : undefined,
          );
          expect(log.since({ epoch: 'other', seq: 100 + from })).toBeUndefined();
          expect(log.since({ epoch: 'e', seq: 99 })).toBeUndefined();
        },
      ),
    );
  });
});
