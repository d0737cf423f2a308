import assert from 'node:assert/strict';
import { pause } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import { place, receive } from './steps.ts';

/** CANCEL, its races, and calls that are not taken. */
export const cancelling = [
  ...scenario({
    id: 'out-cancel',
    title: 'Giving up a call that rings',
    requirements: ['uac.cancel'],
    over: ['udp', 'tcp', 'udp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-cancel.xml');
      await stage.phone.becomes(call, 'ringing', 32_000);
      await stage.phone.hangup(call);
      const { end } = await stage.phone.becomes(call, 'ended', 32_000);
      assert.equal(end?.by, 'local');
      await sipp.done(32_000);
    },
  }),
  ...scenario({
    id: 'out-cancel-at-once',
    title: 'Giving up before anything has been heard: CANCEL waits for a provisional response',
    requirements: ['uac.cancel-early'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-cancel-before-ringing.xml', {
        pauses: 700,
      });
      await sipp.receives('INVITE');
      await stage.phone.hangup(call);
      await sipp.done();
      const first = sipp.messages().findIndex(({ sent, status }) => sent && status === 100);
      const cancel = sipp
        .messages()
        .findIndex(({ method, status }) => method === 'CANCEL' && status === 0);
      assert.ok(first >= 0 && cancel > first, sipp.summary());
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'out-cancel-crosses-answer',
    title: 'CANCEL and 200 cross: the call is acknowledged, then ended with BYE',
    requirements: ['uac.cancel-race'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-cancel-crosses-200.xml');
      await stage.phone.becomes(call, 'ringing');
      await stage.phone.hangup(call);
      await sipp.done();
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'in-cancel',
    title: 'The caller gives up while it rings',
    requirements: ['uas.cancel'],
    over: ['udp', 'tcp', 'tcp6', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-cancel.xml', {
        line: 'alice',
        pauses: stage.network.loss > 0 ? 2000 : 300,
      });
      await sipp.done(32_000);
      const { end } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.by, 'remote');
      if (stage.network.loss === 0)
        assert.equal(sipp.received('CANCEL', 200).length, 1, sipp.summary());
    },
  }),
  ...scenario({
    id: 'in-cancel-too-late',
    title: 'CANCEL after the 200 is answered and changes nothing',
    requirements: ['uas.cancel-late'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-cancel-late.xml', { pauses: 1500 });
      await stage.phone.becomes(call, 'established');
      await pause(200, stage.signal);
      assert.equal((await stage.phone.get(call)).state, 'established');
      await sipp.done();
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'in-rejected',
    title: 'The person rejects the call: 486',
    requirements: ['uas.reject'],
    over: ['udp', 'tcp', 'lossy'],
    deadline: 90_000,
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-refused.xml', {
        line: 'alice',
        pauses: stage.linger,
      });
      await stage.phone.call('call.reject', { call });
      await sipp.receives('INVITE', { status: 486, within: 32_000 });
      await sipp.done(32_000);
      await stage.phone.becomes(call, 'ended');
    },
  }),
  ...scenario({
    id: 'in-declined',
    title: 'A script declines the call with 603',
    requirements: ['uas.reject'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-refused.xml', { line: 'alice', pauses: 50 });
      await stage.phone.call('call.reject', { call, status: 603 });
      await sipp.receives('INVITE', { status: 603 });
      await sipp.done();
    },
  }),
];
