import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectControl } from '@offhook/common';
import { heard } from './support/heard.ts';
import { Place, type Engine, type Phone } from './support/place.ts';

/** One phone and two thin clients, and a peer whose engine records what it hears of them. */
let place: Place;
let alice: Phone;
let bob: Phone;
let home: Engine;
let office: Engine;
let bobEngine: Engine;

const HOME_HZ = 440;
const OFFICE_HZ = 880;
const BOB_HZ = 660;

beforeAll(async () => {
  place = new Place();
  // One after the other: three that start at once are slow on a small machine.
  home = await place.engine('home', `tone:${HOME_HZ}`);
  office = await place.engine('office', `tone:${OFFICE_HZ}`);
  bobEngine = await place.engine('bob', `tone:${BOB_HZ}`);
  [alice, bob] = await Promise.all([
    place.phone('alice', home, '', `also = ["${office.channel}"]`),
    place.phone('bob', bobEngine, 'auto_answer = true'),
  ]);
});

afterAll(() => place.close());

const until = (check: () => void | Promise<void>, timeout = 10_000) =>
  vi.waitFor(check, { timeout, interval: 50 });

/** Whether the engine says that the phone is used there. */
async function inUse(engine: Engine): Promise<boolean | undefined> {
  const control = await connectControl(`${engine.stateDir}/control.sock`);
  try {
    const status = (await control.call('status', {})) as { guests: { active?: boolean }[] };
    return status.guests[0]?.active;
  } finally {
    await control.close();
  }
}

describe('a call that goes to another thin client', () => {
  it('is heard there after a gap of less than a second, and the first lets go', async () => {
    await until(async () => {
      const { engines } = await alice.client.call('engines.list', {});
      expect(engines.every(({ connected }) => connected)).toBe(true);
    });
    await alice.client.call('call.dial', { target: `sip:bob@${bob.address}`, wait: 10_000 });
    await until(() => expect(heard(bobEngine, HOME_HZ).presentMs).toBeGreaterThan(1000));
    expect(await inUse(home)).toBe(true);
    expect(await inUse(office)).toBe(false);

    await alice.client.call('engines.use', { channel: office.channel });
    await until(() => {
      expect(heard(bobEngine, OFFICE_HZ).presentMs).toBeGreaterThan(1000);
      expect(heard(office, BOB_HZ).presentMs).toBeGreaterThan(1000);
    });
    expect(await inUse(home)).toBe(false);
    expect(await inUse(office)).toBe(true);

    // What bob heard: the one, at most a second of neither, the other, and never the first again.
    const before = heard(bobEngine, HOME_HZ);
    const after = heard(bobEngine, OFFICE_HZ);
    const gapMs = after.totalMs - before.presentMs - after.presentMs;
    expect(gapMs).toBeLessThan(1000);
    const once = before.presentMs;
    await until(() =>
      expect(heard(bobEngine, OFFICE_HZ).presentMs).toBeGreaterThan(after.presentMs + 500),
    );
    expect(heard(bobEngine, HOME_HZ).presentMs).toBe(once);
  });

  it('goes back by itself when that thin client is gone for good', async () => {
    const once = heard(bobEngine, HOME_HZ).presentMs;
    office.child.kill('SIGKILL');
    await until(
      () => expect(heard(bobEngine, HOME_HZ).presentMs).toBeGreaterThan(once + 1000),
      15_000,
    );
    const { engines } = await alice.client.call('engines.list', {});
    expect(engines.filter(({ active }) => active)).toMatchObject([{ channel: home.channel }]);
    expect((await alice.client.call('calls.list', {})).calls).toMatchObject([
      { state: 'established' },
    ]);
  });
});
