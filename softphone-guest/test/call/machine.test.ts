import { describe, expect, it } from 'vitest';
import { step } from '../../src/call/machine.ts';
import { newCall, type Call, type CallEffect, type CallInput } from '../../src/call/model.ts';

const BUSY = { by: 'remote', status: 486, reason: 'busy' } as const;

function call(direction: Call['direction'], more: Partial<Call> = {}): Call {
  return {
    ...newCall({
      id: 'c1',
      sipCallId: 'c1@example.com',
      account: 'sip:alice@example.com',
      direction,
      remote: { uri: 'sip:bob@example.com' },
      at: 1000,
    }),
    ...more,
  };
}

function play(start: Call, ...inputs: readonly CallInput[]): { call: Call; effects: CallEffect[] } {
  const effects: CallEffect[] = [];
  let current = start;
  for (const input of inputs) {
    const next = step(current, input, 2000);
    current = next.call;
    effects.push(...next.effects);
  }
  return { call: current, effects };
}

const established: CallInput = { type: 'sip-established', remoteIdentity: 'sip:bob@example.com' };
const talking = call('outgoing', { phase: 'established', answeredAt: 1500 });

describe('an outgoing call', () => {
  it('dials, rings, and is established when it is answered', () => {
    const { call: ringing } = play(call('outgoing'), { type: 'sip-progress', state: 'ringing' });
    expect(ringing.phase).toBe('ringing');
    expect(play(ringing, established).call).toMatchObject({
      phase: 'established',
      answeredAt: 2000,
    });
  });

  it('stays in early media when a 180 follows a 183', () => {
    const { call: early } = play(
      call('outgoing'),
      { type: 'sip-progress', state: 'early' },
      { type: 'sip-progress', state: 'ringing' },
    );
    expect(early.phase).toBe('early');
  });

  it('takes no notice of a 180 that comes after the answer', () => {
    const { call: after } = play(talking, { type: 'sip-progress', state: 'ringing' });
    expect(after.phase).toBe('established');
  });

  it('remembers why it failed', () => {
    const { call: over, effects } = play(call('outgoing'), { type: 'sip-ended', end: BUSY });
    expect(over).toMatchObject({ phase: 'ended', end: BUSY, endedAt: 2000, answeredAt: undefined });
    expect(effects).toEqual([{ type: 'finish' }]);
  });

  it('cannot be answered or rejected', () => {
    expect(() => play(call('outgoing'), { type: 'answer' })).toThrow('cannot answer call c1');
    expect(() => play(call('outgoing'), { type: 'reject', status: 486 })).toThrow('it is dialing');
  });
});

describe('an incoming call', () => {
  it('is answered once, however often one asks', () => {
    const { call: taken, effects } = play(call('incoming'), { type: 'answer' }, { type: 'answer' });
    expect(effects).toEqual([{ type: 'sip-answer' }]);
    expect(play(taken, established).call.phase).toBe('established');
  });

  it('is rejected with the status that was asked for, and as busy by hanging up', () => {
    expect(play(call('incoming'), { type: 'reject', status: 603 }).effects).toEqual([
      { type: 'sip-reject', status: 603 },
    ]);
    expect(play(call('incoming'), { type: 'hangup' }).effects).toEqual([
      { type: 'sip-reject', status: 486 },
    ]);
  });

  it('is ending when there can be no answer', () => {
    const { call: failed } = play(
      call('incoming'),
      { type: 'answer' },
      { type: 'answer-failed' },
      established,
    );
    expect(failed.phase).toBe('ending');
  });
});

describe('hold', () => {
  it('cuts the microphone at once and is in force when the peer agrees', () => {
    const asked = play(talking, { type: 'hold' });
    expect(asked.effects).toEqual([
      { type: 'set-mute', muted: true },
      { type: 'set-direction', direction: 'sendonly' },
      { type: 'renegotiate' },
    ]);
    expect(asked.call.hold).toEqual({ wanted: true, inForce: false });
    const agreed = play(asked.call, { type: 'negotiated' });
    expect(agreed.call.hold).toEqual({ wanted: true, inForce: true });
    expect(agreed.effects).toEqual([]);
  });

  it('is inactive when the peer holds too', () => {
    const { effects } = play({ ...talking, remoteHeld: true }, { type: 'hold' });
    expect(effects).toContainEqual({ type: 'set-direction', direction: 'inactive' });
  });

  it('opens the microphone only when the peer has agreed to the resumption', () => {
    const held: Call = { ...talking, hold: { wanted: true, inForce: true } };
    const asked = play(held, { type: 'resume' });
    expect(asked.effects).toEqual([
      { type: 'set-direction', direction: 'sendrecv' },
      { type: 'renegotiate' },
    ]);
    expect(play(asked.call, { type: 'negotiated' }).effects).toEqual([
      { type: 'set-mute', muted: false },
    ]);
  });

  it('is taken back when the peer refuses', () => {
    const { call: refused, effects } = play(
      talking,
      { type: 'hold' },
      { type: 'negotiation-failed' },
    );
    expect(refused.hold).toEqual({ wanted: false, inForce: false });
    expect(effects.slice(3)).toEqual([
      { type: 'set-direction', direction: 'sendrecv' },
      { type: 'set-mute', muted: false },
    ]);
  });

  it('waits for an offer that is out, and is offered after it', () => {
    const { call: both, effects } = play(talking, { type: 'hold' }, { type: 'resume' });
    expect(both.negotiation).toBe('again');
    expect(effects.filter((one) => one.type === 'renegotiate')).toHaveLength(1);
    const next = play(both, { type: 'negotiated' });
    expect(next.effects).toEqual([
      { type: 'set-direction', direction: 'sendrecv' },
      { type: 'renegotiate' },
    ]);
  });

  it('keeps a microphone shut that the person has muted', () => {
    const held: Call = { ...talking, muted: true, hold: { wanted: true, inForce: true } };
    expect(play(held, { type: 'resume' }, { type: 'negotiated' }).effects).not.toContainEqual({
      type: 'set-mute',
      muted: false,
    });
  });

  it('is for established calls', () => {
    expect(() => play(call('outgoing'), { type: 'hold' })).toThrow('cannot hold call c1');
  });
});

describe('the peer’s hold', () => {
  it.each([
    ['sendonly', true],
    ['inactive', true],
    ['recvonly', false],
    ['sendrecv', false],
  ] as const)('%s: %s', (remoteDirection, held) => {
    const { call: changed } = play(talking, {
      type: 'media-changed',
      remoteDirection,
      locallyMuted: false,
    });
    expect(changed.remoteHeld).toBe(held);
  });

  it('is not read into the answer to our own hold', () => {
    const { call: changed } = play(
      talking,
      { type: 'hold' },
      { type: 'media-changed', remoteDirection: 'inactive', locallyMuted: false },
    );
    expect(changed.remoteHeld).toBe(false);
  });
});

describe('mute', () => {
  it('silences, and opens again', () => {
    expect(
      play(talking, { type: 'mute', muted: true }, { type: 'mute', muted: false }).effects,
    ).toEqual([
      { type: 'set-mute', muted: true },
      { type: 'set-mute', muted: false },
    ]);
  });

  it('is remembered while the call is held', () => {
    const held: Call = { ...talking, hold: { wanted: true, inForce: true } };
    const { call: muted, effects } = play(held, { type: 'mute', muted: true });
    expect([muted.muted, effects]).toEqual([true, []]);
  });
});

describe('an engine that has lost the session', () => {
  it('has it built anew by re-INVITE in an established call', () => {
    expect(play(talking, { type: 'media-lost' }).effects).toEqual([
      { type: 'rebuild-media' },
      { type: 'set-direction', direction: 'sendrecv' },
      { type: 'renegotiate' },
    ]);
  });

  it('waits for the answer in a call that is being set up', () => {
    const { call: waiting, effects } = play(call('outgoing'), { type: 'media-lost' });
    expect(effects).toEqual([]);
    expect(play(waiting, established).effects.map((one) => one.type)).toEqual([
      'rebuild-media',
      'set-direction',
      'renegotiate',
    ]);
  });

  it('tries once more when the offer that was out fails with it', () => {
    const { call: both } = play(talking, { type: 'hold' }, { type: 'media-lost' });
    expect(play(both, { type: 'negotiation-failed' }).effects).toContainEqual({
      type: 'renegotiate',
    });
  });
});

describe('the end', () => {
  const over = play(talking, {
    type: 'sip-ended',
    end: { by: 'remote', status: 200, reason: '' },
  }).call;

  it('comes once', () => {
    expect(play(over, { type: 'sip-ended', end: BUSY }).effects).toEqual([]);
    expect(play(over, { type: 'hangup' }).effects).toEqual([]);
  });

  it.each<CallInput>([
    established,
    { type: 'sip-progress', state: 'ringing' },
    { type: 'media-lost' },
    { type: 'media-stale' },
    { type: 'media-hangup' },
    { type: 'negotiated' },
    { type: 'negotiation-failed' },
  ])('is not undone by a late $type', (input) => {
    expect(play(over, input)).toEqual({ call: over, effects: [] });
  });

  it('is asked for by hanging up at the thin client too', () => {
    expect(play(talking, { type: 'media-hangup' }).effects).toEqual([{ type: 'sip-hangup' }]);
  });
});
