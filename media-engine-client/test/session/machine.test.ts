import { mediaOptions, type SdpStep } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { advance, newSession, type MediaSession } from '../../src/session/machine.ts';
import { legConfig, sessionState } from '../../src/session/view.ts';
import { failureOf, lines, local, peerSdp } from '../sdp/support.ts';

const SUITES = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] as const;

const origin = { username: '-', sessionId: '7', version: 1 };
const offer = (direction: 'sendrecv' | 'sendonly' = 'sendrecv'): SdpStep => ({
  type: 'offer',
  direction,
  origin,
});
const answer = (sdp = peerSdp()): SdpStep => ({
  type: 'answer',
  offer: sdp,
  direction: 'sendrecv',
  origin,
});
const accept = (sdp = peerSdp(), provisional = false): SdpStep => ({
  type: 'accept',
  answer: sdp,
  provisional,
});
const rollback: SdpStep = { type: 'rollback' };

let keys = 0;
const context = { newKey: (bytes: number) => new Uint8Array(bytes).fill(++keys), turn: 5 };
const around = { background: false, deserted: false, recovering: false, sendingTo: undefined };
const settings = {
  sockets: 's1',
  input: 'default',
  output: 'default',
  latching: 'once',
  jitterBufferMs: { min: 20, max: 200 },
} as const;

function fresh(options: object = {}): MediaSession {
  return newSession({
    id: 'call-1',
    options: { ...mediaOptions.parse({ srtpSuites: [...SUITES] }), ...options },
    openedAt: 0,
    local,
  });
}

/** Takes the steps one after another, each at the next revision. */
function after(session: MediaSession, ...steps: SdpStep[]): MediaSession {
  let now = session;
  for (const step of steps) now = advance(now, now.revision + 1, step, context).session;
  return now;
}

const code = (work: () => unknown) => (failureOf(work) as { code: string }).code;
const state = (session: MediaSession) => sessionState(session, around).state;

describe('a media session', () => {
  it('goes from idle by offer and answer to active', () => {
    const offered = after(fresh(), offer());
    expect(state(offered)).toBe('offered');
    const active = after(offered, accept());
    expect(sessionState(active, around)).toMatchObject({
      state: 'active',
      revision: 2,
      direction: 'sendrecv',
      codec: 'PCMU',
      remote: { address: '198.51.100.7', port: 5004 },
    });
  });

  it("answers the peer's offer and is active at once", () => {
    const active = after(fresh(), answer());
    expect(state(active)).toBe('active');
    expect(sessionState(active, around).remoteSdp).toBe(peerSdp());
  });

  it('gives the same description again for the same revision, and refuses an older one', () => {
    const first = advance(fresh(), 3, answer(), context);
    const again = advance(first.session, 3, answer(), context);
    expect(again).toEqual({ session: first.session, sdp: first.sdp });
    expect(again.session).toBe(first.session);
    expect(code(() => advance(first.session, 2, offer(), context))).toBe('stale-revision');
  });

  it('leaves the session as it was when a step fails', () => {
    const active = after(fresh(), answer());
    const bad = answer(peerSdp('audio 5004 RTP/AVP 18', []));
    expect(code(() => advance(active, 2, bad, context))).toBe('no-common-codec');
    expect(advance(active, 2, offer(), context).session.revision).toBe(2);
  });

  it('allows each step only where it makes sense', () => {
    const offered = after(fresh(), offer());
    expect(code(() => after(fresh(), accept()))).toBe('wrong-state');
    expect(code(() => after(fresh(), rollback))).toBe('wrong-state');
    expect(code(() => after(offered, offer()))).toBe('wrong-state');
    expect(code(() => after(offered, answer()))).toBe('wrong-state');
    expect(code(() => after(fresh(), answer(), rollback))).toBe('wrong-state');
    expect(code(() => after(fresh(), offer(), accept(), rollback))).toBe('wrong-state');
    const hungUp = { ...after(fresh(), answer()), hungUp: true };
    expect(state(hungUp)).toBe('closed');
    expect(code(() => after(hungUp, offer()))).toBe('wrong-state');
  });

  it('goes along with the answers of several forks; the last one counts', () => {
    const forks = [
      accept(peerSdp('audio 6000 RTP/AVP 8', []), true),
      accept(peerSdp('audio 7000 RTP/AVP 9', []), true),
    ];
    const early = after(fresh(), offer(), ...forks);
    expect(sessionState(early, around)).toMatchObject({
      state: 'offered',
      codec: 'G722',
      remote: { port: 7000 },
    });
    const final = after(early, accept(peerSdp('audio 8000 RTP/AVP 0', [])));
    expect(sessionState(final, around)).toMatchObject({ state: 'active', remote: { port: 8000 } });
    // The 2xx of another fork may still follow; then the offer is spent by the next one.
    const other = after(final, accept(peerSdp('audio 9000 RTP/AVP 0', [])));
    expect(sessionState(other, around)).toMatchObject({ state: 'active', remote: { port: 9000 } });
    expect(code(() => after(other, answer(), accept()))).toBe('wrong-state');
  });

  it('rolls back to what was in force, also after provisional answers', () => {
    const active = after(fresh(), answer());
    const moved = after(
      active,
      offer('sendonly'),
      accept(peerSdp('audio 6000 RTP/AVP 8', []), true),
    );
    expect(sessionState(moved, around).remote?.port).toBe(6000);
    const back = after(moved, rollback);
    expect(sessionState(back, around)).toMatchObject({
      state: 'active',
      remote: { port: 5004 },
      codec: 'PCMU',
    });
    expect(state(after(fresh(), offer(), rollback))).toBe('idle');
  });

  it('shows the pending description while it is offered, then the one in force', () => {
    const active = after(fresh(), answer());
    const offered = after(active, offer('sendonly'));
    expect(sessionState(offered, around).localSdp).toContain('a=sendonly');
    expect(sessionState(after(offered, rollback), around).localSdp).toContain('a=sendrecv');
  });

  it('needs a fresh key once the old one is dead, also after a roll-back', () => {
    const key = Buffer.alloc(30, 99).toString('base64');
    const savp = peerSdp('audio 5004 RTP/SAVP 8', [
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ]);
    const active = after(fresh({ srtp: 'optional' }), answer(savp));
    const dead = { ...active, rekey: true };
    const oldKey = active.inForce?.agreement.srtp?.tx ?? '';
    const offered = after(dead, offer());
    expect(offered.offer?.sdp).not.toContain(oldKey);
    expect(after(offered, rollback).rekey).toBe(true);
    const renewed = after(offered, accept(savp));
    expect(renewed.rekey).toBe(false);
    expect(renewed.inForce?.agreement.srtp?.tx).not.toBe(oldKey);
  });

  it('takes back an answer that was not sent, but never to keys that were in use', () => {
    const back: SdpStep = { type: 'rollback', of: 'answer' };
    const active = after(fresh(), answer());
    const undone = after(
      active,
      { ...answer(peerSdp('audio 7000 RTP/AVP 0')), direction: 'recvonly' } as SdpStep,
      back,
    );
    expect(undone).toMatchObject({ inForce: active.inForce, wanted: 'sendrecv', rekey: false });
    expect(code(() => after(undone, back))).toBe('wrong-state');
    expect(code(() => after(active, offer(), rollback, back))).toBe('wrong-state');
    const key = (n: number) => Buffer.alloc(n, 7).toString('base64');
    const secure = (suite: string, bytes: number) =>
      answer(peerSdp('audio 7000 RTP/SAVP 0', [`a=crypto:1 ${suite} inline:${key(bytes)}`]));
    const first = after(
      fresh({ srtp: 'required', srtpSuites: [...SUITES] }),
      secure(SUITES[0], 30),
    );
    expect(after(first, secure(SUITES[1], 30), back)).toMatchObject({
      inForce: first.inForce,
      rekey: true,
    });
  });

  it('counts a call as taken when its audio begins and when it comes back from hold', () => {
    const taken = (session: MediaSession, turn: number, step: SdpStep) =>
      advance(session, session.revision + 1, step, { ...context, turn }).session;
    const active = taken(fresh(), 1, answer());
    expect(active.taken).toBe(1);
    const held = taken(taken(active, 2, offer('sendonly')), 3, accept());
    expect(held.taken).toBe(1);
    expect(held.wanted).toBe('sendonly');
    expect(taken(taken(held, 4, offer()), 5, accept()).taken).toBe(5);
  });
});

describe('the leg of a session', () => {
  it('is there as soon as both descriptions are', () => {
    expect(legConfig(after(fresh(), offer()), around, settings)).toBeUndefined();
    expect(legConfig(after(fresh(), answer()), around, settings)).toMatchObject({
      sockets: 's1',
      direction: 'sendrecv',
      codec: { name: 'PCMU' },
      telephoneEvent: { payloadType: 101 },
      muted: false,
      output: 'default',
    });
  });

  it('is silent while the session is muted by either side, or in the background', () => {
    const active = after(fresh(), answer());
    const muted = (session: MediaSession, background = false) =>
      legConfig(session, { background, deserted: false }, settings);
    expect(muted({ ...active, muted: true })?.muted).toBe(true);
    expect(muted({ ...active, locallyMuted: true })?.muted).toBe(true);
    expect(muted(active, true)).toMatchObject({ muted: true, output: 'null' });
  });

  it('sends silence on hold, from the moment at which it is offered', () => {
    const offered = after(fresh(), answer(), offer('sendonly'));
    expect(legConfig(offered, around, settings)).toMatchObject({
      direction: 'sendrecv',
      muted: true,
    });
    const held = after(offered, accept(peerSdp('audio 5004 RTP/AVP 0', ['a=recvonly'])));
    expect(legConfig(held, around, settings)).toMatchObject({ direction: 'sendonly', muted: true });
    const resumed = after(held, offer(), accept());
    expect(legConfig(resumed, around, settings)?.muted).toBe(false);
  });

  it('ends when the person hangs up', () => {
    const session = { ...after(fresh(), answer()), hungUp: true };
    expect(legConfig(session, around, settings)).toBeUndefined();
  });

  it('sends nothing under a key whose counters are unknown', () => {
    const key = Buffer.alloc(30, 99).toString('base64');
    const savp = peerSdp('audio 5004 RTP/SAVP 8', [
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ]);
    const active = after(fresh({ srtp: 'required' }), answer(savp));
    expect(lines(active.inForce?.localSdp ?? '', 'a=crypto')).toHaveLength(1);
    expect(legConfig({ ...active, rekey: true }, around, settings)?.direction).toBe('recvonly');
    const { srtp } = legConfig(active, around, settings) ?? {};
    expect(srtp?.rx.keySalt).toEqual(new Uint8Array(30).fill(99));
    expect(srtp?.tx.keySalt).toHaveLength(30);
  });
});
