import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { heard } from './support/heard.ts';
import { Place, type Engine, type Phone } from './support/place.ts';

/** A phone that dies in the middle of a call and never comes back, on the loopback. */
let place: Place;
let alice: Phone;
let bob: Phone;
let aliceEngine: Engine;

const LEASE_S = 2;
const BOB_HZ = 660;

beforeAll(async () => {
  place = new Place();
  aliceEngine = await place.engine('alice', 'tone:440');
  const bobEngine = await place.engine('bob', `tone:${BOB_HZ}`);
  alice = await place.phone('alice', aliceEngine, '', `lease = ${LEASE_S}`);
  bob = await place.phone('bob', bobEngine, 'auto_answer = true');
});

afterAll(() => place.close());

const saved = () =>
  JSON.parse(readFileSync(join(aliceEngine.stateDir, 'sessions.json'), 'utf8')) as {
    wills: { session: string; will: { bytes: string } }[];
    ended: { ended: { id: string; will?: { outcome: string; answer?: string } } }[];
  };

describe('a phone that dies for good', () => {
  it('has the far end told when its lease is over, by the BYE that it left', async () => {
    const call = await alice.client.call('call.dial', {
      target: `sip:bob@${bob.address}`,
      wait: 10_000,
    });
    await vi.waitFor(
      () => {
        const [will] = saved().wills;
        expect(will?.session).toMatch(new RegExp(`^${call.id}-`));
        expect(Buffer.from(will?.will.bytes ?? '', 'base64').toString()).toMatch(/^BYE sip:/);
      },
      { timeout: 10_000, interval: 50 },
    );
    alice.child.kill('SIGKILL');

    const over = async () => {
      const { calls } = await bob.client.call('calls.list', {});
      expect(calls).toEqual([]);
    };
    // The audio goes on under the lease …
    const before = heard(aliceEngine, BOB_HZ).presentMs;
    await vi.waitFor(
      () => expect(heard(aliceEngine, BOB_HZ).presentMs).toBeGreaterThan(before + 1000),
      { timeout: 5000, interval: 50 },
    );
    // … and at its end bob's call is over.
    await vi.waitFor(over, { timeout: 10_000, interval: 50 });
    const { calls } = await bob.client.call('history.list', {});
    expect(calls[0]).toMatchObject({ end: { by: 'remote', status: 200 } });
    await vi.waitFor(
      () =>
        expect(saved()).toMatchObject({
          wills: [],
          ended: [
            {
              ended: {
                id: expect.stringContaining(call.id),
                will: { outcome: 'answered', answer: 'SIP/2.0 200 OK' },
              },
            },
          ],
        }),
      { timeout: 5000, interval: 50 },
    );
  });
});
