import { describe, expect, it } from 'vitest';
import type { AccountOptions } from '../../src/api.ts';
import type { IncomingCall } from '../../src/call-api.ts';
import { bench, OUR, sdp, virtualTime, type Bench } from './support/bench.ts';
import { elapse, eventually, settled, type Got } from './support/raw-peer.ts';

virtualTime();

const account: Partial<AccountOptions> = { rel100: 'supported' };

function prack(response: Got, cseq = 2): Parameters<Bench['peer']['request']>[2] {
  return {
    callId: 'call@peer',
    to: response.header('To'),
    uri: response.contact,
    cseq,
    headers: [`RAck: ${response.header('RSeq')} 1 INVITE`],
  };
}

async function called(
  headers: readonly string[],
  options: { account?: Partial<AccountOptions>; body?: string } = {},
): Promise<Bench & { call: IncomingCall }> {
  const set = await bench({ account: options.account ?? account });
  const body = options.body ?? sdp('peer');
  set.peer.request(OUR, 'INVITE', { callId: 'call@peer', body, headers });
  const call = await eventually('the call', () => set.incoming[0]);
  return { ...set, call };
}

describe('reliable provisional responses as the caller (RFC 3262)', () => {
  it('are acknowledged in order, once, and the others left to be sent again', async () => {
    const { account: alice, peer, agent } = await bench({ account });
    alice.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    expect(invite.header('Supported')).toContain('100rel');
    const reliable = (rseq: number): string[] => ['Require: 100rel', `RSeq: ${rseq}`];
    peer.reply(invite, '180 Ringing', { headers: reliable(10) });
    const first = await peer.expect('PRACK');
    expect(first.header('RAck')).toBe(`10 ${invite.cseq} INVITE`);
    expect(first.cseq).toBe(invite.cseq + 1);
    peer.reply(first, '200 OK');
    peer.reply(invite, '180 Ringing', { headers: reliable(10) });
    peer.reply(invite, '183 Session Progress', { headers: reliable(12) });
    await elapse(200);
    expect(peer.inbox).toEqual([]);
    peer.reply(invite, '183 Session Progress', { headers: reliable(11), body: sdp('peer') });
    expect((await peer.expect('PRACK')).header('RAck')).toBe(`11 ${invite.cseq} INVITE`);
    expect(agent.log).toEqual(['offer', 'accept peer 1']);
  });

  it('fix the answer: a 2xx need not repeat it, and cannot change it', async () => {
    const { account: alice, peer, agent } = await bench({ account });
    const call = alice.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '183 Session Progress', {
      headers: ['Require: 100rel', 'RSeq: 1'],
      body: sdp('peer', 1),
    });
    peer.reply(await peer.expect('PRACK'), '200 OK');
    peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    await eventually('established', () => call.state === 'established');
    expect(agent.log.at(-1)).toBe('accept peer 1');
  });

  it('may bring the offer; the PRACK then brings the answer', async () => {
    const { account: alice, peer, agent } = await bench({ account });
    const call = alice.invite(peer.uri, agent, { lateOffer: true });
    const invite = await peer.expect('INVITE');
    peer.reply(invite, '183 Session Progress', {
      headers: ['Require: 100rel', 'RSeq: 1'],
      body: sdp('peer', 1),
    });
    const acknowledged = await peer.expect('PRACK');
    expect(acknowledged.body).toBe(sdp('alice', 1));
    peer.reply(acknowledged, '200 OK');
    peer.reply(invite, '200 OK');
    expect((await peer.expect('ACK')).body).toBe('');
    await eventually('established', () => call.state === 'established');
    expect(agent.log).toEqual(['answer peer 1']);
  });

  it('are demanded by Require when the account says so', async () => {
    const { account: alice, peer, agent } = await bench({ account: { rel100: 'required' } });
    const call = alice.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    expect(invite.header('Require')).toBe('100rel');
    peer.reply(invite, '420 Bad Extension', { headers: ['Unsupported: 100rel'] });
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({ status: 420, reason: 'required feature not supported' });
  });

  it('let UPDATE change the early session', async () => {
    const { account: alice, peer, agent } = await bench({ account });
    const call = alice.invite(peer.uri, agent);
    const invite = await peer.expect('INVITE');
    const update = (): void => {
      peer.request(OUR, 'UPDATE', {
        callId: invite.header('Call-ID'),
        from: `<${peer.uri}>;tag=peer`,
        to: invite.header('From'),
        uri: invite.contact,
        body: sdp('peer', 2),
      });
    };
    peer.reply(invite, '183 Session Progress', {
      headers: ['Require: 100rel', 'RSeq: 1'],
      body: sdp('peer', 1),
    });
    peer.reply(await peer.expect('PRACK'), '200 OK');
    update();
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 2));
    expect(call.state).toBe('early');
  });
});

describe('reliable provisional responses as the callee', () => {
  it('are sent where the peer insists, and again until the PRACK', async () => {
    const { call, peer } = await called(['Require: 100rel']);
    await elapse(1600);
    // At 0, 0.5 and 1.5 s.
    expect(peer.count('SIP/2.0 180')).toBe(3);
    const response = await peer.expect('SIP/2.0 180');
    expect(response.header('Require')).toBe('100rel');
    peer.inbox.length = 0;
    peer.request(OUR, 'PRACK', prack(response));
    await peer.expect('SIP/2.0 200');
    await elapse(10_000);
    expect(peer.count('SIP/2.0 180')).toBe(0);
    expect(call.state).toBe('ringing');
  });

  it('refuse a PRACK that fits nothing with 481', async () => {
    const { peer } = await called(['Require: 100rel']);
    const response = await peer.expect('SIP/2.0 180');
    peer.request(OUR, 'PRACK', { ...prack(response), headers: ['RAck: 999 1 INVITE'] });
    await peer.expect('SIP/2.0 481');
    peer.request(OUR, 'PRACK', { ...prack(response, 3), headers: ['RAck: junk'] });
    await peer.expect('SIP/2.0 481');
  });

  it('end the INVITE with 504 when no PRACK comes', async () => {
    const { call, peer } = await called(['Require: 100rel']);
    await peer.expect('SIP/2.0 504', 33_000);
    expect(call.end).toMatchObject({ by: 'network', status: 504 });
  });

  it('carry early media where the peer knows them; the 200 waits for the PRACK and has no description', async () => {
    const { call, peer } = await called(['Supported: 100rel']);
    const ringing = await peer.expect('SIP/2.0 180');
    expect(ringing.header('Require')).toBe('');
    const early = call.progress({ earlyMedia: true });
    const response = await peer.expect('SIP/2.0 183');
    expect(response.body).toBe(sdp('alice', 1));
    expect(response.header('Require')).toBe('100rel');
    const answer = call.answer();
    await elapse(200);
    expect(peer.count('SIP/2.0 200')).toBe(0);
    peer.request(OUR, 'PRACK', prack(response));
    await settled('early media', early);
    await settled('the answer', answer);
    await peer.expect('SIP/2.0 200');
    expect((await peer.expect('SIP/2.0 200')).body).toBe('');
  });

  it('number on, one at a time', async () => {
    const { call, peer } = await called(['Require: 100rel']);
    const first = await peer.expect('SIP/2.0 180');
    void call.progress({ earlyMedia: true });
    await elapse(300);
    expect(peer.count('SIP/2.0 183')).toBe(0);
    peer.request(OUR, 'PRACK', prack(first));
    const second = await peer.expect('SIP/2.0 183');
    expect(Number(second.header('RSeq'))).toBe(Number(first.header('RSeq')) + 1);
  });

  it('bring our offer when the INVITE had none; the PRACK brings the answer', async () => {
    const { call, peer, agent } = await called(['Require: 100rel'], { body: '' });
    const response = await peer.expect('SIP/2.0 180');
    expect(response.body).toBe(sdp('alice', 1));
    peer.request(OUR, 'PRACK', { ...prack(response), body: sdp('peer', 1) });
    await peer.expect('SIP/2.0 200');
    await settled('the answer', call.answer());
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.body).toBe('');
    peer.request(OUR, 'ACK', { ...prack(ok), cseq: 1, headers: [] });
    await eventually('established', () => call.state === 'established');
    expect(agent.log).toEqual(['offer', 'accept peer 1']);
  });

  it('take a new offer in the PRACK', async () => {
    const { call, peer, agent } = await called(['Supported: 100rel']);
    void call.progress({ earlyMedia: true });
    const response = await peer.expect('SIP/2.0 183');
    peer.request(OUR, 'PRACK', { ...prack(response), body: sdp('peer', 2) });
    expect((await peer.expect('SIP/2.0 200')).body).toBe(sdp('alice', 2));
    expect(agent.log).toEqual(['answer peer 1', 'answer peer 2']);
  });

  it('are refused with 420 where they are turned off, and demanded with 421 where required', async () => {
    const off = await bench({ account: { rel100: 'off' } });
    off.peer.request(OUR, 'INVITE', { body: sdp('peer'), headers: ['Require: 100rel'] });
    expect((await off.peer.expect('SIP/2.0 420')).header('Unsupported')).toBe('100rel');
    const required = await bench({ account: { rel100: 'required' } });
    required.peer.request(OUR, 'INVITE', { body: sdp('peer') });
    expect((await required.peer.expect('SIP/2.0 421')).header('Require')).toBe('100rel');
  });
});
