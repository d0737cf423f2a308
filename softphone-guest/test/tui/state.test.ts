import { describe, expect, it } from 'vitest';
import type { CallInfo } from '../../src/control/schemas.ts';
import { focusOf, initialState, reduce, type PhoneState } from '../../src/tui/state.ts';
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

  it('keeps what it knew while the daemon is away', () => {
    const state = reduce(withCalls(callInfo()), { type: 'lost', reason: 'closed' });
    expect(state.daemon).toEqual({ state: 'lost', reason: 'closed' });
    expect(state.calls).toHaveLength(1);
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
