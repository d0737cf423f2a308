import { until } from '@offhook/test-sipp';
import { describe, expect, it } from 'vitest';
import { compliance } from '../src/compliance.ts';
import { sipRig, tcpRig } from '../src/csta/rigs.ts';
import { Scene } from '../src/scene.ts';

compliance(3, 'uaCSTA over SIP', sipRig);

compliance(4, 'CSTA-XML over TCP', tcpRig);

describe('a CSTA switch whose connection breaks', () => {
  it('is asked anew, and what happened meanwhile is there', async () => {
    const rig = await tcpRig();
    const scene = new Scene(rig);
    const { caller } = await scene.talking('alice', 'bob');
    const was = new Set(scene.events);
    rig.dropLinks();
    rig.phones.carol.dial('dave');
    rig.phones.bob.hangUp(await rig.phones.bob.leg('up'));
    await until('the bridge to be back', () => rig.bridge.connectionsOf('carol').length === 1, {
      within: 5000,
    });
    await until('the first call to be over', () => rig.bridge.call(caller.call) === undefined, {
      within: 5000,
    });
    expect(scene.events.filter((event) => !was.has(event)).length).toBeGreaterThan(2);
    await scene.quiet();
    await rig.close();
  });
});
