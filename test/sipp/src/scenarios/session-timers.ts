import assert from 'node:assert/strict';
import { header } from '../infra/sip-message.ts';
import { scenario } from '../runner/scenario.ts';
import { endedByPeer, hangUp, place, receive } from './steps.ts';

/** RFC 4028, both roles, both refreshers. The ones that wait for 45 s run beside everything else. */
export const sessionTimers = [
  ...scenario({
    id: 'timer-phone-refreshes-called',
    title: 'The called side makes the phone refresh, at half of 90 s',
    requirements: ['timer.refresh'],
    slow: true,
    async run(stage) {
      const placed = await place(stage, 'uas-session-timer.xml', { deadlineMs: 90_000 });
      await stage.phone.becomes(placed.call, 'established');
      const started = performance.now();
      await refreshed(placed.sipp, 60_000);
      const seconds = (performance.now() - started) / 1000;
      assert.ok(seconds > 40 && seconds < 50, `refreshed after ${seconds.toFixed(1)} s`);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'timer-phone-refreshes-caller',
    title: 'The caller makes the phone refresh, at half of 90 s',
    requirements: ['timer.refresh'],
    slow: true,
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-session-timer-phone-refreshes.xml', {
        deadlineMs: 90_000,
      });
      await sipp.done(80_000);
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'timer-peer-stays-silent',
    title: 'The other side promised to refresh and does not: the phone ends the call',
    requirements: ['timer.expires'],
    slow: true,
    deadline: 120_000,
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-session-timer-expires.xml', {
        keys: { interval: 90 },
        deadlineMs: 110_000,
      });
      await stage.phone.becomes(call, 'established');
      const started = performance.now();
      await sipp.done(105_000);
      const seconds = (performance.now() - started) / 1000;
      // RFC 4028 §10: the smaller of 32 s and a third of the interval before its end.
      assert.ok(seconds > 55 && seconds <= 91, `BYE after ${seconds.toFixed(1)} s`);
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.notEqual(end?.reason, '');
    },
  }),
  ...scenario({
    id: 'timer-caller-refreshes',
    title: 'The caller refreshes by re-INVITE and by UPDATE',
    requirements: ['timer.refreshed'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await receive(stage, 'uac-session-timer.xml', { pauses: 300 });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'timer-called-refreshes',
    title: 'The called side refreshes by re-INVITE and by UPDATE',
    requirements: ['timer.refreshed'],
    async run(stage) {
      const placed = await place(stage, 'uas-session-timer-refreshes.xml');
      await stage.phone.becomes(placed.call, 'established');
      await placed.sipp.receives('UPDATE', { status: 200 });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'timer-422-obeyed',
    title: '422 to our INVITE: tried again with Min-SE',
    requirements: ['timer.422'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-422.xml', { line: 'timed' });
      await stage.phone.becomes(placed.call, 'established');
      await hangUp(stage, placed);
      const ids = new Set(placed.sipp.received('INVITE').map((one) => header(one, 'call-id')));
      assert.equal(ids.size, 1, 'it is the same call (§7.4)');
    },
  }),
  ...scenario({
    id: 'timer-422-sent',
    title: 'An interval below Min-SE gets 422',
    requirements: ['timer.422'],
    async run(stage) {
      const placed = await receive(stage, 'uac-session-interval-too-small.xml', { pauses: 200 });
      await endedByPeer(stage, placed);
    },
  }),
];

/** A refresh is a re-INVITE or an UPDATE; whichever comes. */
async function refreshed(
  sipp: {
    receives: (method: string, options: { count?: number; within: number }) => Promise<unknown>;
  },
  within: number,
): Promise<void> {
  await Promise.any([
    sipp.receives('UPDATE', { within }),
    sipp.receives('INVITE', { count: 2, within }),
  ]);
}
