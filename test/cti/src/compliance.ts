import { OffhookError } from '@offhook/common';
import { serviceName, type ServiceName, type ServiceRequest } from '@offhook/cti-bridge';
import { until } from '@offhook/test-sipp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Rig } from './rig.ts';
import { Scene } from './scene.ts';
import { keepResults, type Outcome } from './table.ts';

type Trial = (scene: Scene, rig: Rig) => Promise<void>;

/**
 * What every adapter has to do, against its own PBX and phones. A service that alice's phone does
 * not have must be refused as such; one that it has must work.
 */
export function compliance(order: number, column: string, start: () => Promise<Rig>): void {
  const rows = new Map<ServiceName, Outcome>();
  describe.each([column])('%s', () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await start();
    });
    afterAll(async () => {
      await keepResults(column, order, rows);
      await rig.close();
    });

    it.each(Object.entries(MONITORING))('tells %s', async (_, trial) => {
      await expect(inScene(rig, trial)).resolves.toBeUndefined();
    });

    it.each(serviceName.options)('%s works, or is refused as not supported', async (service) => {
      const able = rig.bridge.device('alice')?.capabilities.includes(service) === true;
      rows.set(service, 'failed');
      const trial = able ? TRIALS[service] : refused(service);
      await expect(inScene(rig, trial)).resolves.toBeUndefined();
      rows.set(service, able ? 'works' : 'off');
    });
  });
}

async function inScene(rig: Rig, trial: Trial): Promise<void> {
  const scene = new Scene(rig);
  try {
    await trial(scene, rig);
  } finally {
    await scene.quiet();
  }
}

/** Events about what people do at their phones. */
const MONITORING: Readonly<Record<string, Trial>> = {
  'a call from its beginning to its end': async (scene, { phones }) => {
    const { caller, called } = await scene.talking('alice', 'bob');
    expect(called.call).toBe(caller.call);
    phones.bob.hangUp(await phones.bob.leg('up'));
    await scene.event('connectionCleared', ({ connection }) => connection?.device === 'alice');
    expect(scene.typesOf('bob')).toEqual(['delivered', 'established', 'connectionCleared']);
    expect(scene.typesOf('alice').at(0)).toBe('serviceInitiated');
    expect(scene.typesOf('alice')).toContain('originated');
  },
  'hold and retrieve at the phone': async (scene, { phones }) => {
    await scene.talking('alice', 'bob');
    const leg = await phones.alice.leg('up');
    phones.alice.hold(leg);
    await scene.at('alice', 'hold');
    phones.alice.retrieve(leg);
    await scene.at('alice', 'connected');
    expect(scene.typesOf('alice').slice(-2)).toEqual(['held', 'retrieved']);
  },
  'a busy phone': async (scene, { phones }) => {
    phones.alice.dial('bob');
    phones.bob.hangUp(await phones.bob.leg('ringing'));
    const event = await scene.event('failed');
    expect(event).toMatchObject({ cause: 'busy', connection: { device: 'bob' } });
  },
  'a call that nobody answers before the caller gives up': async (scene, { phones }) => {
    const leg = phones.alice.dial('bob');
    await scene.at('bob', 'alerting');
    phones.alice.hangUp(leg);
    await scene.event('connectionCleared', ({ connection }) => connection?.device === 'bob');
    expect(scene.typesOf('bob')).not.toContain('established');
  },
  'a transfer that the phone makes itself': async (scene, { phones }) => {
    const { called } = await scene.talking('alice', 'bob');
    const held = await phones.alice.leg('up');
    phones.alice.hold(held);
    const active = phones.alice.dial('carol');
    phones.carol.answer(await phones.carol.leg('ringing'));
    await scene.at('carol', 'connected');
    phones.alice.transfer(held, active);
    const event = await scene.event('transferred');
    expect(event.call).toBe(called.call);
    const carol = await scene.at('carol', 'connected', called.call);
    expect((await scene.at('bob', 'connected')).call).toBe(carol.call);
  },
};

/** One request that is all right, but for what it asks for. */
function refused(service: ServiceName): Trial {
  return async (scene) => {
    const { held, active, far } = await scene.consulting();
    const connection = service === 'retrieveCall' ? held.id : active.id;
    const device = 'alice';
    const params: Readonly<Record<string, unknown>> = {
      connection,
      device,
      call: active.call,
      held: held.id,
      active: active.id,
      to: 'dave',
      digits: '1',
      on: true,
      type: 'immediate',
      queue: 'queue/support',
      state: 'ready',
    };
    const ringing: readonly ServiceName[] = ['answerCall', 'deflectCall', 'directedPickup'];
    const request = { service, params } as unknown as ServiceRequest;
    const error: unknown = await scene.request(request).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OffhookError);
    const allowed = ringing.includes(service)
      ? ['not-supported', 'invalid-state']
      : ['not-supported'];
    expect(allowed).toContain((error as OffhookError).code);
    expect(far).toHaveLength(2);
  };
}

const TRIALS: Readonly<Record<ServiceName, Trial>> = {
  makeCall: async (scene, { phones }) => {
    const made = await scene.request({
      service: 'makeCall',
      params: { device: 'alice', to: 'bob' },
    });
    phones.bob.answer(await phones.bob.leg('ringing'));
    const bob = await scene.at('bob', 'connected');
    expect(bob.call).toBe(made.call);
    expect((await scene.at('alice', 'connected')).id).toBe(made.connection);
  },
  answerCall: async (scene, { phones }) => {
    phones.bob.dial('alice');
    const { id } = await scene.at('alice', 'alerting');
    await scene.request({ service: 'answerCall', params: { connection: id } });
    expect(phones.alice.legs.map(({ state }) => state)).toEqual(['up']);
    await scene.at('alice', 'connected');
  },
  clearConnection: async (scene, { phones }) => {
    const { caller } = await scene.talking('alice', 'bob');
    await scene.request({ service: 'clearConnection', params: { connection: caller.id } });
    await phones.alice.idle();
    await phones.bob.idle();
  },
  clearCall: async (scene, { phones }) => {
    const { caller } = await scene.talking('alice', 'bob');
    await scene.request({ service: 'clearCall', params: { call: caller.call } });
    await phones.alice.idle();
    await phones.bob.idle();
  },
  holdCall: async (scene) => {
    const { caller } = await scene.talking('alice', 'bob');
    await scene.request({ service: 'holdCall', params: { connection: caller.id } });
    await scene.event('held', ({ connection }) => connection?.id === caller.id);
    expect((await scene.at('bob', 'connected')).call).toBe(caller.call);
  },
  retrieveCall: async (scene) => {
    const { caller, called } = await scene.talking('bob', 'alice');
    await scene.request({ service: 'holdCall', params: { connection: called.id } });
    await scene.request({ service: 'retrieveCall', params: { connection: called.id } });
    await scene.event('retrieved', ({ connection }) => connection?.id === called.id);
    expect((await scene.at('bob', 'connected')).id).toBe(caller.id);
  },
  alternateCall: async (scene) => {
    const { held, active } = await scene.consulting();
    const params = { held: held.id, active: active.id };
    await scene.request({ service: 'alternateCall', params });
    expect((await scene.at('alice', 'connected')).id).toBe(held.id);
    expect((await scene.at('alice', 'hold')).id).toBe(active.id);
  },
  reconnectCall: async (scene, { phones }) => {
    const { held, active } = await scene.consulting();
    const params = { held: held.id, active: active.id };
    await scene.request({ service: 'reconnectCall', params });
    expect((await scene.at('alice', 'connected')).id).toBe(held.id);
    await phones.carol.idle();
  },
  consultationCall: async (scene) => {
    const { held, active } = await scene.consulting();
    expect(held.call).not.toBe(active.call);
  },
  transferCall: async (scene, { phones }) => {
    const { held, active, far } = await scene.consulting();
    const params = { held: held.id, active: active.id };
    await scene.request({ service: 'transferCall', params });
    const event = await scene.event('transferred');
    expect(event).toMatchObject({ by: 'alice', call: held.call, fromCall: active.call });
    const [bob, carol] = far;
    expect((await scene.at('bob', 'connected', held.call)).id).toBe(bob?.id);
    expect((await scene.at('carol', 'connected', held.call)).id).toBe(carol?.id);
    await phones.alice.idle();
  },
  singleStepTransfer: async (scene, { phones }) => {
    const { caller } = await scene.talking('alice', 'bob');
    const params = { connection: caller.id, to: 'carol' };
    await scene.request({ service: 'singleStepTransfer', params });
    phones.carol.answer(await phones.carol.leg('ringing'));
    expect(await scene.event('transferred')).toMatchObject({ by: 'alice', call: caller.call });
    expect((await scene.at('carol', 'connected')).call).toBe(caller.call);
    expect((await scene.at('bob', 'connected')).call).toBe(caller.call);
    await phones.alice.idle();
  },
  deflectCall: async (scene, { phones }) => {
    phones.bob.dial('alice');
    const { id, call } = await scene.at('alice', 'alerting');
    await scene.request({ service: 'deflectCall', params: { connection: id, to: 'carol' } });
    await phones.carol.leg('ringing');
    expect(await scene.event('diverted')).toMatchObject({ call, connection: { device: 'alice' } });
    expect((await scene.at('carol', 'alerting')).call).toBe(call);
    await phones.alice.idle();
  },
  directedPickup: async (scene, { phones }) => {
    phones.bob.dial('carol');
    const { id, call } = await scene.at('carol', 'alerting');
    const params = { connection: id, device: 'alice' };
    await scene.request({ service: 'directedPickup', params });
    expect(await scene.event('diverted')).toMatchObject({
      cause: 'callPickup',
      connection: { id },
    });
    expect((await scene.at('alice', 'connected')).call).toBe(call);
    await phones.carol.idle();
  },
  conferenceCall: async (scene) => {
    const { held, active } = await scene.consulting();
    const params = { held: held.id, active: active.id };
    await scene.request({ service: 'conferenceCall', params });
    expect(await scene.event('conferenced')).toMatchObject({ call: held.call, by: 'alice' });
    for (const name of ['alice', 'bob', 'carol'] as const) {
      await scene.at(name, 'connected', held.call);
    }
  },
  generateDigits: async (scene, { phones }) => {
    const { caller } = await scene.talking('alice', 'bob');
    const params = { connection: caller.id, digits: '19#' };
    await scene.request({ service: 'generateDigits', params });
    await until('the far phone to get the digits', () => phones.bob.digits.join('') === '19#', {
      within: 3000,
      seen: () => phones.bob.digits.join(''),
    });
    expect(await scene.event('digitsGenerated')).toMatchObject({ digits: '19#' });
  },
  setDoNotDisturb: async (scene, { phones, bridge }) => {
    await scene.request({ service: 'setDoNotDisturb', params: { device: 'alice', on: true } });
    expect(bridge.device('alice')?.doNotDisturb).toBe(true);
    const leg = phones.bob.dial('alice');
    await phones.bob.idle();
    expect(leg.status).toBe(486);
    expect(phones.alice.legs).toEqual([]);
    await scene.request({ service: 'setDoNotDisturb', params: { device: 'alice', on: false } });
    expect(bridge.device('alice')?.doNotDisturb).toBe(false);
  },
  setForwarding: async (scene, { phones, bridge }) => {
    const params = { device: 'alice', type: 'immediate', to: 'carol' } as const;
    await scene.request({ service: 'setForwarding', params });
    expect(bridge.device('alice')?.forwarding).toEqual([{ type: 'immediate', to: 'carol' }]);
    phones.bob.dial('alice');
    await phones.carol.leg('ringing');
    expect(phones.alice.legs).toEqual([]);
    await scene.request({ service: 'setForwarding', params: { ...params, to: null } });
    expect(bridge.device('alice')?.forwarding).toEqual([]);
  },
  setMessageWaiting: async (scene, { phones, bridge }) => {
    await scene.request({ service: 'setMessageWaiting', params: { device: 'alice', on: true } });
    await until('the lamp to be on', () => phones.alice.messageWaiting, { within: 3000 });
    expect(bridge.device('alice')?.messageWaiting).toBe(true);
    await scene.request({ service: 'setMessageWaiting', params: { device: 'alice', on: false } });
    await until('the lamp to be off', () => !phones.alice.messageWaiting, { within: 3000 });
  },
  parkCall: async (scene, { phones }) => {
    const { caller, called } = await scene.talking('alice', 'bob');
    const parked = await scene.request({ service: 'parkCall', params: { connection: caller.id } });
    expect((await scene.at('bob', 'queued')).id).toBe(called.id);
    await phones.alice.idle();
    phones.carol.dial(parked.parkedAt ?? '');
    expect((await scene.at('bob', 'connected')).id).toBe(called.id);
    await scene.at('carol', 'connected', called.call);
  },
  setAgentState: async (scene, { phones, bridge, queue }) => {
    if (queue === undefined) throw new Error('this rig has no queue');
    const set = (state: 'loggedOff' | 'ready' | 'notReady' | 'wrapUp', reason?: string) =>
      scene.request({
        service: 'setAgentState',
        params: {
          device: 'alice',
          queue: queue.device,
          state,
          ...(reason === undefined ? {} : { reason }),
        },
      });
    const agent = (state: string | undefined, reason?: string) =>
      until(
        `alice to be ${state}`,
        () => {
          const [found] = bridge.device('alice')?.agent ?? [];
          return found?.state === state && found?.reason === reason;
        },
        { within: 3000, seen: () => JSON.stringify(bridge.device('alice')) },
      );
    await set('notReady', 'lunch');
    await agent('notReady', 'lunch');
    phones.bob.dial(queue.number);
    await scene.at(queue.device, 'queued');
    expect(phones.alice.legs).toEqual([]);
    await set('ready');
    await agent('ready');
    phones.alice.answer(await phones.alice.leg('ringing'));
    const bob = await scene.at('bob', 'connected');
    await scene.at('alice', 'connected', bob.call);
    await set('wrapUp');
    await agent('wrapUp');
    await set('loggedOff');
    await agent(undefined);
  },
  silentMonitor: supervision('silentMonitor'),
  whisper: supervision('whisper'),
  bargeIn: supervision('bargeIn'),
};

function supervision(service: 'silentMonitor' | 'whisper' | 'bargeIn'): Trial {
  return async (scene, { phones }) => {
    const { called } = await scene.talking('bob', 'carol');
    const params = { device: 'alice', connection: called.id };
    await scene.request({ service, params });
    const alice = await scene.at('alice', 'connected', called.call);
    expect(alice.role).toBe('joined');
    phones.bob.hangUp(await phones.bob.leg('up'));
    await phones.alice.idle();
  };
}
