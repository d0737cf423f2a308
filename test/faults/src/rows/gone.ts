import assert from 'node:assert/strict';
import { missing, until } from '@offhook/test-sipp';
import { AsteriskBed } from '../asterisk-bed.ts';
import type { Context, Measure, Part } from '../row.ts';

const LEASE_S = 4;
/** How near to the lease's end the sound has to end. */
const TOLERANCE_MS = 1000;

/**
 * F10: the guest is gone for good. The sound lasts as long as the lease, and then the PBX is told by the
 * last will. Whoever comes back later finds no call.
 */
async function guestGone(context: Context): Promise<Measure> {
  const pbx = await AsteriskBed.open(context, 'udp', { guest: { engine: { lease: LEASE_S } } });
  const { bed } = pbx;
  const call = await pbx.call();
  const from = await call.mark();
  assert.equal(await pbx.callsAtPbx(), 1);
  const since = performance.now();
  await bed.killGuest();
  await until('the PBX to have no call', async () => (await pbx.callsAtPbx()) === 0, {
    within: 1000 * LEASE_S + 10_000,
    every: 100,
    signal: context.signal,
  });
  const endedMs = Math.round(performance.now() - since);
  const heard = await call.heard(from);
  await bed.startGuest();
  await bed.phone.engineConnected();
  const left = await bed.phone.leftovers(5000);
  const onTime = Math.abs(heard.presentMs - 1000 * LEASE_S) <= TOLERANCE_MS;
  return {
    gapMs: heard.longestMs,
    survived: onTime && left === undefined,
    detail: {
      survives: 'the sound, until the lease ends',
      leaseMs: 1000 * LEASE_S,
      soundMs: heard.presentMs,
      endedMs,
      left,
    },
  };
}

export const goneParts: readonly Part[] = [
  {
    row: 'F10',
    name: 'will',
    what: 'the guest never comes back: the sound lasts for the lease, and the last will ends the call',
    target: { gapMs: 0 },
    deadline: 60_000,
    core: true,
    inTable: true,
    missing: () => missing('asterisk'),
    run: guestGone,
  },
];
