import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { peerSdp } from './sdp/support.ts';
import { origin, startTestEngine, type TestGuest } from './support/engine.ts';

const BEFORE = '192.0.2.10';
const AFTER = '198.51.100.20';

const open = (guest: TestGuest, id: string) =>
  guest.call('session.open', {
    id,
    revision: 1,
    step: { type: 'answer', offer: peerSdp(), direction: 'sendrecv', origin },
  });

/** An engine on a machine whose addresses, and whose way to others, can be set. */
async function movable() {
  let machine: readonly string[] = [BEFORE];
  let way = BEFORE;
  const test = await startTestEngine({
    machine: () => new Set(machine),
    towards: () => way,
  });
  return {
    ...test,
    move: (addresses: readonly string[], towards: string) => {
      machine = addresses;
      way = towards;
    },
    /** The engine looks so many times. */
    look: async (times: number) => {
      for (let time = 0; time < times; time++) {
        await test.clock.advance(1000);
        for (let turn = 0; turn < 8; turn++) await setImmediate();
      }
    },
  };
}

const gaveUp = (guest: TestGuest) => guest.of('session.renegotiate');

describe('a thin client that gets another address', () => {
  it('gives up its sessions, tells the guests, and has them opened anew at the new one', async () => {
    const test = await movable();
    const guest = test.guest();
    await open(guest, 'call');
    const [session] = test.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await test.engine.sessions.mute(session, { locallyMuted: true });
    test.move([AFTER], AFTER);
    await test.look(3);
    expect(gaveUp(guest)).toEqual([{ id: 'call', reason: 'address-changed' }]);
    expect(test.engine.sessions.table.all).toEqual([]);
    await expect(
      guest.call('session.update', {
        id: 'call',
        revision: 2,
        step: { type: 'offer', direction: 'sendrecv', origin },
      }),
    ).rejects.toMatchObject({ code: 'unknown-session' });
    const { session: anew } = await open(guest, 'call');
    // What the person here wants holds for the call, wherever its sockets are.
    expect(anew).toMatchObject({ local: { address: AFTER }, locallyMuted: true });
    await test.look(3);
    expect(gaveUp(guest)).toHaveLength(1);
  });

  it('keeps them while there is no other one, and through a moment without', async () => {
    const test = await movable();
    const guest = test.guest();
    await open(guest, 'call');
    test.move(['127.0.0.1'], '127.0.0.1');
    await test.look(5);
    test.move([BEFORE], BEFORE);
    await test.look(1);
    test.move([AFTER], AFTER);
    await test.look(1);
    test.move([BEFORE, AFTER], AFTER);
    await test.look(3);
    expect(gaveUp(guest)).toEqual([]);
    expect(test.engine.sessions.table.all).toHaveLength(1);
  });
});
