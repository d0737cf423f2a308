import { OffhookError } from '@offhook/common';
import { until } from '@offhook/test-sipp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asteriskRig, bridgeTo, connected, type AsteriskRig } from '../src/asterisk-rig.ts';
import { Scene } from '../src/scene.ts';

let rig: AsteriskRig;

beforeAll(async () => {
  rig = await asteriskRig({ remoteControl: true });
});

afterAll(() => rig.close());

it('a bridge that starts later finds the calls that are there, under the same ids', async () => {
  const scene = new Scene(rig);
  const { caller, called } = await scene.talking('alice', 'bob');
  const later = bridgeTo(rig.asterisk, true);
  try {
    await connected(later, rig.asterisk);
    expect(later.call(caller.call)?.connections).toMatchObject([
      { id: caller.id, device: 'alice', role: 'calling', state: 'connected' },
      { id: called.id, device: 'bob', role: 'called', state: 'connected' },
    ]);
    await later.request({ service: 'clearCall', params: { call: caller.call } });
    await scene.event('connectionCleared', ({ connection }) => connection?.id === caller.id);
  } finally {
    await later.close();
    await scene.quiet();
  }
});

it('a feature that the dial plan sets is told', async () => {
  const scene = new Scene(rig);
  rig.phones.bob.dial('610');
  await scene.event('deviceChanged', ({ device }) => device?.doNotDisturb === true);
  expect(rig.bridge.device('alice')?.doNotDisturb).toBe(true);
  const params = { device: 'alice', on: false };
  await scene.request({ service: 'setDoNotDisturb', params });
  await scene.quiet();
});

it('nothing that was dialled reaches the PBX as an action of its own', async () => {
  const scene = new Scene(rig);
  const to = 'bob\r\nAction: Originate\r\nChannel: PJSIP/carol\r\nExten: 600';
  const error: unknown = await scene
    .request({ service: 'makeCall', params: { device: 'alice', to } })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ layer: 'cti', code: 'bad-value' });
  expect(rig.phones.carol.legs).toEqual([]);
  expect(rig.phones.alice.legs).toEqual([]);
  await scene.quiet();
});

it('a PBX that dies in the middle of a transfer fails it, and everything is right after its return', async () => {
  const scene = new Scene(rig);
  const { held, active } = await scene.consulting();
  const params = { held: held.id, active: active.id };
  const transfer = scene
    .request({ service: 'transferCall', params })
    .catch((reason: unknown) => reason);
  await rig.asterisk.crash();
  const outcome = await transfer;
  // It may have been done just before.
  expect(outcome instanceof OffhookError || typeof outcome === 'object').toBe(true);
  await connected(rig.bridge, rig.asterisk);
  await until('the calls to be over', () => rig.bridge.calls().length === 0, { within: 5000 });
  expect(scene.typesOf('bob').at(-1)).toBe('connectionCleared');
  // The phones do not know yet that the far end of their calls is gone.
  for (const phone of Object.values(rig.phones)) for (const leg of phone.legs) phone.hangUp(leg);
  const { caller, called } = await scene.talking('carol', 'dave');
  expect(called.call).toBe(caller.call);
  await scene.quiet();
});

it('while the PBX is away, requests are refused at once', async () => {
  const away = bridgeTo({ amiPort: 1 }, true);
  const request = away.request({ service: 'makeCall', params: { device: 'alice', to: 'bob' } });
  await expect(request).rejects.toMatchObject({ layer: 'cti', code: 'no-such-device' });
  await away.close();
});
