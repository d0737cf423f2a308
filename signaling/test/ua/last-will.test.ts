import { describe, expect, it } from 'vitest';
import type { CallWill } from '../../src/call-api.ts';
import { OUR, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall, type Established } from './support/established.ts';
import { settled } from './support/raw-peer.ts';

virtualTime();

async function willOf({ call }: Established): Promise<CallWill> {
  const will = await settled('the will', call.will());
  if (will === undefined) throw new Error('there is no will');
  return will;
}

const cseqOf = (will: CallWill) => Number(/^CSeq: (\d+) BYE\r$/m.exec(will.message)?.[1]);
const header = (will: CallWill, name: string) =>
  new RegExp(`^${name}: (.*)\r$`, 'm').exec(will.message)?.[1];

describe('the last will of a call', () => {
  it.each([
    ['we made', outgoingCall],
    ['the peer made', incomingCall],
  ])('that %s is the BYE that would end it, for the next hop', async (_who, make) => {
    const here = await make();
    const will = await willOf(here);
    const peer = new URL(here.peer.uri.replace('sip:', 'sip://'));
    expect(will).toMatchObject({ transport: 'udp', address: peer.hostname });
    expect(will.port).toBe(Number(peer.port));
    expect(will.message).toMatch(/^BYE sip:/);
    expect(header(will, 'Via')).toBe(
      `SIP/2.0/UDP ${OUR.address}:${OUR.port};branch=${will.branch};rport`,
    );
    expect(will.message.endsWith('\r\n\r\n')).toBe(true);

    const over = here.call.hangup();
    const bye = await here.peer.expect('BYE');
    for (const name of ['Call-ID', 'From', 'To'] as const) {
      expect(header(will, name)).toBe(bye.header(name));
    }
    expect(bye.cseq).toBe(cseqOf(will) + 1);
    here.peer.reply(bye, '200 OK');
    await settled('the end', over);
    expect(await here.call.will()).toBeUndefined();
  });

  it('stays the same until we have sent something, and then has a higher number', async () => {
    const here = await outgoingCall();
    const first = await willOf(here);
    expect(cseqOf(first)).toBe(here.cseq + 1);
    expect(await willOf(here)).toEqual(first);

    const change = here.call.renegotiate();
    const invite = await here.peer.expect('INVITE');
    expect(invite.cseq).toBe(cseqOf(first) + 1);
    here.peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    const ack = await here.peer.expect('ACK');
    expect(ack.cseq).toBe(invite.cseq);
    await settled('the change', change);

    const second = await willOf(here);
    expect(cseqOf(second)).toBe(invite.cseq + 1);
    expect(second.branch).not.toBe(first.branch);
  });

  it('follows the peer to its new target with the number that it had', async () => {
    const here = await outgoingCall();
    const first = await willOf(here);
    here.ask('UPDATE', { headers: [`Contact: <${here.peer.uri};moved>`] });
    await here.peer.expect('SIP/2.0 200');
    const second = await willOf(here);
    expect(second.message).toMatch(/^BYE \S+;moved SIP\/2\.0/);
    expect(cseqOf(second)).toBe(cseqOf(first));
  });

  it('is none before the call is answered', async () => {
    const { account, agent, peer } = await outgoingCall();
    const call = account.invite(peer.uri, agent);
    expect(await call.will()).toBeUndefined();
  });
});
