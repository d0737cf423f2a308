import { describe, expect, it } from 'vitest';
import type { CallSnapshot } from '../../src/api.ts';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { OUR, ScriptedAgent, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall, type Established } from './support/established.ts';
import { elapse, eventually, settled } from './support/raw-peer.ts';

virtualTime();

const timed = { sessionTimer: { expires: 200, minSE: 90, refresher: 'auto' } } as const;

/** The process dies without a word; another one takes the call up from what was saved. */
async function restarted(
  before: Established,
): Promise<Established & { readonly agent: ScriptedAgent }> {
  const saved: CallSnapshot[] = [];
  before.call.on('changed', () => {
    const snapshot = before.call.snapshot();
    if (snapshot !== undefined) saved.push(snapshot);
  });
  const last = JSON.stringify(before.call.snapshot());
  await settled('the end of the process', before.ua.close({ keepCalls: true }));
  const ua = await createUserAgent(
    { listen: [{ transport: 'udp', ...OUR }] },
    { network: before.network },
  );
  const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false, ...timed });
  const agent = new ScriptedAgent('again');
  const call = account.restore(JSON.parse(last) as CallSnapshot, agent);
  return { ...before, ua, account, agent, call };
}

describe('a call that another process takes up', () => {
  it.each([
    ['we made', outgoingCall],
    ['the peer made', incomingCall],
  ])('and that %s goes on with the next CSeq, both ways', async (_who, make) => {
    const before = await make();
    const change = before.call.renegotiate();
    const first = await before.peer.expect('INVITE');
    before.peer.reply(first, '200 OK', { body: sdp('peer', 2) });
    await before.peer.expect('ACK');
    await settled('the change', change);
    const { call, peer, agent, ask } = await restarted(before);
    expect(call.id).toBe(before.call.id);
    expect(call.state).toBe('established');
    const again = call.renegotiate();
    const second = await peer.expect('INVITE');
    expect(second.cseq).toBe(first.cseq + 1);
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect([second.tag('From'), second.tag('To')]).toEqual([first.tag('From'), first.tag('To')]);
    peer.reply(second, '200 OK', { body: sdp('peer', 3) });
    await settled('the change', again);
    expect(agent.log).toEqual(['offer', 'accept peer 3']);
    ask('INFO', { body: 'Signal=1', type: 'application/dtmf-relay' });
    await peer.expect('SIP/2.0 200');
    const over = call.hangup();
    const bye = await peer.expect('BYE');
    expect(bye.cseq).toBe(second.cseq + 1);
    peer.reply(bye, '200 OK');
    await settled('the end', over);
  });

  it('keeps counting the session timer', async () => {
    const before = await outgoingCall({
      account: timed,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: UPDATE'],
    });
    await elapse(60_000);
    const { peer } = await restarted(before);
    await elapse(39_000);
    expect(peer.count('UPDATE')).toBe(0);
    await peer.expect('UPDATE', 2000);
  });

  it('was saved before each message that uses up a CSeq number had left', async () => {
    const { call, peer } = await outgoingCall();
    const numbers: number[] = [];
    call.on('changed', () => {
      const content = call.snapshot()?.content as { dialog: { localCSeq: number } } | undefined;
      if (content !== undefined) numbers.push(content.dialog.localCSeq);
      expect(peer.count('INFO')).toBe(0);
    });
    void call.info({ type: 'text/plain', content: 'x' });
    const info = await peer.expect('INFO');
    expect(numbers).toEqual([info.cseq]);
  });

  it('is refused when what was saved cannot be read', async () => {
    const { account, call, agent } = await outgoingCall();
    const snapshot = call.snapshot();
    await eventually('a snapshot', () => snapshot);
    for (const content of [undefined, null, {}, { dialog: { callId: 1 }, session: {} }]) {
      const broken = { ...snapshot, content } as CallSnapshot;
      expect(() => account.restore(broken, agent)).toThrow('a saved call cannot be read');
    }
  });
});

describe('a network that has changed', () => {
  it('is told to the registrar and to the peer of every call at once', async () => {
    const { ua, peer } = await outgoingCall({
      headers: ['Allow: UPDATE'],
    });
    ua.refresh();
    const update = await peer.expect('UPDATE');
    expect(update.contact).toContain('sip:alice@192.0.2.1');
  });
});
