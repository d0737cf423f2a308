import assert from 'node:assert/strict';
import { findTone } from '@offhook/common/audio';
import type { CallInfo } from '@offhook/softphone-guest';
import type { Asterisk } from '../infra/asterisk.ts';
import { until } from '../infra/wait.ts';
import { MICROPHONE_HZ } from '../phone/engine-process.ts';
import type { Phone } from '../phone/phone.ts';
import { exchange, type Exchange } from './exchange.ts';
import { withAsterisk } from './with-asterisk.ts';

/** What Asterisk's Milliwatt() plays. */
const MILLIWATT_HZ = 1004;

/** A user calls another one of the same phone; both ends are up when this resolves. */
async function connected(
  { phone, aor, asterisk }: Exchange,
  from: string,
  to: string,
): Promise<{ caller: string; called: string }> {
  const since = phone.eventMark;
  const { id: caller } = await phone.dial(
    `sip:${to}@${asterisk.address}:${asterisk.port}`,
    aor(from),
  );
  const { id: called } = await phone.rings(since);
  await phone.becomes(caller, 'established');
  await phone.becomes(called, 'established');
  return { caller, called };
}

async function records(asterisk: Asterisk, digits: string): Promise<void> {
  await until(
    'Asterisk to have recorded the microphone',
    async () => findTone(await asterisk.heard(digits), MICROPHONE_HZ).presentMs >= 500,
    { within: 8000, every: 200 },
  );
}

async function over(phone: Phone, ...calls: readonly string[]): Promise<void> {
  for (const call of calls) {
    await phone.hangup(call);
    await phone.becomes(call, 'ended');
  }
}

/** Calls that change hands at a PBX. */
export const asteriskTransfers = [
  ...withAsterisk({
    id: 'asterisk-transfer-blind',
    title: 'Asterisk connects a party that is handed on with its target',
    requirements: ['refer.out'],
    async run(stage) {
      const pbx = await exchange(stage, {
        'alice-blind': {},
        'carol-blind': { auto_answer: true },
      });
      const { caller, called } = await connected(pbx, 'alice-blind', 'carol-blind');
      await pbx.phone.call('call.transfer', { call: caller, target: '60191', wait: 8000 });
      const { transfer } = await pbx.phone.becomes(caller, 'ended');
      assert.equal(transfer?.state, 'succeeded');
      await stage.engine.plays(MILLIWATT_HZ, { signal: stage.signal, ms: 500 });
      await records(pbx.asterisk, '60191');
      await over(pbx.phone, called);
    },
  }),
  ...withAsterisk({
    id: 'asterisk-transfer-attended',
    title: 'Asterisk joins the parties of two calls',
    requirements: ['refer.attended'],
    async run(stage) {
      const pbx = await exchange(stage, {
        'alice-attended': {},
        'carol-attended': { auto_answer: true },
        'bob-attended': { auto_answer: true },
      });
      const { phone } = pbx;
      const first = await connected(pbx, 'alice-attended', 'carol-attended');
      await phone.call('call.hold', { call: first.caller });
      const second = await connected(pbx, 'alice-attended', 'bob-attended');
      await phone.call('call.transfer', {
        call: first.caller,
        other: second.caller,
        wait: 8000,
      });
      await phone.becomes(first.caller, 'ended');
      await phone.becomes(second.caller, 'ended');
      const mark = await stage.engine.mark();
      await stage.engine.plays(MICROPHONE_HZ, { signal: stage.signal, ms: 500, mark });
      await over(phone, first.called);
      await phone.becomes(second.called, 'ended');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-refers',
    title: 'Asterisk hands the phone on, which calls the target',
    requirements: ['refer.in'],
    async run(stage) {
      const { asterisk, phone, aor } = await exchange(stage, { 'alice-refer': {} });
      const { id } = await phone.dial('605', aor('alice-refer'));
      await phone.becomes(id, 'established');
      const next: CallInfo = await until(
        'the phone to call the target',
        async () =>
          (await phone.calls()).find((call) => call.id !== id && call.state === 'established'),
        { within: 8000, every: 50 },
      );
      assert.match(next.remote, /^sip:600@/);
      assert.notEqual(next.referredBy, null);
      await phone.becomes(id, 'ended', 8000);
      await until(
        'Asterisk to be told that it went through',
        () => /transfer SUCCESS of alice-refer/.test(asterisk.process.output),
        { within: 4000 },
      );
      await stage.engine.plays(MICROPHONE_HZ, { ms: 500, signal: stage.signal });
      await over(phone, next.id);
    },
  }),
  ...withAsterisk({
    id: 'asterisk-park',
    title: 'A call is parked at Asterisk, and taken again',
    requirements: ['feature.park'],
    async run(stage) {
      const pbx = await exchange(
        stage,
        { 'alice-park': {}, 'carol-park': { auto_answer: true } },
        { codes: { park: '700' } },
      );
      const { phone, aor } = pbx;
      const { caller, called } = await connected(pbx, 'alice-park', 'carol-park');
      await phone.call('call.park', { call: caller, wait: 8000 });
      await phone.becomes(caller, 'ended');
      const { id } = await phone.call('call.retrieve', {
        extension: '701',
        account: aor('alice-park'),
        wait: 8000,
      });
      await phone.sees(called, 'heard again', ({ media }) => media.rxPackets > 25);
      await over(phone, id);
      await phone.becomes(called, 'ended');
    },
  }),
  ...withAsterisk({
    id: 'asterisk-pickup',
    title: 'A call that rings at another phone is taken by feature code',
    requirements: ['feature.pickup'],
    async run(stage) {
      const { phone, aor, asterisk } = await exchange(
        stage,
        { 'alice-pickup': {}, 'bob-pickup': {}, 'carol-pickup': {} },
        { codes: { pickup: '*8{extension}' } },
      );
      const since = phone.eventMark;
      const to = `sip:carol-pickup@${asterisk.address}:${asterisk.port}`;
      const { id: bob } = await phone.dial(to, aor('bob-pickup'));
      const { id: ringing } = await phone.rings(since);
      const { id: alice } = await phone.call('call.pickup', {
        extension: 'carol-pickup',
        account: aor('alice-pickup'),
        wait: 8000,
      });
      await phone.becomes(ringing, 'ended');
      await phone.becomes(bob, 'established');
      await over(phone, alice);
      await phone.becomes(bob, 'ended');
    },
  }),
];
