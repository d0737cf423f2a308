import { describe, expect, it } from 'vitest';
import {
  initialRegistration,
  registrationStep,
  type Registration,
  type RegistrationEffect,
  type RegistrationInput,
} from '../../src/ua/registration/registration.ts';

const config = { registrars: ['sip:one', 'sip:two'], expires: 300 };

/** Runs inputs from the beginning; the effects of the last, and where it ends. */
function run(
  inputs: readonly RegistrationInput[],
  around = { wall: 1000, random: 0 },
): { at: Registration; effects: readonly RegistrationEffect[] } {
  let at = initialRegistration;
  let effects: readonly RegistrationEffect[] = [];
  for (const input of inputs) ({ next: at, effects } = registrationStep(config, at, input, around));
  return { at, effects };
}

const accepted: RegistrationInput = { type: 'accepted', seconds: 100 };
const unreachable: RegistrationInput = { type: 'unreachable', reason: 'no answer' };

describe('the registration machine', () => {
  it('registers at the first registrar', () => {
    expect(run([{ type: 'start' }]).effects).toEqual([
      { type: 'report', state: { state: 'registering' } },
      { type: 'disarm' },
      { type: 'register', registrar: 'sip:one', seconds: 300 },
    ]);
  });

  it('refreshes between half and three quarters of the time, at the registrar that took it', () => {
    for (const [random, ms] of [
      [0, 50_000],
      [0.999, 74_975],
    ] as const) {
      const { effects } = run([{ type: 'start' }, unreachable, accepted], { wall: 0, random });
      expect(effects[0]).toEqual({ type: 'arm', ms: expect.closeTo(ms, 0) });
    }
    const { effects } = run([{ type: 'start' }, unreachable, accepted, { type: 'timer' }]);
    expect(effects).toContainEqual({ type: 'register', registrar: 'sip:two', seconds: 300 });
  });

  it.each([
    ['at once', 0, { type: 'register', registrar: 'sip:one', seconds: 300 }],
    ['later', 60, { type: 'arm', ms: 60_000 }],
    [
      'not by itself',
      undefined,
      { type: 'report', state: { state: 'failed', status: 0, reason: 'logged out' } },
    ],
  ])('comes back %s when the registrar has taken the binding', (_what, retryAfter, effect) => {
    const removed: RegistrationInput = { type: 'removed', reason: 'logged out', retryAfter };
    expect(run([{ type: 'start' }, accepted, removed]).effects).toContainEqual(effect);
    expect(run([{ type: 'start' }, removed]).effects).toEqual([]);
  });

  it('tries the other registrar before it waits', () => {
    expect(run([{ type: 'start' }, unreachable]).effects).toContainEqual({
      type: 'register',
      registrar: 'sip:two',
      seconds: 300,
    });
    expect(run([{ type: 'start' }, unreachable, unreachable]).effects).toEqual([
      { type: 'arm', ms: 4000 },
      {
        type: 'report',
        state: { state: 'failed', status: 0, reason: 'no answer', retryAt: 5000 },
      },
    ]);
  });

  it('never waits longer than half an hour', () => {
    const round: RegistrationInput[] = [unreachable, unreachable, { type: 'timer' }];
    const rounds = Array.from({ length: 20 }, () => round).flat();
    const { effects } = run([{ type: 'start' }, ...rounds.slice(0, -1)], {
      wall: 0,
      random: 0.9999,
    });
    const arm = effects.find((effect) => effect.type === 'arm');
    expect(arm?.ms).toBeLessThanOrEqual(1_800_000);
    expect(arm?.ms).toBeGreaterThan(1_700_000);
  });

  it.each([401, 403, 407])('waits for the user after a %i', (status) => {
    const refused: RegistrationInput = { type: 'refused', status, reason: 'wrong password' };
    const { at, effects } = run([{ type: 'start' }, refused]);
    expect(at.phase.name).toBe('stopped');
    expect(effects).toContainEqual({
      type: 'report',
      state: { state: 'failed', status, reason: 'wrong password' },
    });
    for (const input of [{ type: 'timer' }, { type: 'flow-lost' }] as const) {
      expect(registrationStep(config, at, input, { wall: 0, random: 0 }).effects).toEqual([]);
    }
    expect(
      registrationStep(config, at, { type: 'start' }, { wall: 0, random: 0 }).effects,
    ).toContainEqual({ type: 'register', registrar: 'sip:one', seconds: 300 });
  });

  it('registers again at once when its connection is lost, and does not wait on', () => {
    expect(run([{ type: 'start' }, accepted, { type: 'flow-lost' }]).effects).toContainEqual({
      type: 'register',
      registrar: 'sip:one',
      seconds: 300,
    });
    const { at, effects } = run([
      { type: 'start' },
      unreachable,
      unreachable,
      { type: 'flow-lost' },
    ]);
    expect(effects).toContainEqual({ type: 'register', registrar: 'sip:one', seconds: 300 });
    expect(at.failures).toBe(0);
  });

  it('does not believe a Min-Expires that is no longer than what it asked for', () => {
    const refused: RegistrationInput = {
      type: 'refused',
      status: 423,
      reason: 'too brief',
      minExpires: 60,
    };
    expect(run([{ type: 'start' }, refused]).effects).toContainEqual({
      type: 'register',
      registrar: 'sip:two',
      seconds: 300,
    });
  });

  it('leaves where it is registered, and has nothing to leave otherwise', () => {
    expect(run([{ type: 'start' }, accepted, { type: 'stop' }]).effects).toEqual([
      { type: 'disarm' },
      { type: 'unregister', registrar: 'sip:one' },
    ]);
    const left = [{ type: 'disarm' }, { type: 'report', state: { state: 'unregistered' } }];
    expect(run([{ type: 'stop' }]).effects).toEqual(left);
    expect(run([{ type: 'start' }, accepted, { type: 'stop' }, { type: 'left' }]).effects).toEqual(
      left,
    );
  });

  it('takes no notice of answers that come too late', () => {
    const { at } = run([{ type: 'start' }, accepted]);
    for (const input of [accepted, unreachable, { type: 'left' }] as const) {
      const step = registrationStep(config, at, input, { wall: 0, random: 0 });
      expect(step).toEqual({ next: at, effects: [] });
    }
  });
});
