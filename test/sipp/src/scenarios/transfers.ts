import assert from 'node:assert/strict';
import { header, headerList, type SipMessage } from '../infra/sip-message.ts';
import type { Sipp } from '../infra/sipp.ts';
import { until } from '../infra/wait.ts';
import { scenario } from '../runner/scenario.ts';
import { ask, endedByPeer, hangUp, place, receive, soundBothWays } from './steps.ts';

/** The phone goes on with the first call while it makes another: no re-INVITE gets in between. */
const together = { guest: { calls: { one_active: false } } };

function refer(sipp: Sipp): SipMessage {
  const [message] = sipp.received('REFER');
  assert.ok(message !== undefined, sipp.summary());
  return message;
}

/** Calls that change hands, and calls that the phone sends elsewhere. */
export const transfers = [
  ...scenario({
    id: 'transfer-blind',
    title: 'A party is handed on, and the call ends when it is through',
    requirements: ['refer.out'],
    over: ['udp', 'tcp', 'udp6'],
    async run(stage) {
      const { sipp, call } = await place(stage, 'uas-refer.xml', {
        fill: { STATUS: 200, REASON: 'OK' },
      });
      await stage.phone.becomes(call, 'established');
      await stage.phone.call('call.transfer', { call, target: '200', wait: 8000 });
      const { end, transfer } = await stage.phone.becomes(call, 'ended');
      assert.equal(end?.by, 'local');
      assert.equal(transfer?.state, 'succeeded');
      assert.equal(header(refer(sipp), 'refer-to'), '<sip:200@example.test>');
      assert.match(header(refer(sipp), 'referred-by') ?? '', /sip:alice@example\.test/);
      await sipp.done();
    },
  }),
  ...scenario({
    id: 'transfer-target-fails',
    title: 'The target is busy: the person is told, and the call goes on',
    requirements: ['refer.out-fails'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const placed = await place(stage, 'uas-refer.xml', {
        fill: { STATUS: 486, REASON: 'Busy Here' },
      });
      const { call } = placed;
      await stage.phone.becomes(call, 'established');
      await assert.rejects(
        stage.phone.call('call.transfer', { call, target: '200', wait: 8000 }),
        /the transfer failed: busy \(SIP 486\)/,
      );
      assert.equal((await stage.phone.get(call)).transfer?.status, 486);
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'transfer-declined',
    title: 'The party does not want to be handed on',
    requirements: ['refer.out-fails'],
    async run(stage) {
      const placed = await place(stage, 'uas-refer-refused.xml');
      const { call } = placed;
      await stage.phone.becomes(call, 'established');
      await assert.rejects(
        stage.phone.call('call.transfer', { call, target: '200', wait: 8000 }),
        /declined \(SIP 603\)/,
      );
      await soundBothWays(stage, placed);
      await hangUp(stage, placed);
    },
  }),
  ...scenario({
    id: 'transfer-attended',
    title: 'The parties of two calls are joined',
    requirements: ['refer.attended'],
    over: ['udp', 'tcp'],
    setting: together,
    async run(stage) {
      const first = await place(stage, 'uas-refer.xml', { fill: { STATUS: 200, REASON: 'OK' } });
      await stage.phone.becomes(first.call, 'established');
      const second = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(second.call, 'established');
      await stage.phone.call('call.transfer', {
        call: first.call,
        other: second.call,
        wait: 8000,
      });
      await stage.phone.becomes(first.call, 'ended');
      await stage.phone.becomes(second.call, 'ended');
      await Promise.all([first.sipp.done(), second.sipp.done()]);

      const [invite] = second.sipp.received('INVITE');
      const [answer] = second.sipp.sent('INVITE', 200);
      const tag = (value: string | undefined) => /;tag=([^;\s]+)/.exec(value ?? '')?.[1];
      assert.ok(invite !== undefined && answer !== undefined);
      const [, target, replaces] =
        /^<([^?]+)\?Replaces=([^>]+)>$/.exec(header(refer(first.sipp), 'refer-to') ?? '') ?? [];
      assert.equal(target, second.sipp.uri());
      const dialog = [
        header(invite, 'call-id'),
        `to-tag=${tag(header(answer, 'to'))}`,
        `from-tag=${tag(header(invite, 'from'))}`,
      ];
      assert.equal(decodeURIComponent(replaces ?? ''), dialog.join(';'));
    },
  }),
  ...scenario({
    id: 'transferred',
    title: 'The phone is handed on to somebody, in place of a call of theirs',
    requirements: ['refer.in'],
    over: ['udp', 'tcp'],
    setting: together,
    async run(stage) {
      const target = await stage.answering('uas-answer.xml', {
        name: 'target',
        media: await stage.media(),
        extra: ['-d', '50'],
      });
      const referred = `${target.uri()}?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2`;
      const placed = await receive(stage, 'uac-refer.xml', { keys: { referred }, pauses: 300 });
      const invite = await target.receives('INVITE');
      assert.equal(header(invite, 'replaces'), 'abc@host;to-tag=1;from-tag=2');
      assert.match(header(invite, 'referred-by') ?? '', /^<sip:sipp@/);
      await endedByPeer(stage, placed);
      const [next] = await stage.phone.calls();
      assert.ok(next !== undefined, 'the new call goes on');
      assert.match(next.referredBy ?? '', /^sip:sipp@/);
      await stage.phone.hangup(next.id);
      await target.done();
    },
  }),
  ...scenario({
    id: 'transferred-in-vain',
    title: 'Whom the phone is handed on to is busy: it reports that, and stays',
    requirements: ['refer.in-fails'],
    over: ['udp', 'tcp'],
    setting: together,
    async run(stage) {
      const target = await stage.answering('uas-reject.xml', {
        name: 'target',
        fill: { STATUS: 486, REASON: 'Busy Here' },
        keys: { note: 'x' },
        extra: ['-d', '50'],
      });
      const placed = await receive(stage, 'uac-refer-fails.xml', {
        keys: { referred: target.uri() },
        pauses: 1500,
      });
      await target.done();
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'transferred-not-allowed',
    title: 'A line that is not to be handed on',
    requirements: ['refer.policy'],
    setting: {
      accounts: () => [
        {
          aor: 'sip:auto@example.test',
          register: false,
          auto_answer: true,
          codecs: ['PCMA', 'PCMU'],
          transfers: 'refuse',
        },
      ],
    },
    async run(stage) {
      const placed = await receive(stage, 'uac-refer-refused.xml', {
        keys: { referred: 'sip:carol@127.0.0.1:9' },
        pauses: 300,
      });
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-replaces',
    title: 'A call takes the place of another one, without ringing',
    requirements: ['replaces.in'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const before = await place(stage, 'uas-answer.xml');
      await stage.phone.becomes(before.call, 'established');
      const [invite] = before.sipp.received('INVITE');
      const [answer] = before.sipp.sent('INVITE', 200);
      const tag = (value: string | undefined) => /;tag=([^;\s]+)/.exec(value ?? '')?.[1] ?? '';
      assert.ok(invite !== undefined && answer !== undefined);
      const replaces = [
        header(invite, 'call-id'),
        `to-tag=${tag(header(invite, 'from'))}`,
        `from-tag=${tag(header(answer, 'to'))}`,
      ].join(';');
      const placed = await receive(stage, 'uac-replaces.xml', {
        line: 'alice',
        keys: { replaces },
        name: 'replacing',
      });
      await stage.phone.becomes(placed.call, 'established');
      await before.sipp.done();
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
    },
  }),
  ...scenario({
    id: 'in-redirected',
    title: 'The person sends a caller elsewhere',
    requirements: ['uas.redirect'],
    over: ['udp', 'tcp'],
    async run(stage) {
      const { sipp, call } = await receive(stage, 'uac-redirected.xml', {
        line: 'alice',
        pauses: 50,
      });
      await stage.phone.call('call.redirect', { call, targets: ['200', 'carol@example.org'] });
      await sipp.done();
      const [moved] = sipp.received('INVITE', 302);
      assert.ok(moved !== undefined);
      const contacts = headerList(moved, 'contact');
      assert.deepEqual(contacts, ['<sip:200@example.test>', '<sip:carol@example.org>']);
    },
  }),
  ...scenario({
    id: 'in-forwarded',
    title: 'Calls are sent elsewhere as the person has set',
    requirements: ['uas.redirect'],
    setting: together,
    async run(stage) {
      await stage.phone.call('settings.forward', { account: 'alice', always: '200' });
      await ask(stage, 'uac-redirected.xml', { pauses: 50 });
      await stage.phone.call('settings.forward', {
        account: 'alice',
        noAnswer: '300',
        afterMs: 1000,
      });
      const late = await ask(stage, 'uac-redirected.xml', { pauses: 50, name: 'late' });
      assert.equal(late.received('INVITE', 180).length, 1, late.summary());
    },
  }),
  ...scenario({
    id: 'in-do-not-disturb',
    title: 'Nobody disturbs, and whoever tried is in the history',
    requirements: ['uas.do-not-disturb'],
    setting: together,
    async run(stage) {
      await stage.phone.call('settings.doNotDisturb', { on: true });
      const sipp = await ask(stage, 'uac-refused.xml', { line: 'alice' });
      assert.equal(sipp.received('INVITE', 486).length, 1, sipp.summary());
      assert.equal(sipp.received('INVITE', 180).length, 0, sipp.summary());
      const { calls } = await until(
        'the call to be in the history',
        async () => {
          const history = await stage.phone.call('history.list', {});
          return history.calls.length > 0 ? history : undefined;
        },
        { within: 3000 },
      );
      assert.match(calls[0]?.end?.reason ?? '', /Do Not Disturb/);
    },
  }),
  ...scenario({
    id: 'in-answer-after',
    title: 'An intercom call is taken where the line allows it, and rings elsewhere',
    requirements: ['uas.answer-after'],
    setting: {
      accounts: () =>
        ['auto', 'alice'].map((user) => ({
          aor: `sip:${user}@example.test`,
          register: false,
          codecs: ['PCMA', 'PCMU'],
          answer_on_request: user === 'auto',
        })),
    },
    async run(stage) {
      const placed = await receive(stage, 'uac-intercom.xml');
      await stage.phone.becomes(placed.call, 'established');
      await soundBothWays(stage, placed);
      await endedByPeer(stage, placed);
      const ringing = await receive(stage, 'uac-intercom.xml', {
        line: 'alice',
        pauses: 50,
        name: 'second',
      });
      await stage.phone.becomes(ringing.call, 'incoming');
      await stage.phone.call('call.answer', { call: ringing.call, wait: 5000 });
      await endedByPeer(stage, ringing);
    },
  }),
];
