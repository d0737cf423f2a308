import type { EndedSession, SessionState, WillResult } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { reconcile as reconcileAll, type DesiredSession } from '../src/reconcile.ts';

function has(id: string, revision: number, more: Partial<SessionState> = {}): SessionState {
  return {
    id,
    revision,
    state: 'active',
    muted: false,
    locallyMuted: false,
    label: '',
    openedAt: 0,
    ...more,
  };
}

function wants(id: string, revision: number, more: Partial<DesiredSession> = {}): DesiredSession {
  return { id, revision, inFlight: false, leftOver: false, muted: false, ...more };
}

function reconcile(
  sessions: readonly DesiredSession[],
  found: readonly SessionState[],
  ended: readonly EndedSession[] = [],
  journal: 'healthy' | 'lost' = 'healthy',
) {
  return reconcileAll({ sessions, journal }, { sessions: found, ended });
}

describe('reconcile', () => {
  it('adopts a session of the same revision', () => {
    const session = has('a', 3);
    expect(reconcile([wants('a', 3)], [session])).toEqual([{ type: 'adopt', session }]);
  });

  it.each([
    ['older', 2],
    ['newer', 4],
  ])('offers anew when the engine has an %s revision', (_name, revision) => {
    const session = has('a', revision);
    expect(reconcile([wants('a', 3)], [session])).toEqual([
      { type: 'renegotiate', id: 'a', session },
    ]);
  });

  it('offers anew where a description that came to nothing was not taken back', () => {
    const session = has('a', 3, { state: 'offered' });
    expect(reconcile([wants('a', 3)], [session])).toEqual([{ type: 'adopt', session }]);
    expect(reconcile([wants('a', 3, { leftOver: true })], [session])).toEqual([
      { type: 'renegotiate', id: 'a', session },
    ]);
  });

  it('leaves a session alone whose command is on its way: it is repeated', () => {
    const session = has('a', 2);
    expect(reconcile([wants('a', 3, { inFlight: true })], [session])).toEqual([
      { type: 'adopt', session },
    ]);
  });

  it('rebuilds what the engine has not got', () => {
    expect(reconcile([wants('a', 3)], [])).toEqual([{ type: 'rebuild', id: 'a' }]);
  });

  it('hangs up what was hung up at the thin client, and has what nobody knows forgotten', () => {
    const snapshot = [has('a', 2, { state: 'closed' }), has('b', 3, { state: 'closed' })];
    expect(reconcile([wants('a', 3)], snapshot)).toEqual([
      { type: 'hangup', id: 'a', because: 'person' },
      { type: 'close', id: 'b' },
    ]);
  });

  it('misses nothing that was never opened', () => {
    expect(reconcile([wants('a', 0, { inFlight: true })], [])).toEqual([]);
  });

  it('closes what nobody here knows', () => {
    expect(reconcile([], [has('x', 1)])).toEqual([{ type: 'close', id: 'x' }]);
  });

  it('puts a session where the calls are mixed with it, and takes it out', () => {
    expect(reconcile([wants('a', 3, { conference: 'c' })], [has('a', 3)])).toEqual([
      { type: 'adopt', session: has('a', 3) },
      { type: 'conference', id: 'a', conference: 'c' },
    ]);
    const inOne = has('a', 3, { conference: 'c' });
    expect(reconcile([wants('a', 3)], [inOne])).toEqual([
      { type: 'adopt', session: inOne },
      { type: 'conference', id: 'a', conference: undefined },
    ]);
    expect(reconcile([wants('a', 3, { conference: 'c' })], [inOne])).toEqual([
      { type: 'adopt', session: inOne },
    ]);
  });

  it('brings the microphone in line', () => {
    const session = has('a', 3, { muted: false });
    expect(reconcile([wants('a', 3, { muted: true })], [session])).toEqual([
      { type: 'adopt', session },
      { type: 'mute', id: 'a', muted: true },
    ]);
  });

  const ended = (id: string, will?: WillResult): EndedSession => ({
    id,
    label: '',
    endedAt: 1,
    ...(will && { will }),
  });
  const answered = (answer: string) => ({ outcome: 'answered', attempts: 1, answer }) as const;

  it('ends a call whose will the far end has obeyed', () => {
    const end = ended('a', answered('SIP/2.0 200 OK'));
    expect(reconcile([wants('a', 3)], [], [end])).toEqual([
      { type: 'forget', ended: end },
      { type: 'hangup', id: 'a', because: 'will' },
    ]);
  });

  it.each([
    ['that there was none of', undefined],
    ['that the peer refused as out of date', answered('SIP/2.0 500 Request Out Of Order')],
    ['that the PBX wanted a password for', answered('SIP/2.0 407 Proxy Authentication Required')],
    ['that nobody answered', { outcome: 'unanswered', attempts: 11 } as const],
    ['that is on its way', { outcome: 'sending', attempts: 1 } as const],
  ])('tries to save a call with a will %s', (_what, will) => {
    const end = ended('a', will);
    expect(reconcile([wants('a', 3)], [], [end])).toEqual([
      { type: 'forget', ended: end },
      { type: 'rebuild', id: 'a' },
    ]);
  });

  it('forgets ends of calls that are over here, too', () => {
    const end = ended('gone');
    expect(reconcile([], [], [end])).toEqual([{ type: 'forget', ended: end }]);
  });

  it('keeps what a lost journal may have known, unless it was hung up', () => {
    const [live, closed] = [has('x', 1), has('y', 1, { state: 'closed' })];
    expect(reconcile([], [live, closed], [], 'lost')).toEqual([
      { type: 'keep', session: live },
      { type: 'close', id: 'y' },
    ]);
  });

  it('takes the last of two sessions that a confused engine gives one id', () => {
    const [first, last] = [has('a', 1), has('a', 3)];
    expect(reconcile([wants('a', 3)], [first, last])).toEqual([{ type: 'adopt', session: last }]);
    expect(reconcile([], [first, last])).toEqual([{ type: 'close', id: 'a' }]);
  });
});

describe('every case of the table', () => {
  const states = ['absent', 'idle', 'offered', 'active', 'recovering', 'closed'] as const;
  const wanted = ['unknown', 'new', 'settled', 'in flight', 'left over'] as const;
  const cases = states.flatMap((state) =>
    wanted.flatMap((want) =>
      (['older', 'same', 'newer'] as const).flatMap((revision) =>
        (['healthy', 'lost'] as const).map((journal) => ({ state, want, revision, journal })),
      ),
    ),
  );

  /** The table in words, read off by what matters first. */
  function expected({ state, want, revision, journal }: (typeof cases)[number]): string {
    if (want === 'unknown') {
      if (state === 'absent') return 'nothing';
      return journal === 'lost' && state !== 'closed' ? 'keep' : 'close';
    }
    if (state === 'absent') return want === 'new' ? 'nothing' : 'rebuild';
    if (state === 'closed') return 'hangup';
    if (want === 'in flight' || want === 'new') return 'adopt';
    return want === 'settled' && revision === 'same' ? 'adopt' : 'renegotiate';
  }

  it.each(cases)('$want here, $revision and $state there, journal $journal', (one) => {
    const { state, want, revision, journal } = one;
    const ours = want === 'new' ? 0 : 5;
    const theirs = 5 + { older: -1, same: 0, newer: 1 }[revision];
    const found = state === 'absent' ? [] : [has('a', theirs, { state })];
    const inFlight = want === 'in flight' || want === 'new';
    const desired =
      want === 'unknown' ? [] : [wants('a', ours, { inFlight, leftOver: want === 'left over' })];
    const types = reconcile(desired, found, [], journal).map(({ type }) => type);
    expect(types).toEqual(expected(one) === 'nothing' ? [] : [expected(one)]);
  });
});
