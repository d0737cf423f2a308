import { describe, expect, it } from 'vitest';
import { fakePhone, guestConfig, type FakePhone } from '../support/fake-phone.ts';

const GERMANY = '[dial]\ncountry = "DE"\n[[dial.block]]\npattern = ".*"\n';
const BERLIN = {
  civic: { country: 'DE', A3: 'Berlin', RD: 'Unter den Linden', HNO: '1', FLR: '3' },
};

async function phone(rest = GERMANY, located = true): Promise<FakePhone> {
  const fake = await fakePhone(guestConfig('', rest));
  const { engine, clock } = fake;
  if (engine === undefined) throw new Error('no engine');
  if (located) engine.emit('location.changed', { location: BERLIN });
  await clock.advance(0);
  return fake;
}

async function help(fake: FakePhone) {
  const session = await fake.phone.dialler.dial('112');
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  return { session, sip };
}

describe('a call for help', () => {
  it('passes the number rules, and carries where the thin client is', async () => {
    const fake = await phone(`${GERMANY}[emergency]\nresource_priority = "esnet.1"`);
    const { session, sip } = await help(fake);
    expect(session.call.remote.uri).toBe('sip:112@example.com');
    const { extraHeaders = [], parts = [] } = sip.options ?? {};
    expect(extraHeaders).toEqual([
      'Priority: emergency',
      'Resource-Priority: esnet.1',
      `Geolocation: <cid:${parts[0]?.contentId}>`,
      'Geolocation-Routing: yes',
      'Supported: geolocation',
    ]);
    expect(parts[0]?.content).toContain('<cl:RD>Unter den Linden</cl:RD>');
  });

  it('goes out without a location where none is known, and says so', async () => {
    const fake = await phone(GERMANY, false);
    const warnings: (string | undefined)[] = [];
    fake.phone.emergency.events.on('begun', ({ warning }) => warnings.push(warning));
    const { sip } = await help(fake);
    expect(sip.options?.parts).toBeUndefined();
    expect(warnings).toEqual(['location unknown: the thin client has none']);
  });

  it('forgets the location with the thin client that had it', async () => {
    const fake = await phone();
    expect(fake.phone.location()).toMatchObject({ warning: undefined });
    fake.engine?.emit('location.changed', { location: null });
    expect(fake.phone.location().warning).toBe('location unknown: the thin client has none');
    fake.engine?.cut();
    expect(fake.phone.location().warning).toBe('location unknown: no thin client is there');
  });

  it('is made once more without the location, where that may be what was refused', async () => {
    const fake = await phone();
    const { sip } = await help(fake);
    sip.endWith({ by: 'remote', status: 424, reason: 'Bad Location Information' });
    await fake.clock.advance(0);
    expect(fake.account.placed).toHaveLength(2);
    expect(fake.account.placed[1]?.options?.parts).toBeUndefined();
    fake.account.placed[1]?.endWith({ by: 'remote', status: 404, reason: 'Not Found' });
    await fake.clock.advance(0);
    expect(fake.account.placed).toHaveLength(2);
  });

  it('goes over another line when the first one fails', async () => {
    const fake = await phone(`${GERMANY}[[account]]\naor = "sip:second@example.net"`);
    const { sip } = await help(fake);
    sip.endWith({ by: 'network', status: 408, reason: 'no answer' });
    await fake.clock.advance(0);
    const [, second] = fake.userAgent.accounts;
    expect(second?.placed[0]?.remote.uri).toBe('sip:112@example.net');
  });

  it('is not made again when the person has hung up', async () => {
    const fake = await phone();
    const { sip } = await help(fake);
    sip.endWith({ by: 'local', status: 487, reason: 'cancelled' });
    await fake.clock.advance(0);
    expect(fake.account.placed).toHaveLength(1);
  });

  it('makes room for itself, by what is missed least', async () => {
    const fake = await phone('[dial]\ncountry = "DE"\n[calls]\nmax = 2\none_active = false');
    for (const name of ['bob', 'carol']) {
      await fake.phone.dialler.dial(name);
      await fake.clock.advance(0);
      await fake.account.placed.at(-1)?.establish();
    }
    const [bob, carol] = fake.phone.manager.list();
    await bob?.hold(true);
    const { session } = await help(fake);
    await fake.clock.advance(0);
    expect(bob?.call.phase).toBe('ended');
    expect(session.call.phase).toBe('dialing');
    // Whoever is left is not heard meanwhile.
    expect(carol?.call.hold.wanted).toBe(true);
  });

  it('can be called back for a while, whatever is set', async () => {
    const fake = await phone();
    fake.phone.settings.setDoNotDisturb(true);
    const refused = async () => {
      const sip = fake.account.ring();
      await fake.clock.advance(0);
      return sip.end?.status;
    };
    expect(await refused()).toBe(486);
    const { sip } = await help(fake);
    sip.endWith({ by: 'remote', status: 200, reason: 'ended' });
    await fake.clock.advance(1_700_000);
    const back = fake.account.ring('sip:psap@example.org');
    await fake.clock.advance(0);
    expect(back.end).toBeUndefined();
    await back.hangup();
    await fake.clock.advance(101_000);
    expect(await refused()).toBe(486);
  });
});
