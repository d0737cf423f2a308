import { describe, expect, it } from 'vitest';
import type { IncomingReferral, ReferralState } from '../../src/index.ts';
import { bench, OUR, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall, type Established } from './support/established.ts';
import { elapse, eventually, settled, type Got, RawPeer } from './support/raw-peer.ts';

virtualTime();

const CAROL = 'sip:carol@example.com';

/** A report of the peer about our REFER. */
function report(
  { ask }: Pick<Established, 'ask'>,
  line: string,
  state = 'active;expires=60',
  event = 'refer',
): void {
  ask('NOTIFY', {
    headers: [`Event: ${event}`, `Subscription-State: ${state}`],
    body: `SIP/2.0 ${line}\r\n`,
    type: 'message/sipfrag;version=2.0',
  });
}

describe('REFER of ours in a call (RFC 3515)', () => {
  it('names the target and us, and tells what the reports say', async () => {
    const set = await outgoingCall();
    const { call, peer } = set;
    const referral = call.refer(CAROL);
    const seen: ReferralState[] = [];
    referral.on('state', (state) => seen.push(state));
    const refer = await peer.expect('REFER');
    expect(refer.header('Refer-To')).toBe(`<${CAROL}>`);
    expect(refer.header('Referred-By')).toBe('<sip:alice@example.com>');
    expect(refer.contact).not.toBe('');
    peer.reply(refer, '202 Accepted');
    report(set, '100 Trying');
    await peer.expect('SIP/2.0 200');
    report(set, '180 Ringing');
    await peer.expect('SIP/2.0 200');
    report(set, '200 OK', 'terminated;reason=noresource', `refer;id=${refer.cseq}`);
    await peer.expect('SIP/2.0 200');
    expect(await settled('the result', referral.done)).toMatchObject({ state: 'succeeded' });
    expect(seen.map((one) => ('status' in one ? one.status : one.state))).toEqual([
      'accepted',
      100,
      180,
      200,
    ]);
    expect(call.state).toBe('established');
  });

  it('names the dialog that the target is to replace, as that target knows it', async () => {
    const set = await outgoingCall();
    const { account, agent, network, call, peer } = set;
    const carol = await RawPeer.on(network, '192.0.2.3');
    const other = account.invite(carol.uri, agent);
    expect(() => call.refer(carol.uri, { replaces: other })).toThrow('has no dialog');
    const invite = await carol.expect('INVITE');
    carol.reply(invite, '200 OK', { tag: 'a&b', body: sdp('carol') });
    await eventually('established', () => other.state === 'established');
    call.refer(carol.uri, { replaces: other });
    const to = (await peer.expect('REFER')).header('Refer-To');
    const [, uri, header] = /^<([^?]*)\?Replaces=([^>]*)>$/.exec(to) ?? [];
    expect(uri).toBe(carol.uri);
    expect(decodeURIComponent(header ?? '')).toBe(
      `${other.callId};to-tag=a&b;from-tag=${invite.tag('From')}`,
    );
  });

  it('is refused with the peer’s status; the call goes on', async () => {
    const { call, peer } = await outgoingCall();
    const referral = call.refer(CAROL);
    peer.reply(await peer.expect('REFER'), '603 Decline');
    expect(await settled('the end', referral.done)).toEqual({
      state: 'refused',
      status: 603,
      reason: 'declined',
    });
    expect(call.state).toBe('established');
  });

  it('fails with the status of the call that the peer has tried', async () => {
    const set = await outgoingCall();
    const referral = set.call.refer(CAROL);
    set.peer.reply(await set.peer.expect('REFER'), '202 Accepted');
    report(set, '486 Busy Here', 'terminated;reason=noresource');
    expect(await settled('the end', referral.done)).toEqual({
      state: 'failed',
      status: 486,
      reason: 'busy',
    });
  });

  it('takes reports that come before the answer to the REFER, and after the call’s end', async () => {
    const set = await outgoingCall();
    const { call, peer, ask } = set;
    const referral = call.refer(CAROL);
    const refer = await peer.expect('REFER');
    report(set, '100 Trying');
    await peer.expect('SIP/2.0 200');
    peer.reply(refer, '202 Accepted');
    await elapse(10);
    expect(referral.state).toMatchObject({ state: 'progress', status: 100 });
    ask('BYE');
    await peer.expect('SIP/2.0 200');
    expect(call.state).toBe('ended');
    report(set, '200 OK', 'terminated;reason=noresource');
    await peer.expect('SIP/2.0 200');
    expect(await settled('the end', referral.done)).toMatchObject({ state: 'succeeded' });
    report(set, '200 OK');
    await peer.expect('SIP/2.0 481');
  });

  it('ends unknown without reports: agreed (RFC 4488), broken off, or never made', async () => {
    const set = await outgoingCall();
    const { call, peer } = set;
    const silent = call.refer(CAROL, { silent: true, referredBy: false });
    const refer = await peer.expect('REFER');
    expect(refer.header('Refer-Sub')).toBe('false');
    expect(refer.header('Referred-By')).toBe('');
    peer.reply(refer, '202 Accepted', { headers: ['Refer-Sub: false'] });
    expect(await settled('the end', silent.done)).toEqual({ state: 'unknown' });

    const broken = call.refer(CAROL);
    peer.reply(await peer.expect('REFER'), '202 Accepted');
    report(set, '180 Ringing', 'terminated;reason=giveup');
    expect(await settled('the end', broken.done)).toEqual({ state: 'unknown' });

    const mute = call.refer(CAROL);
    peer.reply(await peer.expect('REFER'), '202 Accepted');
    await elapse(301_000);
    expect(await settled('the end', mute.done)).toEqual({ state: 'unknown' });
  });

  it('leaves reports alone that are about nothing of ours, and refuses targets that are none', async () => {
    const set = await outgoingCall();
    report(set, '200 OK');
    await set.peer.expect('SIP/2.0 481');
    report(set, '200 OK', 'active', 'presence');
    await set.peer.expect('SIP/2.0 489');
    expect(() => set.call.refer('carol')).toThrow('no SIP address');
  });
});

describe('REFER of ours outside of dialogs', () => {
  it('is followed by its reports in a dialog of its own, even before the answer', async () => {
    const { account, peer } = await bench();
    const referral = account.refer(peer.uri, CAROL);
    const refer = await peer.expect('REFER');
    const notify = (line: string, state: string, cseq: number): void => {
      peer.request(OUR, 'NOTIFY', {
        callId: refer.header('Call-ID'),
        to: refer.header('From'),
        uri: refer.contact,
        cseq,
        headers: ['Event: refer', `Subscription-State: ${state}`],
        body: `SIP/2.0 ${line}\r\n`,
        type: 'message/sipfrag',
      });
    };
    notify('100 Trying', 'active', 1);
    await peer.expect('SIP/2.0 200');
    peer.reply(refer, '202 Accepted');
    notify('200 OK', 'terminated;reason=noresource', 2);
    await peer.expect('SIP/2.0 200');
    expect(await settled('the end', referral.done)).toMatchObject({ state: 'succeeded' });
  });
});

describe('REFER of the peer', () => {
  async function referred(
    headers: readonly string[],
    then: (referral: IncomingReferral) => void,
  ): Promise<Established & { referral: IncomingReferral | undefined; refer: { branch: string } }> {
    const set = await incomingCall();
    let referral: IncomingReferral | undefined;
    set.call.on('refer', (one) => {
      referral = one;
      then(one);
    });
    const refer = set.ask('REFER', { headers });
    await eventually('the REFER', () => referral);
    return { ...set, referral, refer };
  }

  const state = (got: Got): string => `${got.header('Subscription-State')} ${got.body.trim()}`;

  it('is accepted and gets reports, the last of them after the BYE', async () => {
    const { peer, referral, ask } = await referred(
      [`Refer-To: <${CAROL}>`, `Referred-By: <sip:peer@example.com>`],
      (one) => one.accept(),
    );
    expect(referral).toMatchObject({
      target: CAROL,
      replaces: undefined,
      referredBy: { uri: 'sip:peer@example.com', header: '<sip:peer@example.com>' },
    });
    await peer.expect('SIP/2.0 202');
    const trying = await peer.expect('NOTIFY');
    expect(trying.header('Event')).toBe('refer;id=2');
    expect(state(trying)).toBe('active;expires=300 SIP/2.0 100 Trying');
    peer.reply(trying, '200 OK');
    ask('BYE');
    await peer.expect('SIP/2.0 200');
    referral?.report(200);
    const done = await peer.expect('NOTIFY');
    expect(state(done)).toBe('terminated;reason=noresource SIP/2.0 200 OK');
    peer.reply(done, '200 OK');
    referral?.report(486);
    await elapse(100);
    expect(peer.count('NOTIFY')).toBe(0);
  });

  it('tells which dialog is to be replaced', async () => {
    const { referral } = await referred(
      [`Refer-To: <${CAROL}?Replaces=abc%40host%3Bto-tag%3D1%3Bfrom-tag%3D2>`],
      (one) => one.accept(),
    );
    expect(referral).toMatchObject({
      target: CAROL,
      replaces: { callId: 'abc@host', toTag: '1', fromTag: '2' },
    });
  });

  it('gets no reports when the peer wants none (RFC 4488)', async () => {
    const { peer, referral } = await referred([`Refer-To: ${CAROL}`, 'Refer-Sub: false'], (one) =>
      one.accept(),
    );
    expect((await peer.expect('SIP/2.0 202')).header('Refer-Sub')).toBe('false');
    referral?.report(200);
    await elapse(100);
    expect(peer.count('NOTIFY')).toBe(0);
  });

  it('is declined when nobody takes it in its turn, or with the status that is said', async () => {
    await (await referred([`Refer-To: <${CAROL}>`], () => undefined)).peer.expect('SIP/2.0 603');
    await (
      await referred([`Refer-To: <${CAROL}>`], (one) => one.refuse(403))
    ).peer.expect('SIP/2.0 403');
  });

  it.each([
    ['no Refer-To', [], 400],
    ['two of them', [`Refer-To: <${CAROL}>`, `Refer-To: <${CAROL}>`], 400],
    ['a web page', ['Refer-To: <http://example.com/>'], 416],
    ['another method', [`Refer-To: <${CAROL};method=BYE>`], 400],
    ['a Replaces without tags', [`Refer-To: <${CAROL}?Replaces=abc>`], 400],
    ['an escape that is none', [`Refer-To: <${CAROL}?Replaces=%zz>`], 400],
  ])('is refused with %s', async (_what, headers, status) => {
    const { peer, ask } = await incomingCall();
    ask('REFER', { headers });
    await peer.expect(`SIP/2.0 ${status}`);
  });

  it('ends its reports when the peer does not know them any more; the call goes on', async () => {
    const { peer, referral, call } = await referred([`Refer-To: <${CAROL}>`], (one) =>
      one.accept(),
    );
    peer.reply(await peer.expect('NOTIFY'), '481 Subscription Does Not Exist');
    await elapse(10);
    referral?.report(200);
    await elapse(100);
    expect(peer.count('NOTIFY')).toBe(0);
    expect(call.state).toBe('established');
  });

  it('is served outside of a dialog as well, in one that it opens', async () => {
    const { account, peer } = await bench();
    account.on('refer', (one) => {
      one.accept();
      one.report(200);
    });
    peer.request(OUR, 'REFER', { callId: 'click', headers: [`Refer-To: <${CAROL}>`] });
    const accepted = await peer.expect('SIP/2.0 202');
    const notify = await peer.expect('NOTIFY');
    expect(notify.tag('From')).toBe(accepted.tag('To'));
    expect(notify.header('Call-ID')).toBe('click');
    expect(state(await peer.expect('NOTIFY'))).toContain('SIP/2.0 200 OK');
  });
});

describe('a call with Replaces (RFC 3891)', () => {
  it('is made with the header, and requires that it is understood', async () => {
    const { account, peer, agent } = await bench();
    account.invite(peer.uri, agent, {
      replaces: { callId: 'c', toTag: 't', fromTag: 'f', earlyOnly: true },
    });
    const invite = await peer.expect('INVITE');
    expect(invite.header('Replaces')).toBe('c;to-tag=t;from-tag=f;early-only');
    expect(invite.header('Require')).toBe('replaces');
  });

  it('tells the one whose place it takes', async () => {
    const { call, incoming, peer, network } = await outgoingCall();
    const theirs = call.replaceable;
    const carol = await RawPeer.on(network, '192.0.2.3');
    carol.request(OUR, 'INVITE', {
      headers: [`Replaces: ${theirs?.callId};to-tag=${theirs?.fromTag};from-tag=${theirs?.toTag}`],
      body: sdp('carol'),
    });
    await carol.expect('SIP/2.0 180');
    expect(incoming[0]?.replaces).toBe(call);
    await settled('the answer', Promise.resolve(incoming[0]?.answer()));
    await peer.expect('BYE');
  });
});
