import { describe, expect, it } from 'vitest';
import { bench, history, sdp, virtualTime } from './support/bench.ts';
import { elapse, eventually, settled } from './support/raw-peer.ts';

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

  it('ends after Timer B when nothing answers', async () => {
    const { account, peer, agent } = await bench();
    const call = account.invite(peer.uri, agent);
    await peer.expect('INVITE');
    await elapse(33_000);
    expect(call.end).toMatchObject({ by: 'network', status: 408 });
  });
});
