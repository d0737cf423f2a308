import assert from 'node:assert/strict';
import { until } from '@offhook/test-sipp';
import type { Placed, Stage } from './stage.ts';

/** A call whose far end has not missed a packet, by `check`. */
export type Talk = Placed & { readonly check: () => void };

/** Phone and engine work together on the call, which the far end has heard all of. */
export async function goesOn(stage: Stage, talk: Talk): Promise<void> {
  const { phone } = stage.vm;
  await phone.engineConnected(60_000);
  await stage.soundBothWays(talk);
  const { capture } = talk.far;
  const before = capture.digits(101);
  const digit = String((before.length + 1) % 10);
  await phone.call('call.dtmf', { call: talk.call, digits: digit });
  await until('the digit', () => capture.digits(101) === before + digit, {
    within: 30_000,
    seen: () => `the far end has ${capture.digits(101)}`,
  });
  talk.check();
  assert.equal((await phone.get(talk.call)).state, 'established');
}

/** The same, and then it ends as it should. */
export async function goesOnAndEnds(stage: Stage, talk: Talk): Promise<void> {
  await goesOn(stage, talk);
  await stage.hangUp(talk);
}

/** The far end hears the microphone now, whatever the phone does. */
export function audioGoesOn({ far }: Placed): Promise<void> {
  return far.hears(440, { mark: far.capture.mark, ms: 1000 });
}
