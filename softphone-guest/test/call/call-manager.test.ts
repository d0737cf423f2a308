import { OffhookError } from '@offhook/common';
import { mediaError } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/call/model.ts';
import { FakeEngine } from '../support/fake-engine.ts';
import { fakePhone, guestConfig, type FakePhone } from '../support/fake-phone.ts';

async function talking(fake: FakePhone, target = 'bob') {
  const line = fake.phone.lines[0];
  if (line === undefined) throw new Error('no line');
  const session = fake.phone.manager.dial(line, target);
  await fake.clock.advance(0);
  const sip = fake.account.placed.at(-1);
  if (sip === undefined) throw new Error('no INVITE');
  await sip.establish();
  return { session, sip };
}

const only = (fake: FakePhone) => {
  const [session] = fake.phone.manager.list();
  if (session === undefined) throw new Error('no call');
  return session;
};

describe('dialling', () => {
  it('offers what the engine offers, and opens the audio with the answer', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    expect(sip.remote.uri).toBe('sip:bob@example.com');
    expect(sip.offers).toHaveLength(1);
    expect(session.call.phase).toBe('established');
    expect(fake.engine?.log.filter((one) => one.startsWith('session.'))).toEqual([
      `session.open ${session.media.id} 1 offer sendrecv`,
      `session.update ${session.media.id} 2 accept`,
    ]);
  });

  it('plays ringback for a 180 until the call is answered', async () => {
    const fake = await fakePhone();
    const line = fake.phone.lines[0];
    if (line === undefined) throw new Error('no line');
    fake.phone.manager.dial(line, 'bob');
    await fake.clock.advance(0);
    const sip = fake.account.placed[0];
    sip?.ringing();
    await fake.clock.advance(0);
    expect([...(fake.engine?.tones ?? [])]).toEqual(['ringback:ringback']);
    await sip?.establish();
    await fake.clock.advance(0);
    expect(fake.engine?.tones.size).toBe(0);
  });

  it('plays busy when the called phone is', async () => {
    const fake = await fakePhone();
    const { phone, clock } = fake;
    const line = phone.lines[0];
    if (line === undefined) throw new Error('no line');
    const session = phone.manager.dial(line, 'bob');
    await clock.advance(0);
    fake.account.placed[0]?.endWith({ by: 'remote', status: 486, reason: 'busy' });
    await clock.advance(0);
    expect([...(fake.engine?.tones ?? [])]).toEqual([`end-${session.id}:busy`]);
    expect(phone.manager.list()).toEqual([]);
    expect(phone.manager.history.list()[0]?.call).toMatchObject({
      id: session.id,
      end: { status: 486, reason: 'busy' },
    });
    expect(fake.engine?.sessions.size).toBe(0);
  });

  it('is refused with the layer when there is no engine', async () => {
    const fake = await fakePhone();
    fake.engine?.cut();
    fake.engine = undefined;
    await fake.clock.advance(500);
    const line = fake.phone.lines[0];
    expect(() => line && fake.phone.manager.dial(line, 'bob')).toThrow(
      /not connected: unix:\/run\/engine\.sock \(channel: nothing listens\)/,
    );
    expect(fake.account.placed).toEqual([]);
  });

  it('puts the call that is talked on on hold', async () => {
    const fake = await fakePhone();
    const first = await talking(fake, 'bob');
    await talking(fake, 'carol');
    await fake.clock.advance(0);
    expect(first.session.call.hold).toEqual({ wanted: true, inForce: true });
    expect(first.sip.log).toEqual(['renegotiate']);
    expect(first.sip.offers[1]).toContain('a=sendonly');
  });
});

describe('an incoming call', () => {
  it('rings until it is taken', async () => {
    const fake = await fakePhone();
    const sip = fake.account.ring('sip:bob@example.com', 'Bob');
    await fake.clock.advance(0);
    expect([...(fake.engine?.tones ?? [])]).toEqual(['ring:ring']);
    await fake.phone.manager.answer(only(fake).id);
    expect(sip.log).toEqual(['answer']);
    await sip.establish();
    await fake.clock.advance(0);
    expect(fake.engine?.tones.size).toBe(0);
    expect(only(fake).call).toMatchObject({
      phase: 'established',
      remote: { uri: 'sip:bob@example.com', displayName: 'Bob' },
    });
  });

  it('gets 480 when there is no engine: no dead audio', async () => {
    const fake = await fakePhone();
    fake.engine?.cut();
    fake.engine = undefined;
    const sip = fake.account.ring();
    await fake.clock.advance(10);
    expect(sip.log).toEqual(['reject 480']);
    expect(fake.phone.manager.history.list()[0]?.call.phase).toBe('ended');
  });

  it('gets 486 beyond the limit', async () => {
    const fake = await fakePhone(guestConfig('', '[calls]\nmax = 1'));
    fake.account.ring('sip:bob@example.com');
    const second = fake.account.ring('sip:carol@example.com');
    await fake.clock.advance(0);
    expect(second.log).toEqual(['reject 486']);
  });

  it('gets 486 beyond what the engine can take', async () => {
    const fake = await fakePhone();
    fake.engine?.cut();
    if (fake.engine !== undefined) fake.engine.maxSessions = 1;
    await fake.clock.advance(200);
    fake.account.ring('sip:bob@example.com');
    const second = fake.account.ring('sip:carol@example.com');
    await fake.clock.advance(0);
    expect(second.log).toEqual(['reject 486']);
    const [line] = fake.phone.lines;
    expect(() => line && fake.phone.manager.dial(line, 'bob')).toThrow('1 calls already');
  });

  it('is answered at once with auto_answer, without a tone, and holds nobody', async () => {
    const fake = await fakePhone(guestConfig('auto_answer = true'));
    const first = fake.account.ring('sip:bob@example.com');
    await fake.clock.advance(0);
    await first.establish();
    const second = fake.account.ring('sip:carol@example.com');
    await fake.clock.advance(0);
    await second.establish();
    expect([first.log, second.log]).toEqual([['answer'], ['answer']]);
    expect(fake.engine?.log.filter((one) => one.startsWith('tone'))).toEqual([]);
  });

  it('is answered after a while with auto_answer = "2s", unless it has gone', async () => {
    const fake = await fakePhone(guestConfig('auto_answer = "2s"'));
    const first = fake.account.ring('sip:bob@example.com');
    const second = fake.account.ring('sip:carol@example.com');
    second.endWith({ by: 'remote', status: 487, reason: 'given up' });
    await fake.clock.advance(1999);
    expect(first.log).toEqual([]);
    await fake.clock.advance(1);
    expect([first.log, second.log]).toEqual([['answer'], []]);
  });

  it('tells why when there can be no answer, and ends', async () => {
    const fake = await fakePhone();
    fake.engine?.failures.set('session.open', mediaError('no-common-codec'));
    const sip = fake.account.ring();
    await expect(fake.phone.manager.answer(only(fake).id)).rejects.toMatchObject({
      code: 'no-common-codec',
    });
    await fake.clock.advance(0);
    expect(sip.end?.status).toBe(488);
    expect(fake.phone.manager.list()).toEqual([]);
  });

  it('is refused at once when its engine has gone while it rang', async () => {
    const fake = await fakePhone();
    const sip = fake.account.ring();
    await fake.clock.advance(0);
    fake.engine?.cut();
    fake.engine = undefined;
    await expect(fake.phone.manager.answer(only(fake).id)).rejects.toMatchObject({
      layer: 'engine',
      code: 'not-connected',
    });
    expect(sip.end).toBeDefined();
  });

  it('beside a conversation knocks, and holds it when it is taken', async () => {
    const fake = await fakePhone();
    const first = await talking(fake);
    const sip = fake.account.ring('sip:carol@example.com');
    await fake.clock.advance(0);
    expect([...(fake.engine?.tones ?? [])]).toEqual(['callwaiting:callwaiting']);
    const second = fake.phone.manager.list()[1];
    await fake.phone.manager.answer(second?.id ?? '');
    await sip.establish();
    await fake.clock.advance(0);
    expect(first.session.call.hold.inForce).toBe(true);
    expect(second?.call.phase).toBe('established');
    // Swap: taking the first back holds the second.
    await fake.phone.manager.resume(first.session.id);
    await fake.clock.advance(0);
    expect([first.session.call.hold.inForce, second?.call.hold.inForce]).toEqual([false, true]);
  });
});

describe('hold and resume', () => {
  it('go through the peer, with the version of o= up by one each time', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    await session.hold(true);
    await session.hold(false);
    const origins = sip.offers.map((offer) => /o=\S+ (\d+) (\d+)/.exec(offer)?.slice(1));
    expect(origins.map((origin) => origin?.[1])).toEqual(['1', '2', '3']);
    expect(new Set(origins.map((origin) => origin?.[0])).size).toBe(1);
    expect(sip.offers.map((offer) => /a=(\w+)/.exec(offer)?.[1])).toEqual([
      'sendrecv',
      'sendonly',
      'sendrecv',
    ]);
  });

  it('tell the peer’s refusal, and the call goes on', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    sip.refusals.push(new OffhookError('signaling', 'refused', 'not acceptable here (488)'));
    await expect(session.hold(true)).rejects.toThrow('not acceptable here (488)');
    expect(session.call).toMatchObject({
      phase: 'established',
      hold: { wanted: false, inForce: false },
    });
    expect(fake.engine?.sessions.get(session.media.id)?.muted).toBe(false);
    expect(fake.engine?.log.at(-2)).toBe(`session.update ${session.media.id} 4 rollback offer`);
  });

  it('of the peer are undone when it cancels them: o= counts only what was sent', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const { signal } = new AbortController();
    session.media.setDirection('inactive');
    const answer = await sip.usedAgent.createAnswer('v=0', signal);
    expect(answer).toMatch(/^o=- \d+ 2 /m);
    await sip.usedAgent.rollback();
    expect(fake.engine?.log.at(-1)).toBe(`session.update ${session.media.id} 4 rollback answer`);
    expect(await sip.usedAgent.createAnswer('v=0', signal)).toBe(answer);
  });

  it('reject when the call ends meanwhile', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const gate = Promise.withResolvers<void>();
    sip.gate = gate.promise;
    const held = session.hold(true);
    await fake.clock.advance(0);
    sip.endWith({ by: 'remote', status: 200, reason: '' });
    await expect(held).rejects.toMatchObject({ code: 'ended' });
    gate.resolve();
  });
});

describe('digits', () => {
  it.each([
    ['rfc4733', 'rfc4733'],
    ['inband', 'inband'],
  ])('go through the engine with dtmf = %j', async (dtmf, method) => {
    const fake = await fakePhone(guestConfig(`dtmf = "${dtmf}"`));
    const { session } = await talking(fake);
    await session.dtmf('12#');
    expect(fake.engine?.log.at(-1)).toBe(`session.dtmf ${session.media.id} 12# ${method}`);
  });

  it('go one by one in INFO with dtmf = "info"', async () => {
    const fake = await fakePhone(guestConfig('dtmf = "info"'));
    const { session, sip } = await talking(fake);
    await session.dtmf('1#');
    expect(sip.infos.map((body) => body.content)).toEqual([
      'Signal=1\r\nDuration=160\r\n',
      'Signal=#\r\nDuration=160\r\n',
    ]);
  });

  it('of the peer are told, by RTP and by INFO', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const heard: string[] = [];
    fake.phone.manager.events.on('dtmf', ({ digit }) => heard.push(digit));
    fake.engine?.emit('session.dtmf', { id: session.media.id, digit: '5', durationMs: 100 });
    sip.emit('info', { type: 'application/dtmf-relay', content: 'Signal=6\r\nDuration=100' });
    expect(heard).toEqual(['5', '6']);
  });
});

describe('what the engine says', () => {
  it('shows the peer’s hold and the mute at the thin client', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake);
    const state = fake.engine?.sessions.get(session.media.id);
    if (state === undefined) throw new Error('no session');
    fake.engine?.emit('session.changed', {
      ...state,
      remoteDirection: 'sendonly',
      locallyMuted: true,
    });
    expect(session.call).toMatchObject({ remoteHeld: true, locallyMuted: true, muted: false });
  });

  it('ends the call that is hung up at the thin client', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    fake.engine?.emit('session.hangup', { id: session.media.id });
    await fake.clock.advance(0);
    expect(sip.log).toEqual(['hangup']);
    expect(fake.phone.manager.list()).toEqual([]);
  });

  it('has the audio offered anew when its keys are spent', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    fake.engine?.emit('session.renegotiate', {
      id: session.media.id,
      reason: 'srtp-counters-unknown',
    });
    await fake.clock.advance(0);
    expect(sip.log).toEqual(['renegotiate']);
  });
});

describe('a call outlives its engine', () => {
  it('is adopted as it is when the channel comes back', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    fake.engine?.cut();
    expect(fake.phone.link.connected).toBe(false);
    await fake.clock.advance(200);
    expect(fake.phone.link.connected).toBe(true);
    expect([session.call.phase, sip.log]).toEqual(['established', []]);
  });

  it('is built anew by re-INVITE at an engine that does not know it', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    fake.engine?.cut();
    fake.engine = new FakeEngine('engine-2');
    // Another port than before: the description differs, and its version goes on.
    fake.engine.sessions.set('of-nobody', { ...idle('of-nobody') });
    await fake.clock.advance(200);
    expect(sip.log).toEqual(['renegotiate']);
    expect(fake.engine.log).toContain(`session.open ${session.media.id} 3 offer sendrecv`);
    expect(fake.engine.sessions.get(session.media.id)?.state).toBe('active');
    expect(fake.engine.sessions.has('of-nobody')).toBe(false);
  });

  it('is moved after the answer when its engine goes while it rings', async () => {
    const fake = await fakePhone();
    const line = fake.phone.lines[0];
    if (line === undefined) throw new Error('no line');
    const session = fake.phone.manager.dial(line, 'bob');
    await fake.clock.advance(0);
    fake.engine?.cut();
    fake.engine = new FakeEngine('engine-2');
    await fake.clock.advance(200);
    const sip = fake.account.placed[0];
    expect(sip?.log).toEqual([]);
    await sip?.establish();
    await fake.clock.advance(0);
    expect(sip?.log).toEqual(['renegotiate']);
    expect(fake.engine.sessions.get(session.media.id)?.state).toBe('active');
  });

  it('repeats a command that the break has swallowed, with the same revision', async () => {
    const fake = await fakePhone();
    const { session } = await talking(fake);
    const held = session.hold(true);
    // Carried out, but the answer is lost.
    fake.engine?.cut();
    await fake.clock.advance(300);
    await held;
    const updates = fake.engine?.log.filter((one) => one.includes(' 3 offer'));
    expect(updates).toEqual([
      `session.update ${session.media.id} 3 offer sendonly`,
      `session.update ${session.media.id} 3 offer sendonly`,
    ]);
    expect(session.call.hold.inForce).toBe(true);
  });

  it('can be changed again when its engine was away while the peer answered', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const gate = Promise.withResolvers<void>();
    sip.gate = gate.promise;
    const held = session.hold(true);
    await fake.clock.advance(0);
    const { engine } = fake;
    fake.engine = undefined;
    engine?.cut();
    sip.gate = undefined;
    gate.resolve();
    held.catch(() => undefined);
    await fake.clock.advance(9000);
    await expect(held).rejects.toMatchObject({ code: 'not-connected' });
    fake.engine = engine;
    await fake.clock.advance(3000);
    expect(engine?.sessions.get(session.media.id)?.state).toBe('active');
    await session.hold(true);
    expect(session.call.hold).toEqual({ wanted: true, inForce: true });
  });

  it('ends when it was hung up at the thin client meanwhile', async () => {
    const fake = await fakePhone();
    const { session, sip } = await talking(fake);
    const { engine } = fake;
    engine?.cut();
    engine?.sessions.set(session.media.id, {
      ...idle(session.media.id),
      revision: 2,
      state: 'closed',
    });
    await fake.clock.advance(200);
    expect([session.call.phase, sip.log]).toEqual(['ended', ['hangup']]);
    expect(engine?.sessions.size).toBe(0);
  });

  it('rings again at the next engine', async () => {
    const fake = await fakePhone();
    fake.account.ring();
    await fake.clock.advance(0);
    fake.engine?.cut();
    fake.engine = new FakeEngine('engine-2');
    await fake.clock.advance(200);
    expect([...fake.engine.tones]).toEqual(['ring:ring']);
  });
});

describe('closing the phone', () => {
  it('ends the calls, closes signaling and the link, and leaves no timer', async () => {
    const fake = await fakePhone();
    const { sip } = await talking(fake);
    const ended: Call[] = [];
    fake.phone.manager.events.on('ended', ({ call }) => ended.push(call));
    const closing = fake.phone.close();
    await fake.clock.advance(0);
    await closing;
    expect(sip.log).toEqual(['hangup']);
    expect(fake.engine?.sessions.size).toBe(0);
    expect(fake.userAgent.closed).toBe(true);
    expect(fake.phone.link.connected).toBe(false);
    expect(fake.clock.pending).toBe(0);
  });

  it('does not wait longer than it was told for a far end that is silent', async () => {
    const fake = await fakePhone();
    const { sip } = await talking(fake);
    sip.hangup = () => new Promise(() => undefined);
    let closed = false;
    void fake.phone.close().then(() => (closed = true));
    await fake.clock.advance(1999);
    expect(closed).toBe(false);
    await fake.clock.advance(1);
    expect(closed).toBe(true);
  });
});

function idle(id: string) {
  return {
    id,
    revision: 1,
    state: 'active' as const,
    muted: false,
    locallyMuted: false,
    label: '',
    openedAt: 0,
  };
}
