import assert from 'node:assert/strict';
import { until } from '@offhook/test-sipp';
import { faultScenarios } from './fault-scenarios.ts';
import { migrationScenarios } from './migration-scenarios.ts';
import { pbxScenarios } from './pbx-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { viewerMigrationScenarios } from './viewer-migration-scenarios.ts';
import { viewerScenarios } from './viewer-scenarios.ts';

/** Each begins with a phone without calls; what it needs of an engine it asks the stage for. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'an engine with a wrong ticket is refused, and says so',
    modes: ['wrong ticket'],
    async run(stage) {
      const since = Date.now();
      await stage.startEngine(`spice://127.0.0.1:${stage.vm.spice.port}?password=not-it`);
      const { fields } = await stage.engineLogs('not linked to the desktop', since, 30_000);
      assert.match(String(fields['reason']), /refuses the ticket/);
      let seen = '';
      await until(
        'the phone to say that nobody is there',
        async () => {
          const { engine } = await stage.vm.phone.call('status', {});
          seen = engine.text;
          return seen.includes('no engine has the other end');
        },
        { within: 60_000, every: 200, seen: () => seen },
      );
      await stage.stopEngine();
    },
  },
  {
    name: 'phone in the VM and engine outside find each other through SPICE',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
    },
  },
  {
    name: 'a call out, with sound both ways straight between engine and peer',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
      const placed = await stage.place('uas-answer.xml');
      await stage.soundBothWays(placed);
      await stage.hangUp(placed);
    },
  },
  {
    name: 'a call in, ended by the caller',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
      const placed = await stage.receive('uac-call.xml');
      await stage.soundBothWays(placed);
      await stage.vm.phone.becomes(placed.call, 'ended', 20_000);
      await placed.sipp.done();
    },
  },
  {
    name: 'hold and resume',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
      const placed = await stage.place('uas-hold.xml');
      await stage.soundBothWays(placed);
      await stage.vm.phone.call('call.hold', { call: placed.call });
      assert.equal((await stage.vm.phone.get(placed.call)).held, true);
      await stage.vm.phone.call('call.resume', { call: placed.call });
      await stage.soundBothWays(placed);
      await stage.hangUp(placed);
    },
  },
  {
    name: 'digits both ways',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
      const placed = await stage.place('uas-answer.xml');
      await stage.soundBothWays(placed);
      await stage.vm.phone.call('call.dtmf', { call: placed.call, digits: '159#' });
      await until(
        'the far end to get the digits',
        () => placed.far.capture.digits(101) === '159#',
        { within: 10_000, seen: () => placed.far.capture.digits(101) },
      );
      await placed.far.sendDtmf('42*', 101);
      await until(
        'the phone to get the digits',
        () => stage.vm.phone.digits(placed.call) === '42*',
        {
          within: 10_000,
          seen: () => stage.vm.phone.digits(placed.call),
        },
      );
      await stage.hangUp(placed);
    },
  },
  {
    name: 'the engine is killed and started again in the middle of a call',
    modes: ['plain SPICE'],
    async run(stage) {
      await stage.linked();
      const placed = await stage.place('uas-answer.xml');
      await stage.soundBothWays(placed);
      await stage.killEngine();
      // The worker plays on by itself.
      await placed.far.hears(440, { mark: placed.far.capture.mark, ms: 1000 });
      await stage.startEngine();
      await stage.vm.phone.engineConnected(20_000);
      await stage.soundBothWays(placed);
      assert.equal((await stage.vm.phone.get(placed.call)).state, 'established');
      await stage.hangUp(placed);
    },
  },
  ...pbxScenarios,
  ...faultScenarios,
  ...viewerScenarios,
  ...migrationScenarios,
  ...viewerMigrationScenarios,
];
