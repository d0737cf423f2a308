import { OffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { ScriptedAgent, history, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall } from './support/established.ts';
import { elapse, eventually, RawPeer, settled } from './support/raw-peer.ts';

virtualTime();

describe('our re-INVITE (RFC 3261 §14)', () => {
  it('makes a new offer and takes the answer', async () => {
    const { call, peer, agent, cseq } = await outgoingCall();
    const change = call.renegotiate();
    const invite = await peer.expect('INVITE');
    expect(invite.cseq).toBe(cseq + 1);
    expect(invite.body).toBe(sdp('alice', 2));
    peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    expect((await peer.expect('ACK')).cseq).toBe(invite.cseq);
    await settled('the change', change);
    expect(agent.log).toEqual(['offer', 'accept peer 2']);
  });

  it('acknowledges a repeated 2xx again', async () => {
    const { call, peer } = await outgoingCall();
    const change = call.renegotiate();
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    await peer.expect('ACK');
    await settled('the change', change);
    peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    await peer.expect('ACK');
  });

  it('takes the offer back when it is refused; the call goes on', async () => {
    const { call, peer, agent } = await outgoingCall();
    const change = call.renegotiate();
    peer.reply(await peer.expect('INVITE'), '488 Not Acceptable Here');
    await expect(settled('the change', change)).rejects.toMatchObject({
      code: 'refused',
      details: { status: 488 },
    });
    expect(agent.log).toEqual(['offer', 'rollback']);
    expect(call.state).toBe('established');
  });

  it('takes the offer back when the answer is of no use, so that either side can try again', async () => {
    const { call, peer, agent, ask } = await outgoingCall();
    agent.refuse = new OffhookError('engine', 'invalid-sdp', 'no address');
    const change = call.renegotiate();
    peer.reply(await peer.expect('INVITE'), '200 OK', { body: sdp('peer', 2) });
    await expect(settled('the change', change)).rejects.toMatchObject({ code: 'invalid-sdp' });
    expect(agent.log).toEqual(['offer', 'accept peer 2', 'rollback']);
    agent.refuse = undefined;
    await peer.expect('ACK');
    ask('INVITE', { body: sdp('peer', 3) });
    await peer.expect('SIP/2.0 200');
  });

  it.each([
    {
      who: 'we, who made the Call-ID, wait 2.1 to 4 s',
      make: outgoingCall,
      least: 2100,
      most: 4000,
    },
    { who: 'the other side waits up to 2 s', make: incomingCall, least: 0, most: 2000 },
  ])('is tried again after a 491: $who', async ({ make, least, most }) => {
    for (const random of [0, 0.999]) {
      const { call, peer, agent } = await make({ random: () => random });
      const change = call.renegotiate();
      peer.reply(await peer.expect('INVITE'), '491 Request Pending');
      await peer.expect('ACK');
      const before = Date.now();
      const again = await peer.expect('INVITE', 5000);
      const waited = Date.now() - before;
      expect(waited).toBeGreaterThanOrEqual(least - 10);
      expect(waited).toBeLessThanOrEqual(most + 10);
      peer.reply(again, '200 OK', { body: sdp('peer', 2) });
      await settled('the change', change);
      expect(agent.log).toEqual(['offer', 'rollback', 'offer', 'accept peer 2']);
    }
  });

  it('waits while the peer changes the session', async () => {
    const { call, peer, ask } = await incomingCall();
    ask('INVITE', { body: sdp('peer', 2) });
    const ok = await peer.expect('SIP/2.0 200');
    const change = call.renegotiate();
    await elapse(50);
    expect(peer.count('INVITE')).toBe(0);
    ask('ACK', { to: ok.header('To') });
    peer.reply(await peer.expect('INVITE'), '200 OK', { body: sdp('peer', 3) });
    await settled('the change', change);
  });

  it('can be given up', async () => {
    const { call, peer, ask } = await incomingCall();
    ask('INVITE', { body: sdp('peer', 2) });
    await peer.expect('SIP/2.0 200');
    const giveUp = new AbortController();
    const change = call.renegotiate({ signal: giveUp.signal });
    giveUp.abort(new Error('enough'));
    await expect(settled('the change', change)).rejects.toThrow('enough');
  });

  it('ends the call when the peer knows the dialog no more (RFC 5057)', async () => {
    const { call, peer } = await outgoingCall();
    const change = call.renegotiate();
    peer.reply(await peer.expect('INVITE'), '481 Call/Transaction Does Not Exist');
    await expect(settled('the change', change)).rejects.toMatchObject({ code: 'call-ended' });
    expect(call.end).toMatchObject({ by: 'remote', status: 481 });
  });

  it('is refused before the call is established and after its end', async () => {
    const { call, peer, ask } = await incomingCall();
    ask('BYE');
    await peer.expect('SIP/2.0 200');
    await expect(async () => call.renegotiate()).rejects.toMatchObject({ code: 'no-dialog' });
  });
});

describe("the peer's re-INVITE", () => {
  it('gets an answer and waits for the ACK', async () => {
    const { peer, agent, ask } = await outgoingCall();
    ask('INVITE', { body: sdp('peer', 2) });
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.body).toBe(sdp('alice', 2));
    expect(ok.header('Allow')).toContain('UPDATE');
    ask('ACK');
    await elapse(5000);
    expect(peer.count('SIP/2.0 200')).toBe(0);
    expect(agent.log).toEqual(['answer peer 2']);
  });

  it('without a description gets our offer; the ACK brings the answer', async () => {
    const { peer, agent, ask } = await outgoingCall();
    ask('INVITE');
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 2));
    ask('ACK', { body: sdp('peer', 2) });
    await eventually('the answer', () => agent.log.length === 2);
    expect(agent.log).toEqual(['offer', 'accept peer 2']);
  });

  it('without a description has our offer taken back when the answer is of no use', async () => {
    const { call, peer, agent, ask } = await outgoingCall();
    ask('INVITE');
    await peer.expect('SIP/2.0 200');
    agent.refuse = new OffhookError('engine', 'invalid-sdp', 'no address');
    ask('ACK', { body: sdp('peer', 2) });
    await eventually('the roll-back', () => agent.log.at(-1) === 'rollback');
    expect(call.state).toBe('established');
  });

  it('is refused with 488 when our side cannot; what was stays', async () => {
    const { call, peer, agent, ask } = await outgoingCall();
    agent.refuse = new OffhookError('media', 'srtp-required', 'only with SRTP');
    ask('INVITE', { body: sdp('peer', 2) });
    await peer.expect('SIP/2.0 488');
    expect(call.state).toBe('established');
    agent.refuse = undefined;
    ask('INVITE', { body: sdp('peer', 3) });
    await peer.expect('SIP/2.0 200');
  });

  it('meets 491 while ours is under way, and 500 with Retry-After while one of its own is', async () => {
    const { call, peer, ask } = await outgoingCall();
    const change = call.renegotiate();
    const ours = await peer.expect('INVITE');
    ask('INVITE', { body: sdp('peer', 2) });
    await peer.expect('SIP/2.0 491');
    peer.reply(ours, '200 OK', { body: sdp('peer', 2) });
    await settled('the change', change);
    ask('INVITE', { body: sdp('peer', 3) });
    await peer.expect('SIP/2.0 200');
    ask('INVITE', { body: sdp('peer', 4) });
    expect(Number((await peer.expect('SIP/2.0 500')).header('Retry-After'))).toBeLessThanOrEqual(
      10,
    );
  });

  it('with the same description again is answered without asking anybody', async () => {
    const { peer, agent, ask } = await incomingCall();
    ask('INVITE', { body: sdp('peer') });
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 1));
    expect(agent.log).toEqual([]);
  });

  it('can be cancelled', async () => {
    const { call, peer, agent, ask } = await outgoingCall();
    let decide: (sdp: string) => void = () => undefined;
    agent.createAnswer = () =>
      new Promise((resolve) => {
        decide = resolve;
      });
    const { branch } = ask('INVITE', { body: sdp('peer', 2) });
    await elapse(20);
    ask('CANCEL', { branch, cseq: 101 });
    await peer.expect('SIP/2.0 487');
    decide(sdp('alice', 9));
    await elapse(20);
    expect(agent.log).toEqual(['rollback']);
    expect(call.state).toBe('established');
  });

  it('with an old CSeq gets 500 (§12.2.2)', async () => {
    const { peer, ask } = await outgoingCall();
    ask('OPTIONS');
    await peer.expect('SIP/2.0 200');
    ask('INVITE', { cseq: 7, body: sdp('peer', 2) });
    await peer.expect('SIP/2.0 500');
  });
});

describe('target refresh (RFC 3261 §12.2, RFC 6141)', () => {
  it.each(['INVITE', 'UPDATE'])('follows the Contact of a %s of the peer', async (method) => {
    const { network, call, peer, ask } = await outgoingCall();
    const moved = await RawPeer.on(network, '192.0.2.30');
    ask(method, { body: sdp('peer', 2), headers: [`Contact: <${moved.uri}>`] });
    await peer.expect('SIP/2.0 200');
    if (method === 'INVITE') ask('ACK');
    await elapse(20);
    void call.hangup();
    expect((await moved.expect('BYE')).start).toBe(`BYE ${moved.uri} SIP/2.0`);
  });

  it('follows the Contact of the 2xx to our re-INVITE', async () => {
    const { network, call, peer } = await outgoingCall();
    const moved = await RawPeer.on(network, '192.0.2.30');
    const change = call.renegotiate();
    peer.reply(await peer.expect('INVITE'), '200 OK', {
      body: sdp('peer', 2),
      headers: [`Contact: <${moved.uri}>`],
    });
    expect((await moved.expect('ACK')).start).toBe(`ACK ${moved.uri} SIP/2.0`);
    await settled('the change', change);
  });

  it('stays where it was when the request is refused', async () => {
    const { call, peer, agent, ask } = await outgoingCall();
    agent.refuse = new OffhookError('media', 'no-common-codec', 'no codec in common');
    ask('INVITE', { body: sdp('peer', 2), headers: ['Contact: <sip:elsewhere@192.0.2.31>'] });
    await peer.expect('SIP/2.0 488');
    void call.hangup();
    expect((await peer.expect('BYE')).start).toBe(`BYE ${peer.uri} SIP/2.0`);
  });
});

describe('UPDATE (RFC 3311)', () => {
  it('of the peer gets an answer to its offer', async () => {
    const { peer, agent, ask } = await incomingCall();
    ask('UPDATE', { body: sdp('peer', 2) });
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 2));
    expect(agent.log).toEqual(['answer peer 2']);
  });

  it('without a description is a refresh and changes nothing', async () => {
    const { peer, agent, ask } = await incomingCall();
    ask('UPDATE');
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.body).toBe('');
    expect(ok.contact).toContain('sip:alice@192.0.2.1:5060');
    expect(agent.log).toEqual([]);
  });

  it('with an offer meets 491 while ours is open', async () => {
    const { call, peer, ask } = await outgoingCall();
    void call.renegotiate().catch(() => undefined);
    await peer.expect('INVITE');
    ask('UPDATE', { body: sdp('peer', 2) });
    await peer.expect('SIP/2.0 491');
    ask('UPDATE');
    await peer.expect('SIP/2.0 200');
  });

  it('with an offer meets 500 while one of its own is open', async () => {
    const { peer, agent, ask } = await outgoingCall();
    agent.createAnswer = () => new Promise(() => undefined);
    ask('INVITE', { body: sdp('peer', 2) });
    await elapse(10);
    ask('UPDATE', { body: sdp('peer', 3) });
    expect((await peer.expect('SIP/2.0 500')).header('Retry-After')).toMatch(/^\d+$/);
  });
});

describe('other requests in a dialog', () => {
  it('INFO is accepted and handed over', async () => {
    const { call, peer, ask } = await incomingCall();
    const got: unknown[] = [];
    call.on('info', (body) => got.push(body));
    ask('INFO', { body: 'Signal=5\r\nDuration=160', type: 'application/dtmf-relay' });
    await peer.expect('SIP/2.0 200');
    expect(got).toEqual([{ type: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=160' }]);
  });

  it('INFO with a package that we have not announced is refused (RFC 6086)', async () => {
    const { peer, ask } = await incomingCall();
    ask('INFO', { headers: ['Info-Package: foo'] });
    await peer.expect('SIP/2.0 469');
  });

  it('we send INFO, and hear when it is refused', async () => {
    const { call, peer } = await outgoingCall();
    const body = { type: 'application/dtmf-relay', content: 'Signal=1\r\nDuration=100' };
    const first = call.info(body);
    const info = await peer.expect('INFO');
    expect(info.body).toBe(body.content);
    peer.reply(info, '200 OK');
    await settled('INFO', first);
    const second = call.info(body);
    peer.reply(await peer.expect('INFO'), '415 Unsupported Media Type');
    await expect(settled('INFO', second)).rejects.toMatchObject({ details: { status: 415 } });
  });

  it.each([
    ['OPTIONS', 200],
    ['NOTIFY', 489],
    ['SUBSCRIBE', 489],
    ['REFER', 400],
    ['FROBNICATE', 501],
    ['PRACK', 481],
  ])('%s gets %i', async (method, status) => {
    const { peer, ask } = await incomingCall();
    ask(method);
    expect((await peer.expect('SIP/2.0')).start).toContain(` ${status} `);
  });

  it('an unknown extension gets 420', async () => {
    const { peer, ask } = await incomingCall();
    ask('UPDATE', { headers: ['Require: foo'] });
    expect((await peer.expect('SIP/2.0 420')).header('Unsupported')).toBe('foo');
  });

  it('everything after BYE gets 481', async () => {
    const { call, peer, ask } = await incomingCall();
    ask('BYE', { headers: ['Reason: Q.850;cause=16'] });
    await peer.expect('SIP/2.0 200');
    expect(call.end).toEqual({ by: 'remote', status: 200, reason: 'call ended' });
    for (const method of ['INFO', 'BYE', 'INVITE', 'NOTIFY']) {
      ask(method);
      await peer.expect('SIP/2.0 481');
    }
  });

  it('a BYE that crosses ours ends the call once', async () => {
    const { call, peer, ask } = await outgoingCall();
    const seen = history(call);
    const over = call.hangup();
    ask('BYE');
    peer.reply(await peer.expect('BYE'), '481 Call/Transaction Does Not Exist');
    await peer.expect('SIP/2.0');
    await settled('the end', over);
    expect(seen).toEqual(['ended', 'local 200 call ended']);
  });

  it('BYE gives the reason of a Q.850 cause in words', async () => {
    const { call, peer, ask } = await incomingCall();
    ask('BYE', { headers: ['Reason: Q.850;cause=41;text="Temporary failure"'] });
    await peer.expect('SIP/2.0 200');
    expect(call.end).toMatchObject({ reason: 'temporary failure' });
  });
});

describe('a user agent that closes', () => {
  it('ends its calls, and waits for the answer but not for ever', async () => {
    const { ua, call, peer } = await outgoingCall();
    const seen = history(call);
    const closing = ua.close({ timeoutMs: 1000 });
    await peer.expect('BYE');
    await settled('closing', closing);
    expect(seen).toEqual(['ended', 'local 200 call ended']);
    expect(() => ua.addAccount({ aor: 'sip:x@y', register: false })).toThrow('closed');
  });

  it('leaves its calls up when they are to be taken up by the next process', async () => {
    const { ua, call, peer } = await outgoingCall();
    await settled('closing', ua.close({ keepCalls: true }));
    await elapse(1000);
    expect(peer.inbox).toEqual([]);
    expect(call.end).toBeUndefined();
  });
});

describe('two calls at once', () => {
  it('do not disturb each other', async () => {
    const { account, call, peer, ask } = await incomingCall();
    const other = account.invite(peer.uri, new ScriptedAgent('other'));
    peer.reply(await peer.expect('INVITE'), '200 OK', { tag: 'second', body: sdp('peer') });
    await eventually('established', () => other.state === 'established');
    ask('BYE');
    await peer.expect('SIP/2.0 200');
    expect([call.state, other.state]).toEqual(['ended', 'established']);
  });
});
