import { describe, expect, it } from 'vitest';
import type { StoredMessageInfo } from '../../src/control/presence-schemas.ts';
import type { CallInfo } from '../../src/control/schemas.ts';
import { focusOf, initialState, reduce, type PhoneState } from '../../src/tui/state.ts';
import { shortUri } from '../../src/tui/texts.ts';
import { callInfo } from './call-info.ts';

const withCalls = (...calls: CallInfo[]): PhoneState => ({ ...initialState, calls });

describe('the screen’s state', () => {
  it('takes new calls, changed calls, and lets ended ones go', () => {
    let state = reduce(initialState, {
      type: 'event',
      event: 'call.changed',
      params: callInfo({ state: 'dialing', answeredAt: null }),
    });
    expect(state.calls).toHaveLength(1);
    state = reduce(state, {
      type: 'event',
      event: 'call.changed',
      params: callInfo({ held: true }),
    });
    expect(state.calls).toMatchObject([{ id: 'c1', held: true }]);
    state = reduce(state, {
      type: 'event',
      event: 'call.ended',
      params: callInfo({ state: 'ended', end: { by: 'remote', status: 200, reason: '' } }),
    });
    expect(state.calls).toEqual([]);
    expect(state.notice?.text).toBe('call with bob@example.com ended');
  });

  it('says why a call failed, and which one was missed', () => {
    const failed = callInfo({
      answeredAt: null,
      end: { by: 'remote', status: 486, reason: 'busy' },
    });
    const after = (call: CallInfo) =>
      reduce(withCalls(call), { type: 'event', event: 'call.ended', params: call }).notice;
    expect(after(failed)).toEqual({ kind: 'error', text: 'bob@example.com: busy' });
    expect(after({ ...failed, direction: 'incoming' })).toEqual({
      kind: 'info',
      text: 'missed call from bob@example.com',
    });
    expect(after({ ...failed, end: { by: 'local', status: 487, reason: '' } })).toBeUndefined();
  });

  it('shows text messages of both directions, and what becomes of ours', () => {
    const message = {
      id: 'm1',
      at: '2026-01-01T00:00:00.000Z',
      account: 'sip:alice@example.net',
      direction: 'out',
      peer: 'sip:carol@example.net',
      peerName: null,
      contact: null,
      type: 'text/plain',
      text: 'Lunch?',
      state: 'sending',
      reason: null,
    } as const;
    const told = (state: PhoneState, params: StoredMessageInfo) =>
      reduce(state, { type: 'event', event: 'message.changed', params });
    const loaded = reduce(initialState, { type: 'loaded', lists: { messages: [] } });
    let state = told(told(loaded, message), { ...message, state: 'sent' });
    expect(state.messages).toMatchObject([{ id: 'm1', state: 'sent' }]);
    expect(state.notice).toBeUndefined();
    const answer = { ...message, id: 'm2', direction: 'in', text: 'At one' } as const;
    state = told(state, { ...answer, state: 'received' });
    expect(state.messages?.map(({ text }) => text)).toEqual(['At one', 'Lunch?']);
    expect(state.notice?.text).toBe('carol: At one');
    // Before anybody has looked, the list is not there; the notice is.
    expect(told(initialState, { ...answer, state: 'received' })).toMatchObject({
      messages: undefined,
      notice: { text: 'carol: At one' },
    });
  });

  it('keeps what it knew while the daemon is away', () => {
    const state = reduce(withCalls(callInfo()), { type: 'lost', reason: 'closed' });
    expect(state.daemon).toEqual({ state: 'lost', reason: 'closed' });
    expect(state.calls).toHaveLength(1);
  });
});

describe('who it is', () => {
  it.each([
    ['sip:200@pbx.example', 'sip:100@pbx.example', '200'],
    ['sip:200@PBX.example:5060;transport=tcp', 'sip:100@pbx.example:5062', '200'],
    ['sip:200@[2001:db8::1]:5060', 'sip:100@[2001:db8::1]', '200'],
    ['sip:200@evil.example', 'sip:100@pbx.example', '200@evil.example'],
    ['sip:pbx.example', 'sip:100@pbx.example', 'pbx.example'],
    ['tel:+4930123', 'sip:100@pbx.example', 'tel:+4930123'],
  ])('%s at a line %s: %s', (uri, account, shown) => {
    expect(shortUri(uri, account)).toBe(shown);
  });
});

describe('the call that keys are about', () => {
  const talking = callInfo({ id: 'talking' });
  const held = callInfo({ id: 'held', held: true });
  const ringing = callInfo({ id: 'ringing', state: 'incoming', answeredAt: null });

  it.each([
    ['the chosen one', [ringing, talking, held], 'held', 'held'],
    ['one that rings', [talking, ringing], undefined, 'ringing'],
    ['one that is talked on', [talking, held], undefined, 'talking'],
    ['the last one', [held], 'gone', 'held'],
  ])('is %s', (_name, calls, chosen, id) => {
    expect(focusOf(calls, chosen)?.id).toBe(id);
  });
});
