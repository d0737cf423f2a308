import { until } from '@offhook/test-sipp';
import { describe, expect, it } from 'vitest';
import { compliance } from '../src/compliance.ts';
import { freeSwitchRig } from '../src/freeswitch/rig.ts';
import { Scene } from '../src/scene.ts';

compliance(6, 'FreeSWITCH (simulated)', freeSwitchRig);

describe('a FreeSWITCH whose event socket breaks', () => {
  it('is asked anew, and what happened meanwhile is there', async () => {
    const rig = await freeSwitchRig();
    const scene = new Scene(rig);
    const { caller } = await scene.talking('alice', 'bob');
    rig.fake.dropClients();
    rig.phones.bob.hangUp(await rig.phones.bob.leg('up'));
    rig.phones.carol.dial('dave');
    await scene.at('dave', 'alerting');
    await until('the first call to be over', () => rig.bridge.call(caller.call) === undefined, {
      within: 5000,
    });
    expect(rig.bridge.calls()).toHaveLength(1);
    await scene.quiet();
    await rig.close();
  });
});
