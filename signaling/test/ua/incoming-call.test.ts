import { OffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import type { IncomingCall } from '../../src/call-api.ts';
import {
  bench,
  history,
  OUR,
  ScriptedAgent,
  sdp,
  virtualTime,
  type Bench,
} from './support/bench.ts';
import { elapse, eventually, settled, type Got } from './support/raw-peer.ts';

virtualTime();

interface Ringing extends Bench {
  readonly call: IncomingCall;
  readonly branch: string;
  readonly ringing: Got;
}

/** An INVITE that has been delivered and rings. */
async function ringing(
  options: Parameters<typeof bench>[0] = {},
  request: Parameters<Bench['peer']['request']>[2] = {},
): Promise<Ringing> {
  const set = await bench(options);
  const { branch } = set.peer.request(OUR, 'INVITE', {
    callId: 'call@peer',
    body: sdp('peer'),
    ...request,
  });
  const response = await set.peer.expect('SIP/2.0 180');
  const call = set.incoming[0];
  if (call === undefined) throw new Error('nothing was delivered');
  return { ...set, call, branch, ringing: response };
}

function inDialog(response: Got, cseq: number): Parameters<Bench['peer']['request']>[2] {
  return { callId: 'call@peer', to: response.header('To'), uri: response.contact, cseq };
}

describe('an incoming call', () => {
  it('rings by itself, is answered, established by the ACK, and ended by the peer', async () => {
    const { call, peer, agent, ringing: first } = await ringing();
    expect(call.remote).toEqual({ uri: peer.uri, displayName: 'Peer' });
    const seen = history(call);
    await settled('the answer', call.answer());
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.body).toBe(sdp('alice', 1));
    expect(ok.tag('To')).toBe(first.tag('To'));
    expect(call.state).toBe('ringing');
    peer.request(OUR, 'ACK', inDialog(ok, 1));
    await eventually('established', () => call.state === 'established');
    peer.request(OUR, 'BYE', inDialog(ok, 2));
    await peer.expect('SIP/2.0 200');
    expect(seen).toEqual(['established', 'ended', 'remote 200 call ended']);
    expect(agent.log).toEqual(['answer peer 1']);
  });

  it('sends the 200 again until the ACK comes (RFC 3261 §13.3.1.4)', async () => {
    const { call, peer } = await ringing();
    await settled('the answer', call.answer());
    await elapse(3600);
    // At 0, 0.5, 1.5 and 3.5 s.
    expect(peer.count('SIP/2.0 200')).toBe(4);
    peer.request(OUR, 'ACK', inDialog(await peer.expect('SIP/2.0 200'), 1));
    await eventually('established', () => call.state === 'established');
    const before = peer.count('SIP/2.0 200');
    await elapse(20_000);
    expect(peer.count('SIP/2.0 200')).toBe(before);
  });

  it('ends with BYE when no ACK comes in 64·T1', async () => {
    const { call, peer } = await ringing();
    await settled('the answer', call.answer());
    const bye = await peer.expect('BYE', 33_000);
    peer.reply(bye, '200 OK');
    expect(call.end).toEqual({
      by: 'network',
      status: 408,
      reason: 'the answer was never acknowledged',
    });
  });

  it('waits for the ACK before the BYE when we hang up at once (§15)', async () => {
    const { call, peer } = await ringing();
    await settled('the answer', call.answer());
    const over = call.hangup();
    expect(call.end).toMatchObject({ by: 'local' });
    await elapse(100);
    expect(peer.count('BYE')).toBe(0);
    peer.request(OUR, 'ACK', inDialog(await peer.expect('SIP/2.0 200'), 1));
    peer.reply(await peer.expect('BYE'), '200 OK');
    await settled('the end', over);
  });

  it('answers a CANCEL with 200 and the INVITE with 487', async () => {
    const { call, peer, branch } = await ringing();
    peer.request(OUR, 'CANCEL', {
      callId: 'call@peer',
      branch,
      headers: ['Reason: SIP;cause=200;text="Call completed elsewhere"'],
    });
    await peer.expect('SIP/2.0 200');
    await peer.expect('SIP/2.0 487');
    expect(call.end).toEqual({ by: 'remote', status: 487, reason: 'answered elsewhere' });
  });

  it('lets the answer stand when the CANCEL comes too late', async () => {
    const { call, peer, branch } = await ringing();
    await settled('the answer', call.answer());
    peer.request(OUR, 'CANCEL', { callId: 'call@peer', branch });
    await peer.expect(/^SIP\/2\.0 (?:200|481)/);
    expect(call.end).toBeUndefined();
  });

  it('refuses a CANCEL of nothing with 481', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'CANCEL');
    await peer.expect('SIP/2.0 481');
  });

  it('is rejected as told, with contacts for a redirection', async () => {
    const { call, peer } = await ringing();
    await settled('rejecting', call.reject({ contacts: ['sip:desk@192.0.2.50'] }));
    const moved = await peer.expect('SIP/2.0 302');
    expect(moved.header('Contact')).toBe('<sip:desk@192.0.2.50>');
    expect(call.end).toMatchObject({ by: 'local', status: 302 });
    const busy = await ringing();
    await settled('rejecting', busy.call.reject());
    await busy.peer.expect('SIP/2.0 486 Busy Here');
  });

  it('is refused with 488 when our side has no codec in common, 500 for other trouble', async () => {
    const { call, peer, agent } = await ringing();
    agent.refuse = new OffhookError('media', 'no-common-codec', 'no codec in common');
    await expect(settled('the answer', call.answer())).rejects.toThrow('no codec in common');
    await peer.expect('SIP/2.0 488');
    expect(call.end).toMatchObject({ by: 'local', status: 488 });
    const other = await ringing();
    other.agent.refuse = new OffhookError('engine', 'gone', 'no engine');
    await expect(settled('the answer', other.call.answer())).rejects.toThrow('no engine');
    await other.peer.expect('SIP/2.0 500');
  });

  it('is refused with 488 when its media would go where it must not', async () => {
    const { call, peer, agent } = await ringing();
    agent.refuse = new OffhookError('engine', 'address-refused', '239.1.1.1 is no single host');
    await expect(settled('the answer', call.answer())).rejects.toThrow('no single host');
    await peer.expect('SIP/2.0 488');
    expect(call.end).toMatchObject({ by: 'local', status: 488 });
  });

  it('is refused with 480 when there is nothing to talk with', async () => {
    const { call, peer, agent } = await ringing();
    agent.refuse = new OffhookError('engine', 'not-connected', 'not connected: unix:/engine');
    await expect(settled('the answer', call.answer())).rejects.toThrow('not connected');
    await peer.expect('SIP/2.0 480 No Media Engine');
    expect(call.end).toMatchObject({
      by: 'local',
      status: 480,
      reason: 'not connected: unix:/engine',
    });
  });

  it('can be answered in the turn in which it is delivered', async () => {
    const { account, peer } = await bench();
    account.on('incoming', (call) => {
      call.useAgent(new ScriptedAgent());
      void call.answer();
    });
    peer.request(OUR, 'INVITE', { body: sdp('peer') });
    await peer.expect('SIP/2.0 200');
    expect(peer.count('SIP/2.0 180')).toBe(0);
  });

  it('plays early media in a 183 and repeats the description in the 200', async () => {
    const { call, peer, agent } = await ringing();
    await settled('early media', call.progress({ earlyMedia: true }));
    expect((await peer.expect('SIP/2.0 183')).body).toBe(sdp('alice', 1));
    expect(call.state).toBe('early');
    await settled('the answer', call.answer());
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 1));
    expect(agent.log).toEqual(['answer peer 1']);
  });

  it('offers in the 200 to an INVITE without a description, and takes the answer of the ACK', async () => {
    const { call, peer, agent } = await ringing({}, { body: '' });
    await settled('the answer', call.answer());
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.body).toBe(sdp('alice', 1));
    peer.request(OUR, 'ACK', { ...inDialog(ok, 1), body: sdp('peer', 3) });
    await eventually('established', () => call.state === 'established');
    expect(agent.log).toEqual(['offer', 'accept peer 3']);
  });

  it('is ended when the ACK brings no answer to our offer', async () => {
    const { call, peer } = await ringing({}, { body: '' });
    await settled('the answer', call.answer());
    peer.request(OUR, 'ACK', inDialog(await peer.expect('SIP/2.0 200'), 1));
    await peer.expect('BYE');
    expect(call.end).toMatchObject({ by: 'local', status: 488 });
  });

  it('is over when its Expires runs out', async () => {
    const { call, peer } = await ringing({}, { headers: ['Expires: 20'] });
    await peer.expect('SIP/2.0 487', 21_000);
    expect(call.end).toEqual({ by: 'remote', status: 487, reason: 'no answer' });
  });

  it('ends early when the caller sends BYE instead of CANCEL', async () => {
    const { call, peer, ringing: response } = await ringing();
    peer.request(OUR, 'BYE', inDialog(response, 2));
    await peer.expect('SIP/2.0 200');
    await peer.expect('SIP/2.0 487');
    expect(call.end).toMatchObject({ by: 'remote' });
  });

  it('copies the Record-Route and sends its requests along it', async () => {
    const { call, peer } = await ringing(
      {},
      { headers: ['Record-Route: <sip:192.0.2.2;lr>', 'Record-Route: <sip:192.0.2.99;lr>'] },
    );
    await settled('the answer', call.answer());
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.headers('Record-Route')).toEqual(['<sip:192.0.2.2;lr>', '<sip:192.0.2.99;lr>']);
    peer.request(OUR, 'ACK', inDialog(ok, 1));
    await eventually('established', () => call.state === 'established');
    void call.hangup();
    const bye = await peer.expect('BYE');
    expect(bye.headers('Route')).toEqual(['<sip:192.0.2.2;lr>', '<sip:192.0.2.99;lr>']);
  });
});

describe('who a call is for', () => {
  it('goes by our Contact, then the address of record, then the user', async () => {
    const { ua, account, peer, incoming } = await bench();
    const bob = ua.addAccount({ aor: 'sip:bob@example.com', register: false });
    const other = ua.addAccount({ aor: 'sip:alice@example.org', register: false });
    const got: string[] = [];
    for (const one of [bob, other]) {
      one.on('incoming', (call) => {
        call.useAgent(new ScriptedAgent());
        got.push(one.aor);
      });
    }
    account.on('incoming', () => got.push(account.aor));
    peer.request(OUR, 'INVITE', { uri: 'sip:bob@192.0.2.1', to: '<sip:bob@example.com>' });
    peer.request(OUR, 'INVITE', { uri: 'sip:alice@192.0.2.1', to: '<sip:alice@example.org>' });
    peer.request(OUR, 'INVITE', { uri: 'sip:alice@example.com' });
    await eventually('the calls', () => got.length === 3);
    expect(got).toEqual(['sip:bob@example.com', 'sip:alice@example.org', 'sip:alice@example.com']);
    expect(incoming).toHaveLength(1);
    peer.request(OUR, 'INVITE', { uri: 'sip:nobody@192.0.2.1', to: '<sip:nobody@example.com>' });
    await peer.expect('SIP/2.0 404');
  });

  it('takes every call for the only account', async () => {
    const { peer, incoming } = await bench();
    peer.request(OUR, 'INVITE', { uri: 'sip:service@192.0.2.1', to: '<sip:service@192.0.2.1>' });
    await peer.expect('SIP/2.0 180');
    expect(incoming).toHaveLength(1);
  });
});

describe('what an incoming request may want', () => {
  it('refuses an extension that it does not know with 420 and names it', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { body: sdp('peer'), headers: ['Require: precondition, timer'] });
    const refused = await peer.expect('SIP/2.0 420');
    expect(refused.header('Unsupported')).toBe('precondition, timer');
  });

  it('refuses a body that it cannot read with 415, unless the body may be ignored', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { body: 'x', type: 'application/isup' });
    expect((await peer.expect('SIP/2.0 415')).header('Accept')).toBe('application/sdp');
    peer.request(OUR, 'INVITE', {
      body: 'x',
      type: 'application/isup',
      headers: ['Content-Disposition: signal;handling=optional'],
    });
    await peer.expect('SIP/2.0 180');
  });

  it('refuses a compressed body with 415 and says what it reads', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { body: sdp('peer'), headers: ['Content-Encoding: gzip'] });
    expect((await peer.expect('SIP/2.0 415')).header('Accept-Encoding')).toBe('identity');
  });

  it('is not available when nobody takes the call that was delivered', async () => {
    const { ua, peer } = await bench();
    ua.addAccount({ aor: 'sip:bob@example.com', register: false });
    peer.request(OUR, 'INVITE', { uri: 'sip:bob@192.0.2.1', to: '<sip:bob@example.com>' });
    await peer.expect('SIP/2.0 480');
  });

  it('finds the description in a multipart body', async () => {
    const body = ['--b', 'Content-Type: application/sdp', '', `${sdp('peer', 5)}--b`];
    const { call, agent } = await ringing(
      {},
      { body: [...body.slice(0, 3), body[3], ''].join('\r\n'), type: 'multipart/mixed;boundary=b' },
    );
    await settled('the answer', call.answer());
    expect(agent.log).toEqual(['answer peer 5']);
  });

  it.each([
    ['SUBSCRIBE', 489],
    ['NOTIFY', 489],
    ['REFER', 400],
    ['PUBLISH', 405],
    ['REGISTER', 405],
    ['FROBNICATE', 501],
    ['BYE', 481],
    ['UPDATE', 481],
    ['PRACK', 481],
    ['INFO', 481],
  ])('answers %s outside a dialog with %i', async (method, status) => {
    const { peer } = await bench();
    peer.request(OUR, method);
    const answer = await peer.expect('SIP/2.0');
    expect(answer.start).toContain(` ${status} `);
    const told = status === 405 || status === 501 ? 'INVITE, ACK, CANCEL, BYE' : '';
    expect(answer.header('Allow')).toContain(told);
  });

  it('answers requests in an unknown dialog with 481, and an ACK not at all', async () => {
    const { peer } = await bench();
    const to = '<sip:alice@example.com>;tag=gone';
    for (const method of ['INVITE', 'BYE', 'UPDATE', 'OPTIONS']) {
      peer.request(OUR, method, { to });
      await peer.expect('SIP/2.0 481');
    }
    peer.request(OUR, 'ACK', { to });
    await elapse(300);
    expect(peer.inbox).toEqual([]);
  });

  it('refuses a URI that is no SIP address with 416', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { uri: 'tel:+49301234567' });
    await peer.expect('SIP/2.0 416');
  });

  it('serves a request that came over two paths once: 482 for the other (§8.2.2.2)', async () => {
    const { peer, incoming } = await bench();
    peer.request(OUR, 'INVITE', { callId: 'forked@peer', body: sdp('peer') });
    peer.request(OUR, 'INVITE', { callId: 'forked@peer', body: sdp('peer') });
    await peer.expect('SIP/2.0 482');
    expect(incoming).toHaveLength(1);
  });

  it('tells what it can do in answer to OPTIONS', async () => {
    const { peer } = await bench({ account: { rel100: 'supported' } });
    peer.request(OUR, 'OPTIONS');
    const answer = await peer.expect('SIP/2.0 200');
    expect(answer.header('Allow')).toContain('UPDATE');
    expect(answer.header('Accept')).toContain('application/sdp');
    expect(answer.header('Supported')).toBe('100rel, replaces, norefersub');
    expect(answer.header('Server')).toBe('Offhook test');
  });

  it('hands a MESSAGE to its account and accepts it (RFC 3428)', async () => {
    const { account, peer } = await bench();
    const got: unknown[] = [];
    account.on('message', (message) => got.push(message));
    peer.request(OUR, 'MESSAGE', { body: 'hello', type: 'text/plain;charset=utf-8' });
    await peer.expect('SIP/2.0 200');
    expect(got).toEqual([
      { from: peer.uri, displayName: 'Peer', body: { type: 'text/plain', content: 'hello' } },
    ]);
  });

  it('lets the application serve what a phone does not', async () => {
    const { peer } = await bench({
      ua: {
        serve: (request) =>
          Promise.resolve(
            request.method === 'REGISTER'
              ? { status: 200, headers: [`Contact: ${request.headers('contact')[0]};expires=60`] }
              : undefined,
          ),
      },
    });
    peer.request(OUR, 'REGISTER');
    expect((await peer.expect('SIP/2.0 200')).header('Contact')).toContain('expires=60');
    peer.request(OUR, 'PUBLISH');
    await peer.expect('SIP/2.0 405');
  });
});

describe('a call that replaces another (RFC 3891)', () => {
  it('ends the other when it is answered', async () => {
    const { call, peer, incoming } = await ringing();
    await settled('the answer', call.answer());
    const ok = await peer.expect('SIP/2.0 200');
    peer.request(OUR, 'ACK', inDialog(ok, 1));
    await eventually('established', () => call.state === 'established');
    peer.request(OUR, 'INVITE', {
      callId: 'second@peer',
      body: sdp('peer'),
      headers: [`Replaces: call@peer;to-tag=${ok.tag('To')};from-tag=peer`],
    });
    await eventually('the second call', () => incoming.length === 2);
    await settled('the answer', incoming[1]?.answer() ?? Promise.reject(new Error('none')));
    await peer.expect('BYE');
    expect(call.end).toMatchObject({ by: 'local' });
  });

  it('is refused when there is nothing to replace', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { headers: ['Replaces: x@y;to-tag=1;from-tag=2'] });
    await peer.expect('SIP/2.0 481');
    peer.request(OUR, 'INVITE', { headers: ['Replaces: x@y;to-tag=1'] });
    await peer.expect('SIP/2.0 400');
  });
});
