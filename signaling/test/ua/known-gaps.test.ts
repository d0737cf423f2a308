import { describe, expect, it } from 'vitest';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { bench, OUR, ScriptedAgent, sdp, virtualTime } from './support/bench.ts';
import { elapse, eventually, RawPeer, settled } from './support/raw-peer.ts';

virtualTime();

/** What stock sip.js 0.21.2 does not do, each as the peer sees it; more in the other files. */
describe('where sip.js alone falls short', () => {
  it('our Contact is where we really listen', async () => {
    const { account, peer, agent } = await bench();
    account.invite(peer.uri, agent);
    expect((await peer.expect('INVITE')).contact).toMatch(/^sip:alice@192\.0\.2\.1:5060;/);
  });

  it('every challenge of a response is read, and the strongest answered', async () => {
    const { account, peer, agent } = await bench({
      account: { credentials: [{ username: 'alice', password: () => Promise.resolve('x') }] },
    });
    account.invite(peer.uri, agent);
    peer.reply(await peer.expect('INVITE'), '401 Unauthorized', {
      headers: [
        'WWW-Authenticate: Digest realm="pbx", nonce="s", algorithm=SHA-256, qop="auth"',
        'WWW-Authenticate: Digest realm="pbx", nonce="m", algorithm=MD5, qop="auth"',
      ],
    });
    const again = await peer.expect('INVITE');
    expect(again.header('Authorization')).toContain('algorithm=SHA-256');
  });

  it('a stranger who calls us does not get our digest when we hang up', async () => {
    const { network, account, peer, incoming } = await bench({
      account: {
        registrars: ['sip:192.0.2.40'],
        credentials: [{ username: 'alice', password: () => Promise.resolve('x') }],
      },
    });
    const registrar = await RawPeer.on(network, '192.0.2.40');
    const registering = account.register();
    const register = await registrar.expect('REGISTER');
    registrar.reply(register, '200 OK', { headers: [`Contact: ${register.header('Contact')}`] });
    await settled('registered', registering);
    for (const caller of [peer, registrar]) {
      const callId = `leak@${caller.at.address}`;
      caller.request(OUR, 'INVITE', { callId, from: '<sip:x@y>;tag=x', body: sdp('peer') });
      const call = await eventually('the call', () => incoming.pop());
      await settled('the answer', call.answer());
      const ok = await caller.expect('SIP/2.0 200');
      const dialog = { callId, from: '<sip:x@y>;tag=x', to: ok.header('To') };
      caller.request(OUR, 'ACK', { ...dialog, uri: ok.contact });
      await eventually('established', () => call.state === 'established');
      const over = call.hangup();
      caller.reply(await caller.expect('BYE'), '407 Proxy Authentication Required', {
        headers: ['Proxy-Authenticate: Digest realm="pbx", nonce="n", qop="auth"'],
      });
      await elapse(100);
      expect(caller.count('BYE')).toBe(caller === registrar ? 1 : 0);
      if (caller === peer) await settled('the end', over);
    }
  });

  it('the Service-Route of the registrar is put in front of requests (RFC 3608)', async () => {
    const { account, peer, agent } = await bench({
      account: { registrars: ['sip:192.0.2.2'] },
    });
    const registering = account.register();
    const register = await peer.expect('REGISTER');
    peer.reply(register, '200 OK', {
      headers: [`Contact: ${register.header('Contact')}`, 'Service-Route: <sip:192.0.2.2;lr>'],
    });
    await settled('registered', registering);
    account.invite('sip:bob@elsewhere.example', agent);
    expect((await peer.expect('INVITE')).header('Route')).toBe('<sip:192.0.2.2;lr>');
  });

  it('no two transactions share a branch', async () => {
    const { account, peer, agent } = await bench({ random: Math.random });
    for (let i = 0; i < 3; i += 1) account.invite(peer.uri, agent);
    await eventually('the INVITEs', () => peer.inbox.length === 3);
    const branches = peer.inbox.map((got) => /;branch=([^;]+)/.exec(got.header('Via'))?.[1] ?? '');
    expect(new Set(branches).size).toBe(3);
    // sip.js makes one of ten million.
    for (const branch of branches) expect(branch.length).toBeGreaterThan(24);
  });

  it('merged requests are found without looking at every live transaction', async () => {
    const { peer } = await bench();
    const count = 3000;
    for (let i = 0; i < count; i += 1) peer.request(OUR, 'OPTIONS', { callId: `many-${i}` });
    await eventually('the answers', () => peer.inbox.length === count);
    peer.inbox.length = 0;
    peer.request(OUR, 'OPTIONS', { callId: 'many-1' });
    await peer.expect('SIP/2.0 482');
  });

  it('strangers cannot make us hold more than a thousand calls', async () => {
    const { peer, incoming } = await bench();
    for (let i = 0; i <= 1000; i += 1) {
      peer.request(OUR, 'INVITE', { callId: `flood-${i}`, body: sdp('peer') });
    }
    await peer.expect('SIP/2.0 486');
    expect(incoming).toHaveLength(1000);
  });

  it('OPTIONS asks the registrar who is there and how fast', async () => {
    const { account, peer } = await bench({ account: { registrars: ['sip:192.0.2.2'] } });
    const asking = account.options();
    const options = await peer.expect('OPTIONS sip:192.0.2.2');
    await elapse(40);
    peer.reply(options, '200 OK');
    const answer = await settled('the answer', asking);
    expect(answer).toMatchObject({ status: 200, reason: 'OK' });
    expect(answer.rttMs).toBeGreaterThanOrEqual(40);
    const nobody = account.options('sip:192.0.2.77');
    expect(await settled('the silence', nobody, 40_000)).toMatchObject({ status: 408 });
  });

  it('two user agents talk to each other through everything at once', async () => {
    const { network, account, agent } = await bench();
    const other = await createUserAgent(
      { listen: [{ transport: 'udp', address: '192.0.2.3', port: 5060 }] },
      { network },
    );
    const bob = other.addAccount({ aor: 'sip:bob@192.0.2.3', register: false });
    const theirs = new ScriptedAgent('bob');
    const heard: unknown[] = [];
    bob.on('incoming', (call) => {
      call.useAgent(theirs);
      call.on('info', (body) => heard.push(body.content));
      void call.answer();
    });
    const call = account.invite('sip:bob@192.0.2.3', agent);
    await eventually('established', () => call.state === 'established');
    await settled('INFO', call.info({ type: 'application/dtmf-relay', content: 'Signal=5' }));
    await settled('a change', call.renegotiate());
    await settled('the end', call.hangup());
    expect(heard).toEqual(['Signal=5']);
    expect(agent.log).toEqual(['offer', 'accept bob 1', 'offer', 'accept bob 2']);
    await settled('closing', other.close());
  });

  it('a third of all datagrams lost: every call is set up and ended', async () => {
    let dropped = 0;
    const { network, account, peer } = await bench();
    expect(peer.inbox).toEqual([]);
    const other = await createUserAgent(
      { listen: [{ transport: 'udp', address: '192.0.2.3', port: 5060 }] },
      { network },
    );
    const bob = other.addAccount({ aor: 'sip:bob@192.0.2.3', register: false });
    const ends: string[] = [];
    bob.on('incoming', (call) => {
      call.useAgent(new ScriptedAgent('bob'));
      call.on('ended', ({ by }) => ends.push(by));
      void call.answer();
    });
    let seed = 7;
    network.lose = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const lost = seed / 2 ** 31 < 0.33;
      if (lost) dropped += 1;
      return lost;
    };
    for (let i = 0; i < 20; i += 1) {
      const call = account.invite('sip:bob@192.0.2.3', new ScriptedAgent());
      await eventually('established', () => call.state === 'established', 30_000);
      await settled('the end', call.hangup(), 33_000);
    }
    await elapse(35_000);
    expect(ends).toEqual(Array.from({ length: 20 }, () => 'remote'));
    expect(dropped).toBeGreaterThan(20);
  });
});
