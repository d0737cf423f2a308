import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectCti } from '../../client/index.ts';
import { eventually } from '../eventually.ts';
import { callBetween } from './fake-adapter.ts';
import { run } from './running.ts';

/** What happens at the bridge, in any order. */
const happening = fc.oneof(
  fc.record({ what: fc.constant('call'), times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ what: fc.constant('end'), times: fc.integer({ min: 1, max: 3 }) }),
  fc.constant({ what: 'cut' as const, times: 1 }),
  fc.constant({ what: 'connected' as const, times: 1 }),
);

describe('a client whose connection is cut at any time', () => {
  it('is told every event once and in order, or begins anew, and sees what there is in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 3, maxLength: 25 }),
        fc.integer({ min: 2, max: 60 }),
        async (happenings, eventsKept) => {
          const running = await run({ eventsKept });
          const client = await connectCti({ url: running.url, token: () => 'all' });
          let [next, calls] = [0, 0];
          const outOfOrder: string[] = [];
          const open: string[] = [];
          client.on('event', ({ seq }) => {
            if (next > 0 && seq !== next) outOfOrder.push(`${seq} instead of ${next}`);
            next = seq + 1;
          });
          // What it was told before no longer counts; the snapshot has the rest.
          client.on('reset', () => (next = 0));
          try {
            for (const { what, times } of happenings) {
              if (what === 'cut') running.dropConnections();
              else if (what === 'connected') await eventually(() => client.connected).toBe(true);
              else {
                for (let n = 0; n < times; n++) {
                  const ended = what === 'end' ? open.shift() : undefined;
                  if (ended !== undefined) running.adapter.tell({ kind: 'cleared', key: ended });
                  if (what !== 'call') continue;
                  const facts = callBetween('alice', 'bob', String(++calls));
                  running.adapter.tell(...facts);
                  open.push(`pbx:${calls}.1`, `pbx:${calls}.2`);
                }
              }
            }
            await eventually(() => client.connected).toBe(true);
            await eventually(() =>
              client.mirror
                .connections()
                .map(({ id }) => id)
                .toSorted(),
            ).toEqual(open.toSorted());
            expect(outOfOrder).toEqual([]);
          } finally {
            client.close();
            await running.close();
          }
        },
      ),
      { numRuns: 12 },
    );
  });
});
