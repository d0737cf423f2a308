import { describe, expect, it } from 'vitest';
import { newCall, type Call } from '../../src/call/model.ts';
import { countCall, endTone, noCalls, standingTones } from '../../src/call/tones.ts';

function call(id: string, direction: Call['direction'], more: Partial<Call> = {}): Call {
  return {
    ...newCall({
      id,
      sipCallId: id,
      account: 'sip:a@b',
      direction,
      remote: { uri: 'sip:b@b' },
      at: 0,
    }),
    ...more,
  };
}

const kinds = (...calls: Call[]) =>
  standingTones(calls.reduce((counts, one) => countCall(counts, one, 1), noCalls)).map(
    (tone) => tone.kind,
  );

describe('standing tones', () => {
  it('ring for a call that comes in', () => {
    expect(kinds(call('a', 'incoming'))).toEqual(['ring']);
    expect(kinds(call('a', 'incoming', { phase: 'answering' }))).toEqual([]);
  });

  it('only knock beside a conversation, and ring when it is on hold', () => {
    const talking = call('b', 'outgoing', { phase: 'established' });
    expect(kinds(talking, call('a', 'incoming'))).toEqual(['callwaiting']);
    const held = { ...talking, hold: { wanted: true, inForce: true } };
    expect(kinds(held, call('a', 'incoming'))).toEqual(['ring']);
  });

  it('make ringback for a 180, none for early media or before', () => {
    expect(kinds(call('a', 'outgoing', { phase: 'ringing' }))).toEqual(['ringback']);
    expect(kinds(call('a', 'outgoing', { phase: 'early' }))).toEqual([]);
    expect(kinds(call('a', 'outgoing'))).toEqual([]);
  });
});

it('a call that is taken in and out again leaves no trace in the counts', () => {
  for (const phase of ['incoming', 'ringing', 'established', 'answering', 'ended'] as const) {
    const one = call('a', 'incoming', { phase });
    expect(countCall(countCall(noCalls, one, 1), one, -1)).toEqual(noCalls);
  }
});

describe('the tone after a failed call', () => {
  const failed = (status: number, more: Partial<Call> = {}) =>
    call('a', 'outgoing', {
      phase: 'ended',
      end: { by: 'remote', status, reason: '' },
      ...more,
    });

  it.each([
    [486, 'busy'],
    [600, 'busy'],
    [603, 'busy'],
    [404, 'error'],
    [484, 'error'],
    [480, 'congestion'],
    [503, 'congestion'],
  ])('%d: %s', (status, kind) => {
    expect(endTone(failed(status), [])).toMatchObject({ kind, durationMs: 3000 });
  });

  it('is none for calls that were answered, came in, or were given up here', () => {
    expect(endTone(failed(200, { answeredAt: 1 }), [])).toBeUndefined();
    expect(endTone(failed(486, { direction: 'incoming' }), [])).toBeUndefined();
    expect(
      endTone(failed(487, { end: { by: 'local', status: 487, reason: '' } }), []),
    ).toBeUndefined();
  });

  it('is none while another call is there', () => {
    expect(endTone(failed(486), [call('b', 'incoming')])).toBeUndefined();
  });
});
