import assert from 'node:assert/strict';
import { header } from '../infra/sip-message.ts';
import { until } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import { ask, endedByPeer, hangUp, place, receive } from './steps.ts';

/** What is lost and sent again; SIPp must see the copies, so `-nr` keeps it from filtering them. */
export const repetition = [
  ...scenario({
    id: 'out-first-messages-lost',
    title: 'INVITE and BYE are repeated until something answers',
    requirements: ['uac.timer-a', 'uac.timer-e'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-loses-first.xml', { extra: ['-nr'] });
      await stage.phone.becomes(call, 'established', 10_000);
      await stage.phone.hangup(call);
      await sipp.done();
      await stage.phone.becomes(call, 'ended');
      const branches = (method: string) =>
        new Set(
          sipp.received(method).map((one) => /branch=([^;]+)/.exec(header(one, 'via') ?? '')?.[1]),
        );
      assert.equal(branches('INVITE').size, 1, 'a repeated INVITE keeps its branch');
      assert.equal(branches('BYE').size, 1, 'a repeated BYE keeps its branch');
    },
  }),
  ...scenario({
    id: 'out-ack-lost',
    title: 'Each copy of the 200 is acknowledged',
    requirements: ['uac.re-ack'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-loses-ack.xml', { extra: ['-nr'] });
      await stage.phone.becomes(placed.call, 'established');
      await placed.sipp.receives('ACK', { count: 2 });
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-ack-late',
    title: 'The 200 is repeated until the ACK comes',
    requirements: ['uas.retransmit-2xx'],
    over: ['udp', 'tcp'],
    async run(stage) {
      // Over TCP too: the 2xx is the business of the UA core, whatever the transport (§13.3.1.4).
      const placed = await receive(stage, 'uac-late-ack.xml', { extra: ['-nr'], pauses: 200 });
      await stage.phone.becomes(placed.call, 'established', 8000);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-bye-answer-lost',
    title: 'BYE is repeated until it is answered',
    requirements: ['uac.timer-e'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-ignores-bye.xml', {
        extra: ['-nr'],
        pauses: 50,
      });
      await stage.phone.becomes(call, 'established');
      await stage.phone.hangup(call);
      await sipp.done();
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'in-invite-repeated',
    title: 'A repeated INVITE makes no second call',
    requirements: ['uas.retransmitted-invite'],
    async run(stage) {
      const since = stage.phone.eventMark;
      const placed = await receive(stage, 'uac-repeats-invite.xml', {
        line: 'alice',
        extra: ['-nr'],
        pauses: 200,
      });
      await placed.sipp.receives('INVITE', { status: 180, count: 2 });
      await stage.phone.call('call.answer', { call: placed.call, wait: 5000 });
      await endedByPeer(stage, placed);
      const calls = new Set(
        stage.phone.events('call.changed', since).map(({ params }) => params['id']),
      );
      assert.equal(calls.size, 1);
    },
  }),
  ...scenario({
    id: 'in-no-ack',
    title: 'An ACK that never comes: BYE after 32 s',
    requirements: ['uas.no-ack', 'uas.retransmit-2xx'],
    slow: true,
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-no-ack.xml', {
        extra: ['-nr', '-recv_timeout', '60000'],
        deadlineMs: 80_000,
      });
      await sipp.done(60_000);
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.notEqual(end?.reason, '');
      const copies = sipp.received('INVITE', 200).length;
      // T1 = 0.5 s doubled up to T2 = 4 s, for 32 s.
      assert.ok(copies >= 9 && copies <= 12, `${copies} copies of the 200`);
    },
  }),
  ...scenario({
    id: 'in-many-lossy',
    title: 'Twelve calls at once over a lossy network',
    requirements: ['call.many'],
    over: ['lossy'],
    deadline: 90_000,
    async run(stage) {
      const sipp = await stage.calling('uac-call.xml', {
        user: 'auto',
        calls: 12,
        rate: 6,
        extra: ['-d', '1500'],
        deadlineMs: 80_000,
      });
      await sipp.done(80_000);
      await until('all calls to be over', async () => (await stage.phone.calls()).length === 0, {
        within: 32_000,
        every: 200,
      });
    },
  }),
  ...scenario({
    id: 'in-many',
    title: 'Thirty calls, ten a second',
    requirements: ['call.many'],
    over: ['udp', 'tcp'],
    deadline: 90_000,
    async run(stage) {
      const sipp = await stage.calling('uac-call.xml', {
        user: 'auto',
        calls: 30,
        rate: 10,
        extra: ['-d', '500'],
      });
      await sipp.done(30_000);
    },
  }),
  ...scenario({
    id: 'in-messages-lossy',
    title: 'Text messages over a lossy network are shown once each',
    requirements: ['uas.message', 'uas.retransmitted-invite'],
    over: ['lossy'],
    deadline: 90_000,
    async run(stage) {
      const since = stage.phone.eventMark;
      await ask(stage, 'uac-message.xml', { calls: 5, rate: 10 });
      assert.equal(stage.phone.events('message', since).length, 5);
    },
  }),
];
