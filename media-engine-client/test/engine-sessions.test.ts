import { OffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { MemoryWorker } from './support/memory-plane.ts';
import { origin, startTestEngine, TestGuest } from './support/engine.ts';
import { peerSdp } from './sdp/support.ts';

const answerStep = (offer = peerSdp()) =>
  ({ type: 'answer', offer, direction: 'sendrecv', origin }) as const;
const offerStep = (direction: 'sendrecv' | 'sendonly' = 'sendrecv') =>
  ({ type: 'offer', direction, origin }) as const;
const acceptStep = (answer = peerSdp()) => ({ type: 'accept', answer }) as const;

const open = (guest: TestGuest, id = 'call-1', step: object = answerStep(), revision = 1) =>
  guest.call('session.open', { id, revision, step: step as never });

const refusedWith = (code: string) => expect.objectContaining({ layer: 'engine', code });

describe('opening a session', () => {
  it('binds ports, answers with them and starts the leg', async () => {
    const { plane, guest } = await startTestEngine();
    const { sdp, session } = await open(guest());
    expect(sdp).toContain('m=audio 40000 RTP/AVP 0 101');
    expect(sdp).toContain('c=IN IP4 192.0.2.10');
    expect(session).toMatchObject({ state: 'active', local: { port: 40_000 } });
    expect([...plane.worker.legs.values()]).toMatchObject([
      { remote: { rtp: { address: '198.51.100.7', port: 5004 } }, input: 'default' },
    ]);
  });

  it('gives the same answer again for the same id and revision, on the same ports', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    const first = await open(alice);
    expect(await open(alice)).toEqual(first);
    expect(plane.worker.sockets.size).toBe(1);
    await expect(open(alice, 'call-1', answerStep(), 2)).rejects.toEqual(
      refusedWith('wrong-state'),
    );
  });

  it('gives one answer to a command that is repeated while the first is under way', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    const [one, two] = await Promise.all([open(alice), open(alice)]);
    expect(one.sdp).toBe(two.sdp);
    expect(plane.worker.sockets.size).toBe(1);
  });

  it.each([
    ['an offer without a codec in common', peerSdp('audio 1 RTP/AVP 18', []), 'no-common-codec'],
    ['nonsense', 'nonsense', 'invalid-sdp'],
    ['SRTP where it is off', peerSdp('audio 1 RTP/SAVP 8', []), 'srtp-required'],
    ['a multicast address', peerSdp(undefined, ['c=IN IP4 224.1.1.1']), 'address-refused'],
    ['this machine itself', peerSdp(undefined, ['c=IN IP4 127.0.0.1']), 'address-refused'],
    ['IPv6 from IPv4', peerSdp(undefined, ['c=IN IP6 2001:db8::1']), 'address-refused'],
    ['RTCP to this machine', peerSdp(undefined, ['a=rtcp:53 IN IP4 127.0.0.1']), 'address-refused'],
  ])('refuses %s and keeps no port', async (_what, offer, code) => {
    const { plane, guest } = await startTestEngine();
    await expect(open(guest(), 'call-1', answerStep(offer))).rejects.toEqual(refusedWith(code));
    expect(plane.worker.sockets.size).toBe(0);
    expect(plane.worker.legs.size).toBe(0);
  });

  it('lets a guest on this machine send to this machine', async () => {
    const { guest } = await startTestEngine();
    const offer = peerSdp(undefined, ['c=IN IP4 127.0.0.1']);
    const { session } = await open(guest('local', true), 'call-1', answerStep(offer));
    expect(session.remote?.address).toBe('127.0.0.1');
  });

  it('says limit-reached when ports or the guest’s calls are used up, and serves again after', async () => {
    const { guest } = await startTestEngine({
      config: { rtp: { ports: '40000-40003' }, policy: { sessions_per_guest: 2 } },
    });
    const [alice, bob] = [guest('alice'), guest('bob')];
    await open(alice, 'one');
    await open(alice, 'two');
    await expect(open(alice, 'three')).rejects.toEqual(refusedWith('limit-reached'));
    await expect(open(bob, 'one')).rejects.toEqual(refusedWith('limit-reached'));
    await alice.call('session.close', { id: 'one' });
    expect((await open(bob, 'one')).session.local?.port).toBe(40_000);
  });

  it('limits how many calls a guest sets up in a second', async () => {
    const { guest, clock } = await startTestEngine({ config: { policy: { opens_per_second: 2 } } });
    const alice = guest();
    await open(alice, 'one');
    await open(alice, 'two');
    await expect(open(alice, 'three')).rejects.toEqual(refusedWith('limit-reached'));
    await clock.advance(600);
    await open(alice, 'three');
  });

  it('strikes codecs and enforces SRTP by the policy of the thin client', async () => {
    const { guest } = await startTestEngine({
      config: { policy: { codecs: ['PCMA'], srtp: 'required' } },
    });
    const { sdp } = await open(guest(), 'call-1', offerStep());
    expect(sdp).toContain('RTP/SAVP 8 101');
    const wrong = guest().call('session.open', {
      id: 'call-2',
      revision: 1,
      options: { codecs: ['opus'] },
      step: offerStep(),
    });
    await expect(wrong).rejects.toEqual(refusedWith('no-common-codec'));
  });

  it('reports a worker that is away, keeps nothing, and can be asked again', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    plane.failures.set('openSockets', new OffhookError('worker', 'gone', 'no worker'));
    await expect(open(alice)).rejects.toEqual(refusedWith('worker-down'));
    expect(plane.worker.legs.size).toBe(0);
    expect((await open(alice)).session.state).toBe('active');
  });

  it('begins with an offer or an answer only', async () => {
    const { guest } = await startTestEngine();
    const wrong = open(guest(), 'call-1', { type: 'rollback' });
    await expect(wrong).rejects.toEqual(refusedWith('wrong-state'));
  });
});

describe('a session', () => {
  it('moves by update, and stays as it was when a step is refused', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const refused = alice.call('session.update', {
      id: 'call-1',
      revision: 2,
      step: answerStep(peerSdp(undefined, ['c=IN IP4 127.0.0.1'])),
    });
    await expect(refused).rejects.toEqual(refusedWith('address-refused'));
    const { session } = await alice.call('session.update', {
      id: 'call-1',
      revision: 2,
      step: answerStep(peerSdp('audio 6000 RTP/AVP 8', [])),
    });
    expect(session).toMatchObject({ revision: 2, codec: 'PCMA', remote: { port: 6000 } });
    expect([...plane.worker.legs.values()]).toMatchObject([{ codec: { name: 'PCMA' } }]);
  });

  it('leaves the leg alone where nothing has changed', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const before = plane.calls.filter((call) => call.startsWith('setLeg')).length;
    await alice.call('session.update', { id: 'call-1', revision: 2, step: answerStep() });
    expect(plane.calls.filter((call) => call.startsWith('setLeg'))).toHaveLength(before);
  });

  it('is unknown after it was closed, and closing it again is no error', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    await alice.call('session.close', { id: 'call-1' });
    await alice.call('session.close', { id: 'call-1' });
    expect(plane.worker.sockets.size).toBe(0);
    await expect(alice.call('session.get', { id: 'call-1' })).rejects.toEqual(
      refusedWith('unknown-session'),
    );
    expect((await alice.call('snapshot', {})).sessions).toEqual([]);
  });

  it('is unknown to another guest, which may use the same id for its own', async () => {
    const { guest } = await startTestEngine();
    const [alice, bob] = [guest('alice'), guest('bob')];
    await open(alice);
    await expect(bob.call('session.get', { id: 'call-1' })).rejects.toEqual(
      refusedWith('unknown-session'),
    );
    expect((await open(bob)).session.local?.port).toBe(40_002);
    expect((await alice.call('snapshot', {})).sessions).toHaveLength(1);
  });

  it('mutes and unmutes', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const muted = await alice.call('session.mute', { id: 'call-1', muted: true });
    expect(muted.muted).toBe(true);
    expect([...plane.worker.legs.values()]).toMatchObject([{ muted: true }]);
    await alice.call('session.mute', { id: 'call-1', muted: false });
    expect([...plane.worker.legs.values()]).toMatchObject([{ muted: false }]);
  });

  it('sends digits once for a command, however often it comes', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const dtmf = { id: 'call-1', command: 'c1', digits: '12#' };
    await Promise.all([alice.call('session.dtmf', dtmf), alice.call('session.dtmf', dtmf)]);
    await alice.call('session.dtmf', dtmf);
    expect(plane.sent).toEqual([{ leg: 's1', digits: '12#', method: 'rfc4733' }]);
    await alice.call('session.dtmf', { ...dtmf, command: 'c2', method: 'inband' });
    expect(plane.sent).toHaveLength(2);
  });

  it('refuses digits that the peer cannot get', async () => {
    const { guest } = await startTestEngine();
    const alice = guest();
    await open(alice, 'call-1', answerStep(peerSdp('audio 5004 RTP/AVP 8', [])));
    const dtmf = { command: 'c1', digits: '1' };
    await expect(alice.call('session.dtmf', { id: 'call-1', ...dtmf })).rejects.toEqual(
      refusedWith('wrong-state'),
    );
    await open(alice, 'call-2', offerStep());
    await expect(alice.call('session.dtmf', { id: 'call-2', ...dtmf })).rejects.toEqual(
      refusedWith('wrong-state'),
    );
  });
});

describe('what the worker reports', () => {
  it('reaches the guest whose session it is: digits, latching', async () => {
    const { plane, guest } = await startTestEngine();
    const [alice, bob] = [guest('alice'), guest('bob')];
    await open(alice);
    plane.emit('dtmf', { leg: 's1', digit: '5', durationMs: 100 });
    expect(alice.of('session.dtmf')).toEqual([{ id: 'call-1', digit: '5', durationMs: 100 }]);
    plane.emit('latched', { leg: 's1', remote: { address: '203.0.113.5', port: 7000 } });
    expect(alice.of('session.changed')).toMatchObject([
      { remote: { address: '203.0.113.5', port: 7000 } },
    ]);
    expect(bob.events).toEqual([]);
    expect((await alice.call('session.get', { id: 'call-1' })).remote?.port).toBe(7000);
  });

  it('is refused where the policy does not allow the source: the leg goes by the signalling', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    plane.emit('latched', { leg: 's1', remote: { address: '127.0.0.1', port: 7000 } });
    await expect.poll(() => [...plane.worker.legs.values()]).toMatchObject([{ latching: 'off' }]);
    expect((await alice.call('session.get', { id: 'call-1' })).remote?.port).toBe(5004);
  });

  it('shows sessions as recovering while the worker is away', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const worker = { message: 'killed', countersUnknown: [] };
    plane.emit('worker', { state: 'restarting', ...worker });
    expect(alice.of('engine.health')).toEqual([{ worker: 'restarting', message: 'killed' }]);
    expect(alice.of('session.changed')).toMatchObject([{ state: 'recovering' }]);
    plane.emit('worker', { state: 'up', ...worker });
    expect(alice.of('session.changed').at(-1)).toMatchObject({ state: 'active' });
    expect(alice.of('session.renegotiate')).toEqual([]);
  });

  it('tells who connects meanwhile that the worker is away, and how many calls it may have', async () => {
    const { plane, guest } = await startTestEngine({
      config: { policy: { sessions: 5, sessions_per_guest: 3 } },
    });
    plane.emit('worker', { state: 'failed', message: 'killed', countersUnknown: [] });
    expect(await guest().call('snapshot', {})).toMatchObject({
      health: { worker: 'failed', message: 'killed' },
      maxSessions: 3,
    });
  });

  it('asks again for that offer when the guest was away, until there are new keys', async () => {
    const { plane, guest, engine } = await startTestEngine();
    const alice = guest();
    const key = Buffer.alloc(30, 9).toString('base64');
    const crypto = [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`];
    const secure = peerSdp('audio 5004 RTP/SAVP 8', crypto);
    const options = { srtp: 'optional' } as const;
    const step = answerStep(secure);
    await alice.call('session.open', { id: 'call-1', revision: 1, options, step });
    await engine.detach(alice.view);
    plane.emit('worker', { state: 'up', message: '', countersUnknown: ['s1'] });
    await expect
      .poll(() => [...plane.worker.legs.values()])
      .toMatchObject([{ direction: 'recvonly' }]);

    const back = guest();
    await back.call('snapshot', {});
    const told = { id: 'call-1', reason: 'srtp-counters-unknown' };
    await expect.poll(() => back.of('session.renegotiate')).toEqual([told]);
    await back.call('session.update', { id: 'call-1', revision: 2, step: offerStep() });
    await back.call('session.update', {
      id: 'call-1',
      revision: 3,
      step: { type: 'accept', answer: secure },
    });
    await expect
      .poll(() => [...plane.worker.legs.values()])
      .toMatchObject([{ direction: 'sendrecv' }]);
    await back.call('snapshot', {});
    expect(back.of('session.renegotiate')).toEqual([told]);
  });

  it('asks for a new offer where SRTP counters are unknown, which then has new keys', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    const key = Buffer.alloc(30, 9).toString('base64');
    const offer = peerSdp('audio 5004 RTP/SAVP 8', [
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ]);
    const { sdp } = await alice.call('session.open', {
      id: 'call-1',
      revision: 1,
      options: { srtp: 'optional' },
      step: answerStep(offer),
    });
    const oldKey = /inline:(\S+)/u.exec(sdp)?.[1] ?? '';
    plane.emit('worker', { state: 'up', message: '', countersUnknown: ['s1'] });
    expect(alice.of('session.renegotiate')).toEqual([
      { id: 'call-1', reason: 'srtp-counters-unknown' },
    ]);
    const offered = await alice.call('session.update', {
      id: 'call-1',
      revision: 2,
      step: offerStep(),
    });
    expect(offered.sdp).toContain('inline:');
    expect(offered.sdp).not.toContain(oldKey);
  });

  it('tells once that the peer has fallen silent, and once that it is back', async () => {
    const { plane, guest, clock } = await startTestEngine();
    const alice = guest();
    await open(alice);
    const rx = { packets: 1, bytes: 1, lost: 0, jitterMs: 0, rejected: 0 };
    await clock.advance(4000);
    expect(alice.of('session.rtpTimeout')).toEqual([]);
    await clock.advance(4000);
    expect(alice.of('session.rtpTimeout')).toMatchObject([{ id: 'call-1', silentMs: 5000 }]);
    plane.legStats.set('s1', { rx: { ...rx, lastPacketAt: clock.wall() } });
    await clock.advance(2000);
    expect(alice.of('session.rtpTimeout').at(-1)).toEqual({ id: 'call-1', silentMs: 0 });
    expect(alice.of('session.rtpTimeout')).toHaveLength(2);
  });

  it('does not call a held peer silent', async () => {
    const { guest, clock } = await startTestEngine();
    const alice = guest();
    await open(alice, 'call-1', answerStep(peerSdp('audio 5004 RTP/AVP 8', ['a=inactive'])));
    await clock.advance(60_000);
    expect(alice.of('session.rtpTimeout')).toEqual([]);
  });
});

describe('statistics', () => {
  it('are zero before there is audio, and carry quality after', async () => {
    const { plane, guest } = await startTestEngine();
    const alice = guest();
    await open(alice, 'call-1', offerStep());
    expect(await alice.call('session.stats', { id: 'call-1' })).toMatchObject({
      tx: { packets: 0 },
      rx: { packets: 0 },
    });
    await alice.call('session.update', { id: 'call-1', revision: 2, step: acceptStep() });
    plane.legStats.set('s1', {
      tx: { packets: 100, bytes: 16_000, ssrc: 1 },
      rx: { packets: 95, bytes: 15_000, lost: 5, jitterMs: 2, rejected: 0 },
      remote: { lost: 2, fractionLost: 0, jitterMs: 3 },
      rttMs: 20,
    });
    const stats = await alice.call('session.stats', { id: 'call-1' });
    expect(stats).toMatchObject({
      codec: 'PCMU',
      tx: { packets: 100, lost: 2, lossPct: 2, jitterMs: 3 },
      rx: { packets: 95, lost: 5, lossPct: 5, jitterMs: 2 },
      rttMs: 20,
    });
    expect(stats.mos).toBeGreaterThan(3.5);
    expect(stats.mos).toBeLessThan(4.2);
  });

  it('come at the interval asked for until it is 0, and no more after the connection', async () => {
    const { guest, clock, engine } = await startTestEngine();
    const alice = guest();
    await open(alice);
    await alice.call('stats.subscribe', { intervalMs: 500 });
    await clock.advance(1600);
    expect(alice.of('session.stats')).toHaveLength(3);
    await alice.call('stats.subscribe', { intervalMs: 0 });
    await clock.advance(2000);
    expect(alice.of('session.stats')).toHaveLength(3);
    await alice.call('stats.subscribe', { intervalMs: 500 });
    await engine.detach(alice.view);
    await clock.advance(2000);
    expect(alice.of('session.stats')).toHaveLength(3);
  });
});

describe('the limits of a guest', () => {
  const identity = (instance: string, peer = 'host 192.0.2.1') => ({
    instance,
    local: false,
    peer,
  });

  it('hold for all that come from one peer, under whatever id', async () => {
    const { engine } = await startTestEngine({ config: { policy: { sessions_per_guest: 2 } } });
    const enter = (instance: string, peer?: string) =>
      new TestGuest(engine.attach(identity(instance, peer)));
    await open(enter('one'));
    await open(enter('two'));
    await expect(open(enter('three'))).rejects.toEqual(refusedWith('limit-reached'));
    await open(enter('four', 'host 192.0.2.2'));
  });

  it('hold for the calls of a second, too, also when it comes anew for each', async () => {
    const { engine } = await startTestEngine({ config: { policy: { opens_per_second: 2 } } });
    const enter = async (instance: string) => {
      const guest = new TestGuest(engine.attach(identity(instance)));
      try {
        await open(guest);
        await guest.call('session.close', { id: 'call-1' });
      } finally {
        await engine.detach(guest.view);
      }
    };
    await enter('one');
    await enter('two');
    await expect(enter('three')).rejects.toEqual(refusedWith('limit-reached'));
    expect(engine.guests.all).toEqual([]);
  });

  it('leave a call its lease whose guest went while it was set up', async () => {
    const { engine, guest, clock } = await startTestEngine();
    const alice = guest('alice');
    const opening = open(alice);
    await engine.detach(alice.view);
    await opening;
    expect(engine.sessions.table.all).toHaveLength(1);
    await clock.advance(300_000);
    await expect.poll(() => engine.sessions.table.all).toHaveLength(0);
  });
});

describe('leases', () => {
  it('let the worker play on for the longest of them when the engine dies', async () => {
    const { plane, guest, clock } = await startTestEngine({ config: { policy: { lease: 60 } } });
    expect(plane.worker.leaseMs).toBe(60_000);
    const [alice, bob] = [guest('alice'), guest('bob')];
    await bob.call('lease.set', { ms: 1_800_000 });
    await open(bob);
    await alice.call('lease.set', { ms: 0 });
    expect(plane.worker.leaseMs).toBe(1_800_000);
    await bob.view.close();
    await clock.advance(1_800_000);
    await expect.poll(() => plane.worker.leaseMs).toBe(60_000);
  });

  it('of no time at all still let another engine take over the calls', async () => {
    const { plane } = await startTestEngine({ config: { policy: { lease: 0 } } });
    expect(plane.worker.leaseMs).toBe(10_000);
  });

  it('keep sessions and audio while the guest is away, for as long as it asked', async () => {
    const { engine, plane, guest, clock } = await startTestEngine();
    const alice = guest();
    expect(await alice.call('lease.set', { ms: 30_000 })).toEqual({ ms: 30_000 });
    await open(alice);
    await engine.detach(alice.view);
    await clock.advance(29_000);
    expect(plane.worker.legs.size).toBe(1);
    const again = guest();
    expect((await again.call('snapshot', {})).sessions).toMatchObject([{ id: 'call-1' }]);
    await clock.advance(60_000);
    expect(plane.worker.legs.size).toBe(1);
  });

  it('end with the audio when the guest does not come back', async () => {
    const { engine, plane, guest, clock } = await startTestEngine();
    const alice = guest();
    await alice.call('lease.set', { ms: 30_000 });
    await open(alice);
    await engine.detach(alice.view);
    await clock.advance(30_001);
    expect(plane.worker.sockets.size).toBe(0);
    expect(engine.sessions.table.all).toEqual([]);
  });

  it('are no longer than the thin client allows', async () => {
    const { guest } = await startTestEngine({ config: { policy: { max_lease: 10 } } });
    expect(await guest().call('lease.set', { ms: 60_000 })).toEqual({ ms: 10_000 });
  });

  it('start when the last of several connections of a guest has gone', async () => {
    const { engine, plane, guest, clock } = await startTestEngine();
    const [old, young] = [guest(), guest()];
    await open(young);
    await engine.detach(old.view);
    await clock.advance(120_000);
    expect(plane.worker.legs.size).toBe(1);
  });

  it('let another instance take what it knows the id of, and nothing else', async () => {
    const { engine, guest } = await startTestEngine();
    const old = guest('old');
    const secret = 'b1946ac92492d2347c6235b4d2611184';
    await open(old, secret);
    await open(old, 'short');
    const young = guest('young');
    const get = (id: string) => young.call('session.get', { id });
    // Its guest is there still.
    await expect(get(secret)).rejects.toEqual(refusedWith('unknown-session'));
    await engine.detach(old.view);
    expect((await young.call('snapshot', {})).sessions).toEqual([]);
    expect((await get(secret)).id).toBe(secret);
    await expect(get('short')).rejects.toEqual(refusedWith('unknown-session'));
    expect((await young.call('snapshot', {})).sessions).toMatchObject([{ id: secret }]);
  });
});

describe('an engine that is started anew', () => {
  it('adopts what the worker plays: same sessions, revisions, descriptions, no leg touched', async () => {
    const worker = new MemoryWorker();
    const first = await startTestEngine({ worker });
    const alice = first.guest();
    await alice.call('lease.set', { ms: 20_000 });
    const opened = await open(alice);
    const offered = await open(alice, 'call-2', offerStep());

    const second = await startTestEngine({ worker });
    expect(second.plane.calls.filter((call) => call.startsWith('setLeg'))).toEqual([]);
    const again = second.guest();
    const snapshot = await again.call('snapshot', {});
    expect(snapshot).toMatchObject({ leaseMs: 20_000 });
    expect(snapshot.sessions).toEqual([opened.session, offered.session]);
    expect(await open(again)).toEqual(opened);
    // The offer that was out when the engine died is still answered.
    const { session } = await again.call('session.update', {
      id: 'call-2',
      revision: 2,
      step: acceptStep(),
    });
    expect(session.state).toBe('active');
    expect(second.engine.instance).not.toBe(first.engine.instance);
  });

  it('still says what was hung up here while the guest was away, until the guest closes it', async () => {
    const worker = new MemoryWorker();
    const first = await startTestEngine({ worker });
    const alice = first.guest();
    await open(alice);
    await first.engine.detach(alice.view);
    const [session] = first.engine.sessions.table.all;
    if (session === undefined) throw new Error('no session');
    await first.engine.sessions.hangUp(session);
    expect(worker.legs.size).toBe(0);
    const second = await startTestEngine({ worker });
    const again = second.guest();
    expect((await again.call('snapshot', {})).sessions).toMatchObject([
      { id: 'call-1', state: 'closed' },
    ]);
    await again.call('session.close', { id: 'call-1' });
    expect(worker.sockets.size).toBe(0);
    expect((await again.call('snapshot', {})).sessions).toEqual([]);
  });

  it('ends what nobody claims when its lease ends', async () => {
    const worker = new MemoryWorker();
    const first = await startTestEngine({ worker });
    const alice = first.guest();
    await alice.call('lease.set', { ms: 20_000 });
    await open(alice);
    const second = await startTestEngine({ worker });
    await second.clock.advance(19_000);
    expect(worker.legs.size).toBe(1);
    await second.clock.advance(1100);
    expect(worker.sockets.size).toBe(0);
  });

  it('closes sockets that it knows nothing about', async () => {
    const worker = new MemoryWorker();
    const at = (port: number) => ({ address: '192.0.2.10', port });
    worker.sockets.set('x', { id: 'x', rtp: at(40_000), rtcp: at(40_001), tag: '{"version":9}' });
    await startTestEngine({ worker });
    expect(worker.sockets.size).toBe(0);
  });

  it('leaves worker and calls running when told to keep them, and stops both otherwise', async () => {
    const worker = new MemoryWorker();
    const first = await startTestEngine({ worker });
    await open(first.guest());
    await first.engine.close({ keepCalls: true });
    expect([worker.running, worker.legs.size]).toEqual([true, 1]);
    const second = await startTestEngine({ worker });
    await second.engine.close({ keepCalls: false });
    expect([worker.running, worker.legs.size]).toEqual([false, 0]);
    expect(second.clock.pending).toBe(0);
  });
});
