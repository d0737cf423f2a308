import { OffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { bench, history, sdp, virtualTime } from './support/bench.ts';
import { elapse, eventually, RawPeer, settled } from './support/raw-peer.ts';

virtualTime();

describe('an outgoing call', () => {
  it('rings, is answered, acknowledged, and ended by BYE (RFC 3261 §13.2, §15)', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const seen = history(call);
    const invite = await peer.expect('INVITE');
    expect(invite.body).toBe(sdp('alice', 1));
    peer.reply(invite, '180 Ringing');
    await eventually('ringing', () => call.state === 'ringing');
    peer.reply(invite, '200 OK', { body: sdp('peer') });
    const ack = await peer.expect('ACK');
    expect(ack.start).toBe(`ACK ${peer.uri} SIP/2.0`);
    expect(ack.cseq).toBe(invite.cseq);
    expect(ack.tag('To')).toBe('peer');
    await eventually('established', () => call.state === 'established');
    const over = call.hangup();
    const bye = await peer.expect('BYE');
    expect(bye.cseq).toBe(invite.cseq + 1);
    peer.reply(bye, '200 OK');
    await settled('the end', over);
    expect(seen).toEqual(['ringing', 'established', 'ended', 'local 200 call ended']);
    expect(agent.log).toEqual(['offer', 'accept peer 1']);
  });

  it('says in words why it was refused', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const seen = history(call);
    peer.reply(await peer.expect('INVITE'), '486 Busy Here');
    await peer.expect('ACK');
    await eventually('the end', () => call.end);
    expect(seen).toEqual(['ended', 'remote 486 busy']);
  });

  it('says that a name leads nowhere', async () => {
    const { account, agent } = await bench({
      ua: {
        resolver: {
          naptr: () => Promise.resolve([]),
          srv: () => Promise.resolve([]),
          addresses: () => Promise.resolve([]),
        },
      },
    });
    const call = account.invite('sip:bob@nowhere.example', agent);
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({
      by: 'network',
      status: 503,
      reason: expect.stringContaining('nowhere.example'),
    });
  });

  it('ends after Timer B when nothing answers', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    await peer.expect('INVITE');
    await elapse(33_000);
    expect(call.end).toMatchObject({ by: 'network', status: 408 });
  });

  it('takes early media from an 18x and the final answer from the 2xx', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const seen = history(call);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '183 Session Progress', { body: sdp('peer', 1) });
    await eventually('early media', () => call.state === 'early');
    peer.reply(invite, '183 Session Progress', { body: sdp('peer', 1) });
    peer.reply(invite, '200 OK', { body: sdp('peer', 1) });
    await eventually('established', () => call.state === 'established');
    expect(seen).toEqual(['early', 'established']);
    expect(agent.log).toEqual(['offer', 'accept peer 1 provisional', 'accept peer 1']);
  });

  it('takes the description of the 18x when the 2xx has none', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '183 Session Progress', { body: sdp('peer', 4) });
    peer.reply(invite, '200 OK');
    await eventually('established', () => call.state === 'established');
    expect(agent.log.at(-1)).toBe('accept peer 4');
  });

  it('is ended with BYE when the 2xx has no description at all', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '200 OK');
    await peer.expect('ACK');
    peer.reply(await peer.expect('BYE'), '200 OK');
    expect(call.end).toMatchObject({ by: 'local', status: 488 });
  });

  it('is acknowledged and ended when our side cannot use the answer', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    agent.refuse = new OffhookError('media', 'no-common-codec', 'no codec in common');
    peer.reply(invite, '200 OK', { body: sdp('peer') });
    await peer.expect('ACK');
    const bye = await peer.expect('BYE');
    expect(bye.header('Reason')).toBe('SIP;cause=488');
    expect(call.end).toEqual({ by: 'local', status: 488, reason: 'no codec in common' });
  });

  it('fails without a message when our side can make no offer', async () => {
    const { account, peer, agent } = await bench();
    agent.createOffer = () => Promise.reject(new OffhookError('engine', 'gone', 'no engine'));
    const call = account.invite(peer.uri, agent);
    await eventually('the end', () => call.end);
    expect(call.end).toEqual({ by: 'local', status: 500, reason: 'no engine' });
    expect(peer.inbox).toEqual([]);
    await settled('hanging up', call.hangup());
  });
});

describe('late offer (RFC 3261 §13.2.1)', () => {
  it('answers the offer of the 2xx in the ACK', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent, { lateOffer: true });
    const invite = await peer.expect('INVITE');
    expect(invite.body).toBe('');
    peer.reply(invite, '180 Ringing');
    peer.reply(invite, '200 OK', { body: sdp('peer', 7) });
    const ack = await peer.expect('ACK');
    expect(ack.body).toBe(sdp('alice', 1));
    await eventually('established', () => call.state === 'established');
    expect(agent.log).toEqual(['answer peer 7']);
  });

  it('acknowledges and ends a 2xx whose offer we cannot answer', async () => {
    const { account, peer, agent } = await bench();
    agent.refuse = new OffhookError('media', 'no-common-codec', 'no codec in common');
    const call = account.invite(peer.uri, agent, { lateOffer: true });
    peer.reply(await peer.expect('INVITE'), '200 OK', { body: sdp('peer', 7) });
    expect((await peer.expect('ACK')).body).toBe('');
    await peer.expect('BYE');
    expect(call.end).toMatchObject({ status: 488 });
  });
});

describe('giving up a call', () => {
  it('waits for a provisional response before the CANCEL (RFC 3261 §9.1)', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    const over = call.hangup();
    expect(call.end).toEqual({ by: 'local', status: 487, reason: 'cancelled' });
    await elapse(100);
    expect(peer.count('CANCEL')).toBe(0);
    peer.reply(invite, '100 Trying');
    const cancel = await peer.expect('CANCEL');
    expect(cancel.header('Via')).toBe(invite.header('Via'));
    expect(cancel.header('CSeq')).toBe(`${invite.cseq} CANCEL`);
    expect(cancel.header('To')).toBe(invite.header('To'));
    peer.reply(cancel, '200 OK');
    peer.reply(invite, '487 Request Terminated');
    await peer.expect('ACK');
    await settled('the end', over);
  });

  it('acknowledges and ends the call when a 200 crosses the CANCEL', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '180 Ringing');
    await eventually('ringing', () => call.state === 'ringing');
    const over = call.hangup();
    peer.reply(invite, '200 OK', { body: sdp('peer') });
    await peer.expect('ACK');
    peer.reply(await peer.expect('BYE'), '200 OK');
    await settled('the end', over);
    expect(call.end).toEqual({ by: 'local', status: 487, reason: 'cancelled' });
    expect(agent.log).toEqual(['offer']);
  });

  it('sends nothing when it is given up before the INVITE has left', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    await settled('the end', call.hangup());
    await elapse(100);
    expect(peer.inbox).toEqual([]);
    expect(call.state).toBe('ended');
  });

  it('is over 64·T1 after the CANCEL even if the INVITE is never answered', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '180 Ringing');
    await eventually('ringing', () => call.state === 'ringing');
    const over = call.hangup();
    peer.reply(await peer.expect('CANCEL'), '200 OK');
    await settled('the end', over, 33_000);
  });
});

describe('forking', () => {
  it('acknowledges and ends every 2xx but the first (RFC 3261 §13.2.2.4)', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '180 Ringing', { tag: 'one' });
    peer.reply(invite, '183 Session Progress', { tag: 'two', body: sdp('two') });
    peer.reply(invite, '200 OK', { tag: 'two', body: sdp('two') });
    expect((await peer.expect('ACK')).tag('To')).toBe('two');
    peer.reply(invite, '200 OK', { tag: 'one', body: sdp('one') });
    expect((await peer.expect('ACK')).tag('To')).toBe('one');
    const bye = await peer.expect('BYE');
    expect(bye.tag('To')).toBe('one');
    peer.reply(bye, '200 OK');
    await elapse(100);
    expect(call.state).toBe('established');
    expect(agent.log).toEqual(['offer', 'accept two 1 provisional', 'accept two 1']);
  });

  it('acknowledges a repeated 2xx again, and only that', async () => {
    const { account, peer, agent } = await bench();
    account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '200 OK', { body: sdp('peer') });
    const first = await peer.expect('ACK');
    peer.reply(invite, '200 OK', { body: sdp('peer') });
    const second = await peer.expect('ACK');
    expect(second.cseq).toBe(first.cseq);
    await elapse(200);
    expect(peer.inbox).toEqual([]);
  });
});

describe('another INVITE instead of the end', () => {
  const credentials = [{ username: 'alice', password: () => Promise.resolve('secret') }];

  it('answers 407 and 401 of a proxy and of the callee together', async () => {
    const { account, peer, agent } = await bench({ account: { credentials } });
    account.invite(peer.uri, agent);
    const first = await peer.expect('INVITE');
    peer.reply(first, '407 Proxy Authentication Required', {
      headers: ['Proxy-Authenticate: Digest realm="proxy", nonce="p", qop="auth"'],
    });
    await peer.expect('ACK');
    const second = await peer.expect('INVITE');
    peer.reply(second, '401 Unauthorized', {
      headers: ['WWW-Authenticate: Digest realm="callee", nonce="c", qop="auth"'],
    });
    const third = await peer.expect('INVITE');
    expect(third.header('Proxy-Authorization')).toContain('realm="proxy"');
    expect(third.header('Authorization')).toContain('realm="callee"');
    expect([first.cseq, second.cseq, third.cseq]).toEqual([1, 2, 3]);
    expect(new Set([first, second, third].map((one) => one.header('Call-ID'))).size).toBe(1);
    expect(new Set([first, second, third].map((one) => one.tag('From'))).size).toBe(1);
  });

  it('does not go round in circles with a server that always asks', async () => {
    const { account, peer, agent } = await bench({ account: { credentials } });
    const call = account.invite(peer.uri, agent);
    for (let round = 0; round < 2; round += 1) {
      peer.reply(await peer.expect('INVITE'), '401 Unauthorized', {
        headers: [`WWW-Authenticate: Digest realm="callee", nonce="${round}", qop="auth"`],
      });
    }
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({ status: 401, reason: 'wrong user name or password' });
  });

  it('follows a 3xx to its contacts in order of q, and says so when told not to', async () => {
    const { account, network, peer, agent } = await bench({ account: { redirects: 'follow' } });
    const worse = await RawPeer.on(network, '192.0.2.11');
    const better = await RawPeer.on(network, '192.0.2.12');
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '302 Moved', {
      headers: [`Contact: <${worse.uri}>;q=0.3`, `Contact: <${better.uri}>;q=0.7`],
    });
    const invite = await better.expect('INVITE');
    expect(invite.start).toBe(`INVITE ${better.uri} SIP/2.0`);
    expect(invite.header('To')).toBe(`<${peer.uri}>`);
    better.reply(invite, '404 Not Found');
    worse.reply(await worse.expect('INVITE'), '200 OK', { body: sdp('peer') });
    await eventually('established', () => call.state === 'established');
  });

  it('follows at most five redirections', async () => {
    const { account, peer, agent } = await bench({ account: { redirects: 'follow' } });
    const call = account.invite(peer.uri, agent);
    for (let step = 0; step <= 5; step += 1) {
      peer.reply(await peer.expect('INVITE'), '302 Moved', {
        headers: [`Contact: <sip:step${step}@192.0.2.2>`],
      });
    }
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({ status: 302, reason: 'call is diverted' });
  });

  it('leaves a redirection alone unless it may follow', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '302 Moved', {
      headers: ['Contact: <sip:other@192.0.2.2>'],
    });
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({ by: 'remote', status: 302 });
    expect(peer.count('INVITE')).toBe(0);
  });

  it('asks for a longer session interval after a 422 (RFC 4028 §7.3)', async () => {
    const { account, peer, agent } = await bench({
      account: { sessionTimer: { expires: 120, minSE: 90, refresher: 'auto' } },
    });
    account.invite(peer.uri, agent);
    const first = await peer.expect('INVITE');
    expect(first.header('Session-Expires')).toBe('120');
    peer.reply(first, '422 Session Interval Too Small', { headers: ['Min-SE: 600'] });
    const second = await peer.expect('INVITE');
    expect(second.header('Session-Expires')).toBe('600');
    expect(second.header('Min-SE')).toBe('600');
  });

  const twoServers = {
    naptr: () => Promise.resolve([]),
    srv: (name: string) =>
      Promise.resolve(
        name === '_sip._udp.pbx.example'
          ? [
              { priority: 1, weight: 1, port: 5060, name: 'a.pbx.example' },
              { priority: 2, weight: 1, port: 5060, name: 'b.pbx.example' },
            ]
          : [],
      ),
    addresses: (name: string) =>
      Promise.resolve([name.startsWith('a.') ? '192.0.2.2' : '192.0.2.12']),
  };

  it('tries the next server after a 503 (RFC 3263 §4.3)', async () => {
    const { account, network, peer, agent } = await bench({ ua: { resolver: twoServers } });
    const backup = await RawPeer.on(network, '192.0.2.12');
    const call = account.invite('sip:bob@pbx.example', agent);
    peer.reply(await peer.expect('INVITE'), '503 Service Unavailable');
    backup.reply(await backup.expect('INVITE'), '200 OK', { body: sdp('peer') });
    await eventually('established', () => call.state === 'established');
  });

  it('waits for a silent server only its share of Timer B', async () => {
    const { account, network, peer, agent } = await bench({ ua: { resolver: twoServers } });
    const backup = await RawPeer.on(network, '192.0.2.12');
    const call = account.invite('sip:bob@pbx.example', agent);
    await peer.expect('INVITE');
    backup.reply(await backup.expect('INVITE', 16_500), '200 OK', { body: sdp('peer') });
    await eventually('established', () => call.state === 'established');
  });
});

describe('the dialog of an outgoing call', () => {
  it('goes through the Record-Route of the 2xx, back to front', async () => {
    const { account, network, peer, agent } = await bench();
    const proxy = await RawPeer.on(network, '192.0.2.20');
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '200 OK', {
      body: sdp('peer'),
      headers: ['Record-Route: <sip:192.0.2.21;lr>, <sip:192.0.2.20;lr>'],
    });
    const ack = await proxy.expect('ACK');
    expect(ack.start).toBe(`ACK ${peer.uri} SIP/2.0`);
    expect(ack.headers('Route').join(', ')).toBe('<sip:192.0.2.20;lr>, <sip:192.0.2.21;lr>');
    void call.hangup();
    expect((await proxy.expect('BYE')).start).toBe(`BYE ${peer.uri} SIP/2.0`);
  });

  it('puts a strict router into the Request-URI and the target at the end (§12.2.1.1)', async () => {
    const { account, network, peer, agent } = await bench();
    const proxy = await RawPeer.on(network, '192.0.2.20');
    account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '200 OK', {
      body: sdp('peer'),
      headers: ['Record-Route: <sip:192.0.2.20>'],
    });
    const ack = await proxy.expect('ACK');
    expect(ack.start).toBe('ACK sip:192.0.2.20 SIP/2.0');
    expect(ack.header('Route')).toBe(`<${peer.uri}>`);
  });

  it('follows the Contact of the 2xx when it differs from that of the 180', async () => {
    const { account, network, peer, agent } = await bench();
    const moved = await RawPeer.on(network, '192.0.2.30');
    account.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '180 Ringing');
    peer.reply(invite, '200 OK', { body: sdp('peer'), headers: [`Contact: <${moved.uri}>`] });
    expect((await moved.expect('ACK')).start).toBe(`ACK ${moved.uri} SIP/2.0`);
  });

  it('goes through the outbound proxy with a loose route', async () => {
    const { account, network, agent } = await bench({
      account: { outboundProxy: 'sip:192.0.2.20' },
    });
    const proxy = await RawPeer.on(network, '192.0.2.20');
    account.invite('sip:bob@example.com', agent);
    const invite = await proxy.expect('INVITE');
    expect(invite.start).toBe('INVITE sip:bob@example.com SIP/2.0');
    expect(invite.header('Route')).toBe('<sip:192.0.2.20;lr>');
  });

  it('repeats a BYE that is challenged', async () => {
    const { account, peer, agent } = await bench({
      account: { credentials: [{ username: 'alice', password: () => Promise.resolve('x') }] },
    });
    const call = account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '200 OK', { body: sdp('peer') });
    await eventually('established', () => call.state === 'established');
    const over = call.hangup();
    const first = await peer.expect('BYE');
    peer.reply(first, '401 Unauthorized', {
      headers: ['WWW-Authenticate: Digest realm="callee", nonce="c", qop="auth"'],
    });
    const second = await peer.expect('BYE');
    expect(second.cseq).toBe(first.cseq + 1);
    expect(second.header('Authorization')).toContain('nc=00000001');
    peer.reply(second, '200 OK');
    await settled('the end', over);
  });

  it('says who answered: P-Asserted-Identity before To', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    let identity = '';
    call.on('established', (event) => {
      identity = event.remoteIdentity;
    });
    peer.reply(await peer.expect('INVITE'), '200 OK', {
      body: sdp('peer'),
      headers: ['P-Asserted-Identity: "Reception" <sip:100@example.com>'],
    });
    await eventually('established', () => call.state === 'established');
    expect(identity).toBe('sip:100@example.com');
    expect(call.remote).toEqual({ uri: 'sip:100@example.com', displayName: 'Reception' });
  });
});
