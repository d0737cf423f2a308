import type { SessionState } from '@offhook/media-rpc';
import { describe, expect, it } from 'vitest';
import { reconcile, type DesiredSession } from '../src/reconcile.ts';

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
      { type: 'hangup', id: 'a' },
      { type: 'close', id: 'b' },
    ]);
  });

  it('misses nothing that was never opened', () => {
    expect(reconcile([wants('a', 0, { inFlight: true })], [])).toEqual([]);
  });

  it('closes what nobody here knows', () => {
    expect(reconcile([], [has('x', 1)])).toEqual([{ type: 'close', id: 'x' }]);
  });

  it('brings the microphone in line', () => {
    const session = has('a', 3, { muted: false });
    expect(reconcile([wants('a', 3, { muted: true })], [session])).toEqual([
      { type: 'adopt', session },
      { type: 'mute', id: 'a', muted: true },
    ]);
  });
});
