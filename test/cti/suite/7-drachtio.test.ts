import { until } from '@offhook/test-sipp';
import { describe, expect, it } from 'vitest';
import { compliance } from '../src/compliance.ts';
import { drachtioRig } from '../src/drachtio/rig.ts';
import { Scene } from '../src/scene.ts';

compliance(7, 'drachtio (simulated)', () => drachtioRig('IV'));

describe('a call that is made by RFC 3725 flow I', () => {
  it('is one call of two phones', async () => {
    const rig = await drachtioRig('I');
    const scene = new Scene(rig);
    const params = { device: 'alice', to: 'bob' };
    const made = await scene.request({ service: 'makeCall', params });
    rig.phones.bob.answer(await rig.phones.bob.leg('ringing'));
    expect((await scene.at('bob', 'connected')).call).toBe(made.call);
    await scene.at('alice', 'connected');
    await scene.quiet();
    await rig.close();
  });
});

describe('a drachtio-server that goes away', () => {
  it('is connected anew, with the calls that it has forgotten over', async () => {
    const rig = await drachtioRig('IV');
    const scene = new Scene(rig);
    await scene.talking('alice', 'bob');
    rig.server.dropApplication();
    await until('the calls to be over', () => rig.bridge.calls().length === 0, { within: 5000 });
    await until('the bridge to be back', () => rig.bridge.status()['srf']?.up === true, {
      within: 5000,
    });
    expect(rig.bridge.device('alice')?.inService).toBe(true);
    await scene.talking('alice', 'bob');
    expect(rig.server.connected).toBe(2);
    await rig.close();
  });
});
