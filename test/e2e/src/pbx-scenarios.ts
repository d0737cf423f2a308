import assert from 'node:assert/strict';
import { until } from '@offhook/test-sipp';
import { MILLIWATT_HZ, type PbxNumber } from './pbx.ts';
import type { Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import { Viewer } from './viewer.ts';

/** The phone has registered, and the desktop is open in a viewer that has something to draw. */
async function atWork(stage: Stage): Promise<Viewer> {
  const { phone } = stage.vm;
  await stage.linked();
  await phone.registration(stage.pbx.aor, 'registered', 60_000);
  await stage.draws();
  const viewer = await Viewer.open(stage);
  await viewer.draws();
  await phone.engineConnected(60_000);
  return viewer;
}

/** Asterisk hears the microphone, and the loudspeaker plays Asterisk's tone, from now on. */
async function soundBothWays(stage: Stage, number: PbxNumber): Promise<void> {
  const mark = await stage.engine.mark();
  await Promise.all([number.hears(), stage.engine.plays(MILLIWATT_HZ, { mark, within: 20_000 })]);
}

const MODES = ['Asterisk', 'viewer that draws'];

export const pbxScenarios: readonly Scenario[] = [
  {
    name: 'Asterisk: a call out is held, resumed and hung up, beside remote-viewer that draws',
    modes: MODES,
    async run(stage) {
      const viewer = await atWork(stage);
      const { phone } = stage.vm;
      const number = stage.pbx.number();
      const { id } = await phone.dial(number.uri, stage.pbx.aor);
      await phone.becomes(id, 'established', 40_000);
      await soundBothWays(stage, number);
      await phone.call('call.hold', { call: id });
      assert.equal((await phone.get(id)).held, true);
      await phone.call('call.resume', { call: id });
      await soundBothWays(stage, number);
      await viewer.draws();
      await phone.hangup(id);
      const { media } = await phone.becomes(id, 'ended', 20_000);
      assert.equal(media.lossPct, 0);
    },
  },
  {
    name: 'Asterisk: a call in is taken, and ended by the caller, beside remote-viewer that draws',
    modes: MODES,
    async run(stage) {
      const viewer = await atWork(stage);
      const { phone } = stage.vm;
      const number = stage.pbx.number();
      const since = phone.eventMark;
      await stage.pbx.calls(number);
      const { id } = await phone.rings(since, { within: 40_000 });
      await phone.call('call.answer', { call: id });
      await phone.becomes(id, 'established', 40_000);
      await soundBothWays(stage, number);
      await viewer.draws();
      await stage.pbx.hangUp();
      const { end } = await phone.becomes(id, 'ended', 20_000);
      assert.equal(end?.by, 'remote');
    },
  },
  {
    name: 'Asterisk: digits there and back, beside remote-viewer that draws',
    modes: MODES,
    async run(stage) {
      const viewer = await atWork(stage);
      const { phone } = stage.vm;
      const { id } = await phone.dial(stage.pbx.keypad, stage.pbx.aor);
      await phone.becomes(id, 'established', 40_000);
      await phone.sees(id, 'receiving', ({ media }) => media.txPackets > 10, 20_000);
      await phone.call('call.dtmf', { call: id, digits: '7*3' });
      assert.equal(await stage.pbx.keys(20_000), '7*3');
      await until('the digits to come back', () => phone.digits(id) === '7*3', {
        within: 20_000,
        seen: () => `the phone reported ${phone.digits(id)}`,
      });
      await viewer.draws();
      await phone.hangup(id);
      await phone.becomes(id, 'ended', 20_000);
    },
  },
];
