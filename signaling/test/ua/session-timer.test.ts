import { describe, expect, it } from 'vitest';
import {
  answerTimer,
  intervalFromResponse,
  nextTimerEvent,
  type SessionTimerConfig,
} from '../../src/ua/dialog/session-timer.ts';
import { Headers, type HeaderPair } from '../../src/ua/message/headers.ts';
import { bench, OUR, sdp, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall } from './support/established.ts';
import { elapse, eventually } from './support/raw-peer.ts';

virtualTime();

const config: SessionTimerConfig = { expires: 600, minSE: 120, refresher: 'auto' };
const account = { sessionTimer: config } as const;
const supported: HeaderPair = ['supported', 'timer'];

describe('the answer to a session timer (RFC 4028 §9)', () => {
  const cases: [string, HeaderPair[], ReturnType<typeof answerTimer>][] = [
    [
      'too short an interval of a peer that knows timers is refused',
      [supported, ['session-expires', '100']],
      { kind: 'refuse', headers: [['min-se', '120']] },
    ],
    [
      'too short an interval of a peer that does not is taken as it is',
      [['session-expires', '100']],
      {
        kind: 'accept',
        timer: { interval: 100, weRefresh: true },
        headers: [['session-expires', '100;refresher=uas']],
      },
    ],
    [
      'a long interval is shortened to ours',
      [supported, ['session-expires', '3600']],
      {
        kind: 'accept',
        timer: { interval: 600, weRefresh: false },
        headers: [
          ['session-expires', '600;refresher=uac'],
          ['require', 'timer'],
        ],
      },
    ],
    [
      'but not below the Min-SE of the request',
      [supported, ['session-expires', '3600'], ['min-se', '900']],
      {
        kind: 'accept',
        timer: { interval: 900, weRefresh: false },
        headers: [
          ['session-expires', '900;refresher=uac'],
          ['require', 'timer'],
        ],
      },
    ],
    [
      'the refresher that the peer asks for is granted',
      [supported, ['session-expires', '300;refresher=uas']],
      {
        kind: 'accept',
        timer: { interval: 300, weRefresh: true },
        headers: [['session-expires', '300;refresher=uas']],
      },
    ],
    [
      'a peer that knows timers and does not ask gets one',
      [supported],
      {
        kind: 'accept',
        timer: { interval: 600, weRefresh: false },
        headers: [
          ['session-expires', '600;refresher=uac'],
          ['require', 'timer'],
        ],
      },
    ],
    [
      'a peer that knows nothing of timers gets none',
      [],
      { kind: 'accept', timer: undefined, headers: [] },
    ],
  ];

  it.each(cases)('%s', (_name, headers, expected) => {
    expect(answerTimer(Headers.of(headers), config)).toEqual(expected);
  });

  it('is none when we have timers turned off', () => {
    const request = Headers.of([supported, ['session-expires', '300']]);
    expect(answerTimer(request, false)).toEqual({
      kind: 'accept',
      timer: undefined,
      headers: [],
    });
  });

  it('keeps the roles of before in a refresh', () => {
    const request = Headers.of([supported, ['session-expires', '300']]);
    const current = { interval: 300, weRefresh: true };
    expect(answerTimer(request, config, current)).toMatchObject({ timer: current });
  });

  it('of a 2xx says who refreshes', () => {
    const of = (value: string): unknown =>
      intervalFromResponse(Headers.of([['session-expires', value]]));
    expect(of('300;refresher=uas')).toEqual({ interval: 300, weRefresh: false });
    expect(of('300;refresher=uac')).toEqual({ interval: 300, weRefresh: true });
    expect(of('junk')).toBeUndefined();
    expect(intervalFromResponse(new Headers())).toBeUndefined();
  });

  it('is refreshed at half the interval; the other side ends the call a little before its end', () => {
    expect(nextTimerEvent({ interval: 600, weRefresh: true })).toEqual({
      afterMs: 300_000,
      action: 'refresh',
    });
    expect(nextTimerEvent({ interval: 600, weRefresh: false }).afterMs).toBe(568_000);
    expect(nextTimerEvent({ interval: 90, weRefresh: false }).afterMs).toBe(60_000);
  });
});

describe('a session with a timer', () => {
  it('is refused with 422 when the interval is too short', async () => {
    const { peer } = await bench({ account });
    peer.request(OUR, 'INVITE', {
      body: sdp('peer'),
      headers: ['Supported: timer', 'Session-Expires: 90'],
    });
    expect((await peer.expect('SIP/2.0 422')).header('Min-SE')).toBe('120');
  });

  it('is refreshed by our UPDATE without a description where the peer takes UPDATE', async () => {
    const { peer, agent } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: INVITE, ACK, BYE, UPDATE'],
    });
    await elapse(99_000);
    expect(peer.inbox).toEqual([]);
    const update = await peer.expect('UPDATE');
    expect(update.body).toBe('');
    expect(update.header('Session-Expires')).toBe('200;refresher=uac');
    peer.reply(update, '200 OK', { headers: ['Session-Expires: 200;refresher=uac'] });
    await elapse(99_000);
    expect(peer.inbox).toEqual([]);
    await peer.expect('UPDATE');
    expect(agent.log).toEqual([]);
  });

  it('is refreshed by a re-INVITE with the same description where it does not', async () => {
    const { peer, agent } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: INVITE, ACK, BYE'],
    });
    const invite = await peer.expect('INVITE', 101_000);
    expect(invite.body).toBe(sdp('alice', 1));
    peer.reply(invite, '200 OK', {
      body: sdp('peer'),
      headers: ['Session-Expires: 200;refresher=uac'],
    });
    await peer.expect('ACK');
    expect(agent.log).toEqual([]);
  });

  it('goes on with a re-INVITE when the UPDATE is not understood', async () => {
    const { peer } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: UPDATE'],
    });
    peer.reply(await peer.expect('UPDATE', 101_000), '501 Not Implemented');
    await peer.expect('INVITE');
  });

  it('takes a longer interval when a refresh gets 422', async () => {
    const { peer } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: UPDATE'],
    });
    peer.reply(await peer.expect('UPDATE', 101_000), '422 Too Small', { headers: ['Min-SE: 500'] });
    const again = await peer.expect('UPDATE');
    expect(again.header('Session-Expires')).toBe('500;refresher=uac');
    expect(again.header('Min-SE')).toBe('500');
  });

  it('is ended by us when our refreshes are not answered until it expires', async () => {
    const { call, peer } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: UPDATE'],
    });
    const bye = await peer.expect('BYE', 201_000);
    expect(bye.header('Reason')).toContain('cause=408');
    expect(call.end).toEqual({
      by: 'network',
      status: 408,
      reason: 'the session timer ran out',
    });
  });

  it('is ended by us a little before it expires when the peer should refresh and does not', async () => {
    const { call, peer } = await incomingCall({
      account,
      headers: ['Supported: timer', 'Session-Expires: 300;refresher=uac'],
    });
    await elapse(267_000);
    expect(call.end).toBeUndefined();
    await peer.expect('BYE', 2000);
  });

  it('lives on when the peer refreshes it', async () => {
    const { call, peer, ask } = await incomingCall({
      account,
      headers: ['Supported: timer', 'Session-Expires: 300;refresher=uac'],
    });
    for (let round = 0; round < 3; round += 1) {
      await elapse(150_000);
      ask('UPDATE', { headers: ['Supported: timer', 'Session-Expires: 300;refresher=uac'] });
      const ok = await peer.expect('SIP/2.0 200');
      expect(ok.header('Session-Expires')).toBe('300;refresher=uac');
      expect(ok.header('Require')).toBe('timer');
    }
    expect(call.state).toBe('established');
  });

  it('survives a glare of refreshes', async () => {
    const { call, peer } = await outgoingCall({
      account,
      headers: ['Session-Expires: 200;refresher=uac', 'Allow: INVITE'],
    });
    peer.reply(await peer.expect('INVITE', 101_000), '491 Request Pending');
    peer.reply(await peer.expect('INVITE', 5000), '200 OK', {
      body: sdp('peer'),
      headers: ['Session-Expires: 200;refresher=uac'],
    });
    await eventually('the ACK', () => peer.count('ACK') === 2);
    expect(call.state).toBe('established');
  });
});
