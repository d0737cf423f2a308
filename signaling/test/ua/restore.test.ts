import { describe, expect, it } from 'vitest';
import type { CallSnapshot, SipCall } from '../../src/call-api.ts';
import { createUserAgent } from '../../src/ua/user-agent.ts';
import { bench, OUR, ScriptedAgent, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall, type Established } from './support/established.ts';
import { isRinging, Lives } from './support/lives.ts';
import { elapse, eventually, settled } from './support/raw-peer.ts';
import { StrictPeer } from './support/strict-peer.ts';

virtualTime();

const timed = { sessionTimer: { expires: 200, minSE: 90, refresher: 'auto' } } as const;

/** The process dies without a word; another one takes the call up from what was saved. */
async function restarted(
  before: Established,
  options: { awayMs?: number; change?: (saved: CallSnapshot) => CallSnapshot } = {},
): Promise<Established & { readonly agent: ScriptedAgent }> {
  const last = JSON.stringify(before.call.snapshot());
  await settled('the end of the process', before.ua.close({ keepCalls: true }));
  const ua = await createUserAgent(
    { listen: [{ transport: 'udp', ...OUR }], restoring: true, instance: 'bench' },
    { network: before.network },
  );
  const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false, ...timed });
  const agent = new ScriptedAgent('again');
  const saved = JSON.parse(last) as CallSnapshot;
  const call = account.restore(options.change?.(saved) ?? saved, agent);
  ua.restored({ awayMs: options.awayMs ?? 0 });
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
    expect(call.snapshot()).toBeUndefined();
  });

  it('says nothing to a peer that can reach it as before', async () => {
    const { peer } = await restarted(await outgoingCall({ headers: ['Allow: UPDATE'] }));
    await elapse(5000);
    expect(peer.inbox.map(({ start }) => start)).toEqual([]);
  });

  it('asks a peer that may have given up meanwhile, and ends when that has', async () => {
    const before = await outgoingCall({ headers: ['Allow: UPDATE'] });
    const { peer, call } = await restarted(before, { awayMs: 60_000 });
    peer.reply(await peer.expect('UPDATE'), '481 Call/Transaction Does Not Exist');
    await eventually('the end', () => call.end);
    expect(call.end).toMatchObject({ by: 'remote', status: 481 });
    expect(call.snapshot()).toBeUndefined();
  });

  it('tells its Contact when it has another address now', async () => {
    const before = await outgoingCall({ headers: ['Allow: UPDATE'] });
    const { peer } = await restarted(before, {
      change: (saved) =>
        JSON.parse(
          JSON.stringify(saved).replaceAll('192.0.2.1:5060', '192.0.2.77:5060'),
        ) as CallSnapshot,
    });
    expect((await peer.expect('UPDATE')).contact).toContain('192.0.2.1:5060');
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

  it.each([
    ['ran out meanwhile', 300_000],
    ['began in the future, by a clock that was set back', -3_600_000],
  ])('refreshes at once when the session timer %s', async (_what, ago) => {
    const before = await outgoingCall({
      account: timed,
      headers: ['Session-Expires: 200;refresher=uas', 'Allow: UPDATE'],
    });
    const { peer, call } = await restarted(before, {
      change: (saved) => {
        const text = JSON.stringify(saved);
        return JSON.parse(
          text.replace(/"since":\d+/, `"since":${Date.now() - ago}`),
        ) as CallSnapshot;
      },
    });
    peer.reply(await peer.expect('UPDATE'), '200 OK', {
      headers: ['Session-Expires: 200;refresher=uac'],
    });
    await elapse(1000);
    expect(call.state).toBe('established');
  });

  it('serves a request that came while nobody was there, once it knows its dialogs', async () => {
    const before = await outgoingCall();
    const last = JSON.stringify(before.call.snapshot());
    await before.ua.close({ keepCalls: true });
    const ua = await createUserAgent(
      { listen: [{ transport: 'udp', ...OUR }], restoring: true },
      { network: before.network },
    );
    before.ask('BYE');
    await elapse(100);
    const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    const call = account.restore(JSON.parse(last) as CallSnapshot, new ScriptedAgent());
    ua.restored({ awayMs: 0 });
    await before.peer.expect('SIP/2.0 200');
    expect(call.end).toMatchObject({ by: 'remote', status: 200 });
  });

  it('acknowledges the answer to a re-INVITE that an earlier process sent', async () => {
    const before = await outgoingCall();
    void before.call.renegotiate().catch(() => undefined);
    const invite = await before.peer.expect('INVITE');
    const { peer } = await restarted(before);
    peer.reply(invite, '200 OK', { body: sdp('peer', 2) });
    expect((await peer.expect('ACK')).cseq).toBe(invite.cseq);
  });

  it('calls a peer anew, with Replaces, where nothing answers at its Contact any more', async () => {
    const before = await outgoingCall({ headers: ['Allow: UPDATE'] });
    const tags = before.call.replaceable;
    const { peer, call, agent } = await restarted(before, {
      awayMs: 60_000,
      change: (saved) => {
        const gone = '"remoteTarget":"sip:peer@192.0.2.66:5060"';
        const text = JSON.stringify(saved).replace(/"remoteTarget":"[^"]*"/, gone);
        return JSON.parse(text) as CallSnapshot;
      },
    });
    const invite = await peer.expect('INVITE', 40_000);
    expect(invite.header('Replaces')).toBe(
      `${tags?.callId};to-tag=${tags?.toTag};from-tag=${tags?.fromTag}`,
    );
    const kept = JSON.stringify(call.snapshot());
    expect(kept).toContain('192.0.2.66');
    peer.reply(invite, '200 OK', { body: sdp('peer', 7), tag: 'anew' });
    await peer.expect('ACK');
    await eventually('the new dialog', () => call.callId === invite.header('Call-ID'));
    expect(call.state).toBe('established');
    expect(agent.log).toEqual(['offer', 'accept peer 7']);
    expect(JSON.stringify(call.snapshot())).toContain(invite.header('Call-ID'));
    const change = call.renegotiate();
    const again = await peer.expect('INVITE');
    expect(again.header('Call-ID')).toBe(invite.header('Call-ID'));
    peer.reply(again, '200 OK', { body: sdp('peer', 8) });
    await settled('the change', change);
    const over = call.hangup();
    peer.reply(await peer.expect('BYE'), '200 OK');
    await settled('the end', over);
    expect(call.snapshot()).toBeUndefined();
  });

  it('goes on trying in its own dialog when the peer does not take the Replaces', async () => {
    const before = await outgoingCall({ headers: ['Allow: UPDATE'] });
    const { peer, call, agent, network } = await restarted(before, { awayMs: 60_000 });
    network.lose = (_from, _to, text) => text.startsWith('UPDATE');
    const invite = await peer.expect('INVITE', 40_000);
    peer.reply(invite, '481 No Such Call');
    await eventually('a roll-back', () => agent.log.includes('rollback'));
    network.lose = () => false;
    peer.reply(await peer.expect('UPDATE', 60_000), '200 OK');
    await elapse(1000);
    expect(call.state).toBe('established');
    expect(call.callId).toBe(before.call.callId);
  });

  it('is refused when what was saved cannot be read', async () => {
    const { account, call, agent } = await outgoingCall();
    const snapshot = call.snapshot();
    await eventually('a snapshot', () => snapshot);
    for (const content of [undefined, null, {}, { dialog: { callId: 1 }, session: {} }]) {
      const broken = { ...snapshot, content } as CallSnapshot;
      expect(() => account.restore(broken, agent)).toThrow('a saved call cannot be read');
    }
    const old = { ...snapshot, version: 1 } as unknown as CallSnapshot;
    expect(() => account.restore(old, agent)).toThrow('a saved call cannot be read');
  });

  it('has no keys in what is saved, and asks for its description when it needs one', async () => {
    const secret = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0';
    const before = await outgoingCall();
    const change = before.call.renegotiate();
    const first = await before.peer.expect('INVITE');
    before.peer.reply(first, '200 OK', { body: `${sdp('peer', 2)}${secret}\r\n` });
    await settled('the change', change);
    const saved = JSON.stringify(before.call.snapshot());
    expect(saved).not.toContain('inline');
    expect(saved).not.toContain('a=crypto');
    const { peer, agent } = await restarted(before, { awayMs: 60_000 });
    const again = await peer.expect('INVITE');
    expect(agent.log).toEqual(['offer']);
    expect(again.body).toContain('o=again');
  });
});

/** Goes on as a person would, until the call is over. */
async function carryOn(lives: Lives): Promise<void> {
  const act = (call: SipCall): Promise<unknown> => {
    if (isRinging(call)) return call.answer().catch(() => undefined);
    return Promise.resolve();
  };
  for (const call of lives.calls) await settled('an answer', act(call), 40_000);
  await eventually(
    'every call to be up or over',
    () => lives.calls.every(({ state }) => state === 'established' || state === 'ended'),
    40_000,
  );
  for (const call of lives.calls) {
    if (call.state !== 'established') continue;
    await settled('a change', call.renegotiate(), 40_000);
    await settled('the end', call.hangup(), 40_000);
  }
}

async function script(lives: Lives, peer: StrictPeer, direction: string): Promise<void> {
  const alive = async (work: Promise<unknown>): Promise<void> => {
    await settled(
      'work, or death',
      Promise.race([work.catch(() => undefined), lives.killed]),
      40_000,
    );
    if (!lives.alive) throw new Error('killed');
  };
  const up = (call: SipCall): Promise<void> =>
    new Promise((resolve) => {
      call.on('established', () => resolve());
      call.on('ended', () => resolve());
    });
  let call: SipCall;
  if (direction === 'outgoing') {
    call = lives.account.invite(peer.uri, lives.agent);
    await alive(up(call));
  } else {
    void peer.call();
    await alive(eventually('a call', () => lives.calls[0] !== undefined || !lives.alive));
    const [incoming] = lives.calls;
    if (incoming === undefined || !isRinging(incoming)) throw new Error('no call');
    await alive(eventually('180', () => incoming.state === 'ringing' || !lives.alive));
    call = incoming;
    const established = up(call);
    await alive(incoming.answer());
    await alive(established);
  }
  const [dialog] = peer.dialogs;
  await alive(call.renegotiate());
  if (dialog !== undefined) await alive(peer.reInvite(dialog));
  await alive(call.info({ type: 'text/plain', content: 'x' }));
  await alive(call.hangup());
}

describe('a phone that is killed at any message that it sends', () => {
  it.each(['outgoing', 'incoming'])(
    'loses no %s call, and leaves none hanging',
    async (direction) => {
      let last = 0;
      // The first round kills nobody, and counts.
      for (let at = 0; at <= last; at += 1) {
        for (const leaves of at === 0 ? [true] : [true, false]) {
          const lives = new Lives();
          await lives.start();
          const peer = await StrictPeer.on(lives.network);
          if (at > 0) lives.killAt(at, leaves);
          const where = `${direction}, message ${at} ${leaves ? 'sent' : 'not sent'}`;
          try {
            await script(lives, peer, direction);
            await elapse(1000);
            if (at === 0) last = lives.sent;
          } catch (error) {
            if ((error as Error).message !== 'killed') throw new Error(where, { cause: error });
          }
          await lives.kill();
          const before = peer.live.length;
          await elapse(200);
          await lives.start(200);
          if (before > 0 && lives.journal.size === 0) {
            throw new Error(`${where}: the call was forgotten`);
          }
          try {
            await carryOn(lives);
            await elapse(40_000);
          } catch (error) {
            throw new Error(where, { cause: error });
          }
          expect([where, ...peer.faults]).toEqual([where]);
          expect([where, peer.live.length, lives.journal.size]).toEqual([where, 0, 0]);
          await lives.kill();
        }
      }
      expect(last).toBeGreaterThan(5);
    },
    60_000,
  );
});

describe('a call that was being set up', () => {
  it('goes on ringing, and is answered', async () => {
    const lives = new Lives();
    await lives.start();
    const peer = await StrictPeer.on(lives.network);
    lives.account.invite(peer.uri, lives.agent);
    await eventually('ringing', () => peer.live.length === 1);
    await elapse(50);
    await lives.kill();
    await lives.start(50);
    const [call] = lives.calls;
    await eventually('the answer', () => call?.state === 'established');
    expect(peer.got).toEqual(['INVITE']);
    expect(peer.faults).toEqual([]);
  });

  it('and was given up is cancelled', async () => {
    const lives = new Lives();
    await lives.start();
    const peer = await StrictPeer.on(lives.network);
    const call = lives.account.invite(peer.uri, lives.agent);
    await eventually('ringing', () => peer.live.length === 1);
    await elapse(50);
    lives.killAt(lives.sent + 1, false);
    void call.hangup();
    await lives.kill();
    await lives.start(50);
    await elapse(40_000);
    expect(peer.got).toEqual(['INVITE', 'CANCEL']);
    expect(peer.live).toEqual([]);
    expect(lives.journal.size).toBe(0);
  });

  it('and was not answered for long is given up, so that nobody answers a call without a caller', async () => {
    const lives = new Lives();
    await lives.start();
    const peer = await StrictPeer.on(lives.network);
    lives.account.invite(peer.uri, lives.agent);
    await eventually('ringing', () => peer.live.length === 1);
    await elapse(50);
    await lives.kill();
    await lives.start(60_000);
    await elapse(1000);
    expect(peer.got).toEqual(['INVITE', 'CANCEL']);
    expect(peer.live).toEqual([]);
    expect(lives.calls[0]?.end).toMatchObject({ status: 487 });
    expect(lives.journal.size).toBe(0);
  });

  it('and rang here for a caller who may have gone is refused', async () => {
    const set = await bench();
    set.peer.request(OUR, 'INVITE', { callId: 'call@peer', body: sdp('peer') });
    const ringing = await set.peer.expect('SIP/2.0 180');
    const [call] = set.incoming;
    const saved = JSON.stringify(call?.snapshot());
    await set.ua.close({ keepCalls: true });
    const ua = await createUserAgent(
      { listen: [{ transport: 'udp', ...OUR }], restoring: true },
      { network: set.network },
    );
    const account = ua.addAccount({ aor: 'sip:alice@example.com', register: false });
    account.restore(JSON.parse(saved) as CallSnapshot, set.agent);
    ua.restored({ awayMs: 60_000 });
    const refused = await set.peer.expect('SIP/2.0 480');
    expect(refused.tag('To')).toBe(ringing.tag('To'));
  });
});

describe('a network that has changed', () => {
  it('is told to the registrar and to the peer of every call at once', async () => {
    const { ua, peer } = await outgoingCall({
      headers: ['Allow: UPDATE'],
    });
    ua.refresh();
    // Several reasons at once are one.
    ua.refresh();
    const update = await peer.expect('UPDATE');
    expect(update.contact).toContain('sip:alice@192.0.2.1');
    await elapse(100);
    expect(peer.count('UPDATE')).toBe(0);
  });
});
