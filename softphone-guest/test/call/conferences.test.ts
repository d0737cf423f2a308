import { describe, expect, it } from 'vitest';
import type { CallSession } from '../../src/call/call-session.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakePhone, type FakePhone } from '../support/fake-phone.ts';

async function talking(fake: FakePhone, target: string) {
  const [line] = fake.phone.lines;
  if (line === undefined) throw new Error('no line');
  const session = fake.phone.manager.dial(line, target);
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  await fake.clock.advance(0);
  return { session, sip };
}

/** Which calls the engine mixes, by the last letters of who is called. */
const mixed = (fake: FakePhone): readonly (string | undefined)[] =>
  [...(fake.engine?.sessions.values() ?? [])].map(({ conference }) => conference);

const held = (...sessions: readonly CallSession[]): readonly boolean[] =>
  sessions.map(({ call }) => call.hold.wanted);

describe('a conference', () => {
  it('brings calls together, and takes up those on hold', async () => {
    const fake = await fakePhone();
    const { manager } = fake.phone;
    const [bob, carol] = [await talking(fake, 'bob'), await talking(fake, 'carol')];
    expect(held(bob.session, carol.session)).toEqual([true, false]);
    await manager.conferences.join([bob.session, carol.session]);
    expect(held(bob.session, carol.session)).toEqual([false, false]);
    const name = bob.session.call.conference;
    expect(name).toBeDefined();
    expect(mixed(fake)).toEqual([name, name]);

    // One more comes in: it joins what is there.
    const dave = await talking(fake, 'dave');
    expect(held(bob.session, carol.session, dave.session)).toEqual([true, true, false]);
    await manager.conferences.join([dave.session, carol.session]);
    expect(held(bob.session, carol.session, dave.session)).toEqual([false, false, false]);
    expect(mixed(fake)).toEqual([name, name, name]);
  });

  it('is taken up as a whole', async () => {
    const fake = await fakePhone();
    const { manager } = fake.phone;
    const [bob, carol] = [await talking(fake, 'bob'), await talking(fake, 'carol')];
    await manager.conferences.join([bob.session, carol.session]);
    const dave = await talking(fake, 'dave');
    await manager.resume(bob.session.id);
    await fake.clock.advance(0);
    expect(held(bob.session, carol.session, dave.session)).toEqual([false, false, true]);
  });

  it('lets a call leave and come back', async () => {
    const fake = await fakePhone();
    const { conferences } = fake.phone.manager;
    const sessions = [];
    for (const target of ['bob', 'carol', 'dave'])
      sessions.push((await talking(fake, target)).session);
    const [bob, carol, dave] = sessions as [CallSession, CallSession, CallSession];
    await conferences.join(sessions);
    await conferences.leave(dave);
    const name = bob.call.conference;
    expect(mixed(fake)).toEqual([name, name, undefined]);
    expect(held(bob, carol, dave)).toEqual([false, false, true]);
    await expect(conferences.leave(dave)).rejects.toThrow('in no conference');
    await conferences.join([dave, bob]);
    expect(mixed(fake)).toEqual([name, name, name]);
  });

  it('is none any more with one call left', async () => {
    const fake = await fakePhone();
    const { conferences } = fake.phone.manager;
    const [bob, carol] = [await talking(fake, 'bob'), await talking(fake, 'carol')];
    await conferences.join([bob.session, carol.session]);
    carol.sip.endWith({ by: 'remote', status: 200, reason: 'ended' });
    await fake.clock.advance(0);
    expect(bob.session.call).toMatchObject({ conference: undefined, phase: 'established' });
    expect(mixed(fake)).toEqual([undefined]);
  });

  it('needs two calls that are up', async () => {
    const fake = await fakePhone();
    const { conferences } = fake.phone.manager;
    const { session } = await talking(fake, 'bob');
    await expect(conferences.join([session])).rejects.toThrow('needs two calls');
    fake.account.ring();
    const ringing = fake.phone.manager.list().at(-1);
    await expect(conferences.join([session, ringing as CallSession])).rejects.toThrow(
      'cannot join: it is incoming',
    );
  });

  it('is built anew with an engine that knows nothing of it', async () => {
    const fake = await fakePhone();
    const [bob, carol] = [await talking(fake, 'bob'), await talking(fake, 'carol')];
    await fake.phone.manager.conferences.join([bob.session, carol.session]);
    const before = fake.engine;
    fake.engine = new FakeEngine('engine-2');
    before?.cut();
    await fake.clock.advance(2000);
    const name = bob.session.call.conference;
    expect(mixed(fake)).toEqual([name, name]);
  });
});
