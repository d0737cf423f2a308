import type { IncomingReferral } from '@offhook/signaling';
import { describe, expect, it } from 'vitest';
import { fakePhone, guestConfig, type FakePhone } from '../support/fake-phone.ts';

const CAROL = 'sip:carol@example.com';

async function talking(fake: FakePhone, target = 'bob') {
  const [line] = fake.phone.lines;
  if (line === undefined) throw new Error('no line');
  const session = fake.phone.manager.dial(line, target);
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  return { line, session, sip };
}

/** A REFER of the peer, and what it is answered. */
function asked(target = CAROL, more: Partial<IncomingReferral> = {}) {
  const log: string[] = [];
  const referral: IncomingReferral = {
    target,
    replaces: undefined,
    referredBy: { uri: 'sip:bob@example.com', header: '<sip:bob@example.com>' },
    from: { uri: 'sip:bob@example.com' },
    accept: () => void log.push('accept'),
    refuse: (status) => void log.push(`refuse ${status}`),
    report: (status) => void log.push(`report ${status}`),
    ...more,
  };
  return { referral, log };
}

describe('a blind transfer of ours', () => {
  it('tells how it fares, and ends the call when the target has answered', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const outcome = fake.phone.manager.transfers.blind(session, CAROL);
    const [referral] = sip.referrals;
    expect(referral).toMatchObject({ to: CAROL, options: {} });
    expect(session.call.transfer).toMatchObject({ to: CAROL, state: 'asked' });
    referral?.tell({ state: 'progress', status: 180, reason: 'ringing' });
    expect(session.call.transfer).toMatchObject({ state: 'progress', status: 180 });
    expect(session.call.phase).toBe('established');
    referral?.tell({ state: 'succeeded', status: 200, reason: 'OK' });
    expect(await outcome).toMatchObject({ state: 'succeeded' });
    await session.finished;
    expect(session.call.end).toMatchObject({ by: 'local' });
  });

  it.each(['failed', 'refused'] as const)('leaves the call as it was when it %s', async (state) => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const outcome = fake.phone.manager.transfers.blind(session, CAROL);
    sip.referrals[0]?.tell({ state, status: 486, reason: 'busy' });
    expect(await outcome).toMatchObject({ state });
    await fake.clock.advance(0);
    expect(session.call).toMatchObject({
      phase: 'established',
      transfer: { state, status: 486, reason: 'busy' },
    });
  });

  it('needs a call that is up', async () => {
    const fake = await fakePhone();
    fake.account.ring();
    const [session] = fake.phone.manager.list();
    expect(() => session && fake.phone.manager.transfers.blind(session, CAROL)).toThrow(
      'cannot transfer call',
    );
  });
});

describe('an attended transfer of ours', () => {
  it('has the target take over the second call’s dialog, and ends both calls', async () => {
    const fake = await fakePhone();
    const { session: first, sip } = await talking(fake, 'bob');
    const { session: second, sip: other } = await talking(fake, 'carol');
    const outcome = fake.phone.manager.transfers.attended(first, second);
    expect(sip.referrals[0]).toMatchObject({ to: CAROL, options: { replaces: other } });
    sip.referrals[0]?.tell({ state: 'succeeded', status: 200, reason: 'OK' });
    await outcome;
    await Promise.all([first.finished, second.finished]);
    expect(fake.phone.manager.list()).toEqual([]);
  });

  it('keeps both calls when it fails', async () => {
    const fake = await fakePhone();
    const { session: first, sip } = await talking(fake, 'bob');
    const { session: second } = await talking(fake, 'carol');
    const outcome = fake.phone.manager.transfers.attended(first, second);
    sip.referrals[0]?.tell({ state: 'failed', status: 481, reason: 'gone' });
    await outcome;
    await fake.clock.advance(0);
    expect([first.call.phase, second.call.phase]).toEqual(['established', 'established']);
    await fake.phone.manager.resume(first.id);
    expect(first.call.hold.inForce).toBe(false);
  });

  it('leaves a target that still rings, for the other party to call it anew', async () => {
    const fake = await fakePhone();
    const { line, session: first, sip } = await talking(fake, 'bob');
    const second = fake.phone.manager.dial(line, 'carol');
    await fake.clock.advance(0);
    const outcome = fake.phone.manager.transfers.attended(first, second);
    await fake.clock.advance(0);
    expect(fake.account.placed.at(-1)?.log).toContain('hangup');
    expect(sip.referrals[0]).toMatchObject({ to: CAROL, options: {} });
    sip.referrals[0]?.tell({ state: 'unknown' });
    expect(await outcome).toEqual({ state: 'unknown' });
  });
});

describe('a transfer that the peer asks for', () => {
  it('calls the target with Replaces and Referred-By, and reports how that fares', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const { referral, log } = asked(CAROL, {
      replaces: { callId: 'x', toTag: 't', fromTag: 'f' },
    });
    sip.emit('refer', referral);
    await fake.clock.advance(0);
    const next = fake.account.placed.at(-1);
    expect(next?.remote.uri).toBe(CAROL);
    expect(next?.options).toMatchObject({
      replaces: { callId: 'x', toTag: 't', fromTag: 'f' },
      extraHeaders: ['Referred-By: <sip:bob@example.com>'],
    });
    expect(fake.phone.manager.list().at(-1)?.call.referredBy).toBe('sip:bob@example.com');
    next?.ringing();
    await next?.establish();
    await fake.clock.advance(0);
    expect(log).toEqual(['accept', 'report 180', 'report 200']);
    expect(session.call.phase).toBe('established');
    await fake.clock.advance(5000);
    expect(session.call.phase).toBe('ended');
  });

  it('takes the first call up again when the target fails', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const { referral, log } = asked();
    sip.emit('refer', referral);
    await fake.clock.advance(0);
    expect(session.call.hold.wanted).toBe(true);
    fake.account.placed.at(-1)?.endWith({ by: 'remote', status: 486, reason: 'busy' });
    await fake.clock.advance(0);
    expect(log).toEqual(['accept', 'report 486']);
    expect(session.call).toMatchObject({ phase: 'established', hold: { wanted: false } });
  });

  it.each([
    ['by policy', 'transfers = "refuse"', CAROL, 603],
    ['when the target cannot be called', '', 'sip:carol:secret@example.com', 400],
  ])('is refused %s', async (_why, account, target, status) => {
    const fake = await fakePhone(guestConfig(account));
    const { sip } = await talking(fake);
    const { referral, log } = asked(target);
    sip.emit('refer', referral);
    expect(log).toEqual([`refuse ${status}`]);
    expect(fake.account.placed).toHaveLength(1);
  });

  it('outside of a call dials only where that is allowed', async () => {
    const refused = await fakePhone();
    const first = asked();
    refused.account.emit('refer', first.referral);
    expect(first.log).toEqual(['refuse 603']);

    const fake = await fakePhone(guestConfig('click_to_dial = true'));
    const second = asked(CAROL, { referredBy: undefined });
    fake.account.emit('refer', second.referral);
    await fake.clock.advance(0);
    expect(second.log).toEqual(['accept']);
    expect(fake.account.placed[0]?.remote.uri).toBe(CAROL);
  });
});

describe('calls that come in', () => {
  const decided = async (fake: FakePhone, headers: Readonly<Record<string, string>> = {}) => {
    const sip = fake.account.ring('sip:dave@example.com', undefined, headers);
    await fake.clock.advance(0);
    return sip;
  };

  it('are refused while the person is not to be disturbed, and are in the history', async () => {
    const fake = await fakePhone();
    fake.phone.settings.setDoNotDisturb(true);
    expect((await decided(fake)).log).toEqual(['reject 486']);
    expect(fake.engine?.tones.size).toBe(0);
    expect(fake.phone.manager.history.list()).toHaveLength(1);
    fake.phone.settings.setDoNotDisturb(false);
    expect((await decided(fake)).log).toEqual([]);
    expect([...(fake.engine?.tones ?? [])]).toEqual(['ring:ring']);
  });

  it('go elsewhere at once, or when nobody takes them', async () => {
    const fake = await fakePhone(guestConfig('forward = { no_answer = "200", after = 5 }'));
    const late = await decided(fake);
    await fake.clock.advance(4999);
    expect(late.log).toEqual([]);
    await fake.clock.advance(1);
    expect(late.log).toEqual(['reject 302 sip:200@example.com']);
    fake.phone.settings.setForwarding('sip:alice@example.com', { always: '300', afterMs: 1 });
    expect((await decided(fake)).log).toEqual(['reject 302 sip:300@example.com']);
  });

  it('are taken at the caller’s wish, where the line allows that', async () => {
    const fake = await fakePhone(guestConfig('answer_on_request = true'));
    expect((await decided(fake, { 'call-info': '<sip:x>;answer-after=0' })).log).toEqual([
      'answer',
    ]);
  });

  it('take the place of another call without ringing', async () => {
    const fake = await fakePhone();
    const { sip } = await talking(fake);
    const next = fake.account.ring('sip:dave@example.com', undefined, {}, sip);
    await fake.clock.advance(0);
    expect(next.log).toEqual(['answer']);
  });
});

describe('swap and redial', () => {
  it('takes up the held call and holds the other', async () => {
    const fake = await fakePhone();
    const { session: first } = await talking(fake, 'bob');
    const { session: second } = await talking(fake, 'carol');
    await fake.clock.advance(0);
    expect([first.call.hold.wanted, second.call.hold.wanted]).toEqual([true, false]);
    await fake.phone.manager.swap();
    await fake.clock.advance(0);
    expect([first.call.hold.wanted, second.call.hold.wanted]).toEqual([false, true]);
  });

  it('knows whom the person called last', async () => {
    const fake = await fakePhone();
    expect(() => fake.phone.handsets.lastDialled).toThrow('nobody has been called yet');
    const { sip } = await talking(fake, 'bob');
    sip.endWith({ by: 'remote', status: 200, reason: 'ended' });
    await fake.clock.advance(0);
    fake.account.ring('sip:dave@example.com');
    expect(fake.phone.handsets.lastDialled.remote.uri).toBe('sip:bob@example.com');
  });
});

describe('keys where the line leaves it to the peer', () => {
  it('go as RTP events, or INFO, or tones: what the peer takes first', async () => {
    const fake = await fakePhone(guestConfig('dtmf = "auto"'));
    const { session, sip } = await talking(fake);
    const sent = () => fake.engine?.log.filter((one) => one.startsWith('session.dtmf'));
    await session.dtmf('1');
    expect(sip.infos).toHaveLength(1);
    sip.infoRefusal = true;
    await session.dtmf('2');
    expect(sent()).toEqual([`session.dtmf ${session.media.id} 2 inband`]);
    const state = fake.engine?.sessions.get(session.media.id);
    if (state === undefined || fake.engine === undefined) throw new Error('no session');
    fake.engine.sessions.set(session.media.id, {
      ...state,
      remoteSdp: 'm=audio 1 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n',
    });
    await session.hold(true);
    await session.dtmf('3');
    expect(sent()?.at(-1)).toBe(`session.dtmf ${session.media.id} 3 rfc4733`);
  });
});
