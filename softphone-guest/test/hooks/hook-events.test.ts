import { describe, expect, it } from 'vitest';
import { HookEvents } from '../../src/hooks/hook-events.ts';
import { callInfo } from '../tui/call-info.ts';

describe('HookEvents', () => {
  it('has a call ring, be answered and end once each', () => {
    const events = new HookEvents();
    const incoming = callInfo({ direction: 'incoming', state: 'incoming', answeredAt: null });
    expect(events.of('call.changed', incoming)).toEqual(['call.incoming']);
    expect(events.of('call.changed', { ...incoming, silentMs: 9 })).toEqual([]);
    expect(events.of('call.changed', { ...incoming, state: 'answering' })).toEqual([]);
    const talking = callInfo({ direction: 'incoming' });
    expect(events.of('call.changed', talking)).toEqual(['call.answered']);
    expect(events.of('call.changed', { ...talking, held: true })).toEqual([]);
    expect(events.of('call.ended', { ...talking, state: 'ended' })).toEqual(['call.ended']);
  });

  it('tells a missed call as ended and as missed', () => {
    const missed = callInfo({ direction: 'incoming', state: 'ended', answeredAt: null });
    expect(new HookEvents().of('call.ended', missed)).toEqual(['call.ended', 'call.missed']);
  });

  it('tells each step of a recording once', () => {
    const events = new HookEvents();
    const call = callInfo();
    const one = { file: 'a.wav', startedAt: call.startedAt, seconds: null, end: null };
    events.of('call.changed', call);
    const recorded = { ...call, recording: 'recording' as const, recordings: [one] };
    expect(events.of('call.changed', recorded)).toEqual(['call.recording']);
    expect(events.of('call.changed', { ...recorded, held: true })).toEqual([]);
    const paused = { ...recorded, recording: 'paused' as const };
    expect(events.of('call.changed', paused)).toEqual(['call.recording']);
    const over = { ...recorded, recordings: [{ ...one, seconds: 3, end: 'call-ended' as const }] };
    const ended = { ...over, recording: null, state: 'ended' as const };
    expect(events.of('call.changed', ended)).toEqual(['call.recording']);
    expect(events.of('call.ended', ended)).toEqual(['call.ended']);
  });

  it('passes on what has a name of its own, and nothing else', () => {
    const events = new HookEvents();
    expect(events.of('dtmf', { call: 'a', digit: '1', durationMs: 100 })).toEqual(['dtmf']);
    expect(events.of('stats', { calls: [] })).toEqual([]);
  });
});
