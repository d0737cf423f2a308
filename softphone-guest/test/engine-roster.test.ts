import { describe, expect, it } from 'vitest';
import { FakeEngine } from './support/fake-engine.ts';
import { fakePhone, guestConfig, type FakePhone } from './support/fake-phone.ts';

const HOME = 'unix:/run/engine.sock';
const OFFICE = 'tcp:192.0.2.20:4444';
const INSIDE = 'unix:/run/inside.sock';

const two = () => guestConfig('', `also = ["${OFFICE}"]\nfallback = "${INSIDE}"`);

async function talking(fake: FakePhone) {
  const [line] = fake.phone.lines;
  if (line === undefined) throw new Error('no line');
  const session = fake.phone.manager.dial(line, 'bob');
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  await fake.clock.advance(0);
  return { session, sip, id: session.media.id };
}

/** The thin client's process, or its line, is gone. */
function loses(fake: FakePhone): FakeEngine {
  const { engine } = fake;
  if (engine === undefined) throw new Error('no engine');
  fake.engine = undefined;
  engine.cut();
  return engine;
}

const active = (fake: FakePhone) =>
  fake.phone.link.seats.filter((seat) => seat.active).map(({ channel }) => channel);

describe('two thin clients', () => {
  it('that are both there: the phone is used at one, and both are told', async () => {
    const fake = await fakePhone(two());
    const office = new FakeEngine('office', 50_000);
    fake.others.set(OFFICE, office);
    const { id } = await talking(fake);
    await fake.clock.advance(3000);
    expect(active(fake)).toEqual([HOME]);
    expect(fake.engine?.used.at(-1)).toBe(true);
    expect(office.used.at(-1)).toBe(false);
    expect([...office.sessions.keys()]).toEqual([]);
    expect(fake.engine?.sessions.has(id)).toBe(true);
  });

  it('that come at the same moment: exactly one wins, whichever', async () => {
    const fake = await fakePhone(two());
    const home = loses(fake);
    await fake.clock.advance(10_000);
    const office = new FakeEngine('office', 50_000);
    fake.engine = home;
    fake.others.set(OFFICE, office);
    await fake.clock.advance(3000);
    expect(active(fake)).toHaveLength(1);
    expect([home.used.at(-1), office.used.at(-1)].filter(Boolean)).toHaveLength(1);
  });

  it('of which the second takes over: new description, re-INVITE, and the first lets go', async () => {
    const fake = await fakePhone(two());
    const { sip, id, session } = await talking(fake);
    const home = loses(fake);
    const office = new FakeEngine('office', 50_000);
    fake.others.set(OFFICE, office);
    await fake.clock.advance(3000);
    expect(active(fake)).toEqual([OFFICE]);
    expect(sip.log).toEqual(['renegotiate']);
    expect(office.sessions.get(id)).toMatchObject({ state: 'active' });
    expect(session.call.phase).toBe('established');
    // The o= line goes on: version up by one (RFC 3264 §8).
    const versions = sip.offers.map((sdp) => /^o=\S+ \d+ (\d+)/m.exec(sdp)?.[1]).map(Number);
    expect(versions.at(-1)).toBe(Number(versions[0]) + 1);

    // The former one comes back with what was there: it has to let go.
    fake.engine = home;
    await fake.clock.advance(3000);
    expect(home.sessions.has(id)).toBe(false);
    expect(home.used.at(-1)).toBe(false);
    expect(active(fake)).toEqual([OFFICE]);
  });

  it('are changed by hand: the sound at the first ends only when the second has it', async () => {
    const fake = await fakePhone(two());
    const office = new FakeEngine('office', 50_000);
    fake.others.set(OFFICE, office);
    const { id, sip } = await talking(fake);
    await fake.clock.advance(3000);
    const gate = Promise.withResolvers<void>();
    sip.gate = gate.promise;
    expect(fake.phone.link.use(OFFICE)).toBe(true);
    await fake.clock.advance(100);
    expect(fake.engine?.sessions.has(id)).toBe(true);
    gate.resolve();
    await fake.clock.advance(100);
    expect(office.sessions.get(id)).toMatchObject({ state: 'active' });
    expect(fake.engine?.sessions.has(id)).toBe(false);
    expect(fake.phone.link.use('tcp:192.0.2.99:1')).toBe(false);
  });

  it('have a call muted there as it was here', async () => {
    const fake = await fakePhone(two());
    const office = new FakeEngine('office', 50_000);
    fake.others.set(OFFICE, office);
    const { session, id } = await talking(fake);
    session.input({ type: 'mute', muted: true });
    await fake.clock.advance(3000);
    fake.phone.link.use(OFFICE);
    await fake.clock.advance(100);
    expect(office.sessions.get(id)).toMatchObject({ muted: true });
  });

  it('leave a call where it is whose thin client is away only for a moment', async () => {
    const fake = await fakePhone(two());
    const office = new FakeEngine('office', 50_000);
    fake.others.set(OFFICE, office);
    const { sip } = await talking(fake);
    await fake.clock.advance(3000);
    const home = loses(fake);
    await fake.clock.advance(1000);
    fake.engine = home;
    await fake.clock.advance(5000);
    expect(active(fake)).toEqual([HOME]);
    expect(sip.log).toEqual([]);
  });
});

describe('without any thin client', () => {
  const away = (rule: string) => guestConfig(`away = { ${rule} }`, `fallback = "${INSIDE}"`);

  it('a call is kept, and ended by this end before the lease does', async () => {
    const fake = await fakePhone(away('policy = "keep", limit = 0'));
    const { session, sip } = await talking(fake);
    loses(fake);
    // The fake engine grants what is asked for: 300 s.
    await fake.clock.advance(296_000);
    expect(session.call.phase).toBe('established');
    await fake.clock.advance(2000);
    expect([session.call.phase, sip.log]).toEqual(['ended', ['hangup']]);
  });

  it('a call is ended after its own limit, if that is shorter', async () => {
    const fake = await fakePhone(away('policy = "keep", limit = 20'));
    const { session } = await talking(fake);
    loses(fake);
    await fake.clock.advance(19_000);
    expect(session.call.phase).toBe('established');
    await fake.clock.advance(2000);
    expect(session.call.phase).toBe('ended');
  });

  it('a call is put on hold with the ports and keys that it has, and taken back', async () => {
    const fake = await fakePhone(away('policy = "hold", after = 5'));
    const { session, sip, id } = await talking(fake);
    const home = loses(fake);
    await fake.clock.advance(4000);
    expect(sip.log).toEqual([]);
    await fake.clock.advance(2000);
    expect(sip.log).toEqual(['renegotiate']);
    expect(session.call.hold.inForce).toBe(true);
    const [before = '', offline = ''] = sip.offers;
    expect(offline).toContain('a=sendonly');
    expect(offline).not.toContain('a=sendrecv');
    const port = /^m=audio (\d+)/m;
    expect(port.exec(offline)?.[1]).toBe(port.exec(before)?.[1]);
    expect(home.sessions.get(id)?.revision).toBe(2);

    fake.engine = home;
    await fake.clock.advance(3000);
    expect(session.call.hold).toEqual({ wanted: false, inForce: false });
    expect(sip.offers.at(-1)).toContain('a=sendrecv');
    const versions = sip.offers.map((sdp) => Number(/^o=\S+ \d+ (\d+)/m.exec(sdp)?.[1]));
    expect(new Set(versions)).toEqual(new Set([1, 2, 3]));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(home.sessions.get(id)).toMatchObject({ state: 'active' });
  });

  it('a call that was on hold already is left so', async () => {
    const fake = await fakePhone(away('policy = "hold", after = 1'));
    const { session, sip } = await talking(fake);
    await session.hold(true);
    const home = loses(fake);
    await fake.clock.advance(5000);
    fake.engine = home;
    await fake.clock.advance(3000);
    expect(session.call.hold.wanted).toBe(true);
    expect(sip.log).toEqual(['renegotiate']);
  });

  it('a call goes to the engine in the guest, and back when a thin client is there', async () => {
    const fake = await fakePhone(away('policy = "fallback", after = 2'));
    const inside = new FakeEngine('inside', 60_000);
    fake.others.set(INSIDE, inside);
    const { session, sip, id } = await talking(fake);
    await fake.clock.advance(3000);
    expect(inside.sessions.size).toBe(0);
    const home = loses(fake);
    await fake.clock.advance(3000);
    expect(active(fake)).toEqual([INSIDE]);
    expect(inside.sessions.get(id)).toMatchObject({ state: 'active' });
    await fake.clock.advance(600_000);
    expect(session.call.phase).toBe('established');

    fake.engine = home;
    await fake.clock.advance(3000);
    expect(active(fake)).toEqual([HOME]);
    expect(home.sessions.get(id)).toMatchObject({ state: 'active' });
    expect(inside.sessions.size).toBe(0);
    expect(sip.log).toEqual(['renegotiate', 'renegotiate']);
  });

  it('a call is kept that no engine in the guest can take', async () => {
    const fake = await fakePhone(away('policy = "fallback", after = 2, limit = 30'));
    const { session } = await talking(fake);
    loses(fake);
    await fake.clock.advance(29_000);
    expect(session.call.phase).toBe('established');
    await fake.clock.advance(2000);
    expect(session.call.phase).toBe('ended');
  });

  it('no timer runs when there are no calls', async () => {
    const fake = await fakePhone(away('policy = "hold"'));
    loses(fake);
    await fake.clock.advance(5000);
    await fake.phone.close();
    expect(fake.clock.pending).toBe(0);
  });
});
