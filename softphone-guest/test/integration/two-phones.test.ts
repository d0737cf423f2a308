import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { heard } from './support/heard.ts';
import { Place, type Engine, type Phone } from './support/place.ts';

/** Two phones with an engine each, all in processes of their own, on the loopback. */
let place: Place;
let alice: Phone;
let bob: Phone;
let aliceEngine: Engine;
let bobEngine: Engine;

const ALICE_HZ = 440;
const BOB_HZ = 660;
const OTHER_HZ = 880;

beforeAll(async () => {
  place = new Place();
  [aliceEngine, bobEngine] = await Promise.all([
    place.engine('alice', `tone:${ALICE_HZ}`),
    place.engine('bob', `tone:${BOB_HZ}`),
  ]);
  [alice, bob] = await Promise.all([
    place.phone('alice', aliceEngine),
    place.phone('bob', bobEngine, 'auto_answer = true'),
  ]);
});

afterAll(() => place.close());

const heardMs = (engine: Engine, hz: number) => heard(engine, hz).presentMs;

async function until(check: () => void | Promise<void>, timeout = 10_000): Promise<void> {
  await vi.waitFor(check, { timeout, interval: 50 });
}

/** Waits until the engine has played so much in all, whatever it was. */
async function untilPlayed(engine: Engine, totalMs: number): Promise<void> {
  await until(() => expect(heard(engine, 1000).totalMs).toBeGreaterThan(totalMs));
}

async function media(phone: Phone) {
  const { calls } = await phone.client.call('calls.list', {});
  const [call] = calls;
  if (call === undefined) throw new Error('no call');
  return call;
}

describe('a call between two phones', () => {
  it('is established, and each hears the other', async () => {
    const call = await alice.client.call('call.dial', {
      target: `sip:bob@${bob.address}`,
      wait: 10_000,
    });
    expect(call).toMatchObject({ state: 'established', direction: 'outgoing' });
    await until(() => {
      expect(heardMs(aliceEngine, BOB_HZ)).toBeGreaterThan(1000);
      expect(heardMs(bobEngine, ALICE_HZ)).toBeGreaterThan(1000);
    });
    expect(heardMs(aliceEngine, ALICE_HZ)).toBe(0);
  });

  it('has figures of its audio at both ends', async () => {
    await until(async () => {
      for (const phone of [alice, bob]) {
        const call = await media(phone);
        expect(call.media.codec).toBe('opus');
        expect(call.media.txPackets).toBeGreaterThan(20);
        expect(call.media.rxPackets).toBeGreaterThan(20);
        expect(call.media.mos).toBeGreaterThan(4);
      }
    });
  });

  it('carries keys both ways', async () => {
    const keys: string[] = [];
    const listen = (phone: Phone, name: string) =>
      phone.client.control.on('dtmf', (params) =>
        keys.push(`${name} ${(params as { digit: string }).digit}`),
      );
    listen(alice, 'alice');
    listen(bob, 'bob');
    await alice.client.control.subscribe(['dtmf']);
    await bob.client.control.subscribe(['dtmf']);
    await alice.client.call('call.dtmf', { digits: '12#' });
    await bob.client.call('call.dtmf', { digits: '9' });
    await until(() => expect(keys).toEqual(['bob 1', 'bob 2', 'bob #', 'alice 9']));
  });

  it('is silent for the peer while it is held, and goes on after', async () => {
    expect(await alice.client.call('call.hold', { all: true })).toMatchObject({
      calls: [{ held: true, state: 'established' }],
    });
    await until(async () => expect(await media(bob)).toMatchObject({ remoteHeld: true }));
    const before = heard(bobEngine, ALICE_HZ);
    await untilPlayed(bobEngine, before.totalMs + 800);
    expect(heardMs(bobEngine, ALICE_HZ) - before.presentMs).toBeLessThan(200);
    expect(await alice.client.call('call.resume', {})).toMatchObject({ held: false });
    await until(async () => expect(await media(bob)).toMatchObject({ remoteHeld: false }));
    await until(() =>
      expect(heardMs(bobEngine, ALICE_HZ) - before.presentMs).toBeGreaterThan(1000),
    );
    expect((await media(alice)).media.lossPct).toBe(0);
  });

  it('is silent for the peer while it is muted', async () => {
    await alice.client.call('call.mute', {});
    const quiet = heard(bobEngine, ALICE_HZ);
    await untilPlayed(bobEngine, quiet.totalMs + 800);
    expect(heardMs(bobEngine, ALICE_HZ) - quiet.presentMs).toBeLessThan(200);
    await alice.client.call('call.unmute', {});
    await until(() => expect(heardMs(bobEngine, ALICE_HZ) - quiet.presentMs).toBeGreaterThan(700));
  });

  it('outlives the end of its engine, whose worker plays on', async () => {
    aliceEngine.child.kill('SIGKILL');
    await until(async () =>
      expect((await alice.client.call('status', {})).engine.state).toBe('disconnected'),
    );
    expect((await media(alice)).state).toBe('established');
    const before = heardMs(bobEngine, ALICE_HZ);
    aliceEngine = await place.startEngine(aliceEngine);
    await until(async () =>
      expect((await alice.client.call('status', {})).engine.state).toBe('connected'),
    );
    await until(() => expect(heardMs(bobEngine, ALICE_HZ) - before).toBeGreaterThan(1000));
    expect(heard(bobEngine, ALICE_HZ).gapsMs.at(-1) ?? 0).toBeLessThan(10_000);
  });

  it('moves to another engine that takes over, by re-INVITE', async () => {
    aliceEngine.child.kill('SIGKILL');
    aliceEngine = await place.engine('alice-2', `tone:${OTHER_HZ}`, aliceEngine);
    await until(() => {
      expect(heardMs(bobEngine, OTHER_HZ)).toBeGreaterThan(1000);
      expect(heardMs(aliceEngine, BOB_HZ)).toBeGreaterThan(1000);
    });
    expect((await media(alice)).state).toBe('established');
  });

  it('ends at both ends, and is remembered with its last figures', async () => {
    await bob.client.call('call.hangup', {});
    for (const phone of [alice, bob]) {
      await until(async () => {
        const { calls } = await phone.client.call('history.list', {});
        expect(calls[0]).toMatchObject({ state: 'ended', media: { codec: 'opus' } });
        expect(calls[0]?.media.rxPackets).toBeGreaterThan(50);
      });
      expect((await phone.client.call('calls.list', {})).calls).toEqual([]);
    }
  });
});

describe('a call that cannot be', () => {
  it('is refused in words when nobody listens', async () => {
    await expect(
      alice.client.call('call.dial', { target: 'sip:nobody@127.0.0.1:9', wait: 20_000 }),
    ).rejects.toMatchObject({ layer: 'call', code: 'refused' });
  });

  it('is refused as not acceptable without a codec in common', async () => {
    const engine = await place.engine('carol', 'null');
    const carol = await place.phone('carol', engine, 'codecs = ["PCMU"]\nauto_answer = true');
    const dave = await place.phone('dave', aliceEngine, 'codecs = ["G722"]');
    await expect(
      dave.client.call('call.dial', { target: `sip:carol@${carol.address}`, wait: 10_000 }),
    ).rejects.toMatchObject({ layer: 'call', details: { status: 488 } });
  });
});
