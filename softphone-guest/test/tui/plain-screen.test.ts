import { describe, expect, it } from 'vitest';
import type { PhoneActions } from '../../src/tui/actions.ts';
import { keyTable } from '../../src/tui/keys.ts';
import { PlainScreen } from '../../src/tui/plain/plain-screen.ts';
import { initialState, type PhoneState } from '../../src/tui/state.ts';
import { callInfo } from './call-info.ts';

const connected: PhoneState = { ...initialState, daemon: { state: 'connected' } };

function open(start: PhoneState = connected) {
  let state = start;
  const listeners = new Set<() => void>();
  const said: string[] = [];
  const done: string[] = [];
  const actions = new Proxy({} as PhoneActions, {
    get:
      (_target, name) =>
      (...values: unknown[]) => {
        if (name !== 'dismiss') done.push([String(name), ...values].join(' '));
      },
  });
  const screen = new PlainScreen({
    store: {
      getState: () => state,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    actions,
    say: (line) => said.push(line),
  });
  said.length = 0;
  return {
    screen,
    said,
    done,
    put: (more: Partial<PhoneState>) => {
      state = { ...state, ...more };
      for (const listener of listeners) listener();
    },
  };
}

const ringing = callInfo({ state: 'incoming', answeredAt: null, remoteName: 'Bob\u001b[2J' });

describe('the plain screen', () => {
  it('says once that a call comes in, and how to take it', () => {
    const { put, said, screen, done } = open();
    put({ calls: [ringing] });
    put({ calls: [{ ...ringing, silentMs: 1 }] });
    expect(said).toEqual([
      expect.stringMatching(/^Incoming call from Bob.\[2J <bob@example.com>\. a/),
    ]);
    screen.line('a');
    expect(done).toEqual(['answer c1']);
  });

  it('says that a call is recorded, that it is paused, and why it has ended', () => {
    const call = callInfo();
    const { put, said } = open({ ...connected, calls: [call] });
    const one = { file: 'a.wav', startedAt: call.startedAt, seconds: null, end: null };
    for (const recording of ['recording', 'paused', 'recording'] as const)
      put({ calls: [{ ...call, recording, recordings: [one] }] });
    put({ calls: [{ ...call, recordings: [{ ...one, seconds: 1, end: 'guest' }] }] });
    put({ calls: [{ ...call, recording: 'recording', recordings: [one] }] });
    put({ calls: [{ ...call, recordings: [{ ...one, seconds: 1, end: 'disk-full' }] }] });
    expect(said.map((line) => line.replace(/^.*: (?=is|rec)/u, ''))).toEqual([
      'is being recorded',
      'recording is paused',
      'is being recorded',
      'is not recorded any more',
      'is being recorded',
      'recording ended: the disk is full',
    ]);
  });

  it('says what becomes of a call', () => {
    const { put, said } = open({ ...connected, calls: [callInfo({ state: 'ringing' })] });
    put({ calls: [callInfo()] });
    put({ calls: [callInfo({ held: true, muted: true })] });
    put({ calls: [callInfo({ held: false, muted: true })] });
    expect(said).toEqual([
      'bob@example.com: talking',
      'bob@example.com: on hold, muted',
      'bob@example.com: off hold',
    ]);
  });

  it('is silent while only figures change', () => {
    const { put, said } = open({ ...connected, calls: [callInfo()] });
    put({ calls: [callInfo({ silentMs: 0 })], samples: {} });
    expect(said).toEqual([]);
  });

  it('takes a key with what belongs to it, or the name of the key', () => {
    const { screen, done } = open({ ...connected, calls: [callInfo()] });
    for (const line of ['d 030 123', 'transfer 200', 'h', 'mute', '12#']) screen.line(line);
    expect(done).toEqual([
      'dial 030 123',
      'transfer c1 [object Object]',
      'hold c1 true',
      'mute c1 true',
      'dtmf c1 1',
      'dtmf c1 2',
      'dtmf c1 #',
    ]);
  });

  it('dials a number that is typed alone when there is no call', () => {
    const { screen, done } = open();
    screen.line('030123');
    expect(done).toEqual(['dial 030123']);
  });

  it('reads lists, moves in them, and calls with an empty line', () => {
    const history = [callInfo({ id: 'a' }), callInfo({ id: 'b', remote: 'sip:carol@example.com' })];
    const { screen, said, done } = open({ ...connected, history });
    screen.line('history');
    expect(said).toEqual([
      'History',
      expect.stringContaining('bob@example.com'),
      expect.stringContaining('carol@example.com'),
    ]);
    screen.line('j');
    expect(said.at(-1)).toContain('carol@example.com');
    screen.line('');
    expect(done.at(-1)).toMatch(/^dial sip:carol@example.com /);
  });

  it('reads how things stand, and every key', () => {
    const { screen, said } = open({ ...connected, calls: [callInfo()] });
    screen.line('=');
    expect(said).toEqual(['bob@example.com: talking']);
    screen.line('?');
    const keys = keyTable.filter(({ characters }) => characters.length === 1);
    for (const { label } of keys) expect(said.join('\n')).toContain(label);
  });

  const lamp = {
    target: 'sip:carol@example.com',
    name: 'Carol',
    account: 'sip:alice@example.com',
    event: 'dialog',
    state: 'free',
    note: null,
    trouble: null,
  } as const;

  it('says that a watched phone rings, reads the lamps, and picks up', () => {
    const { put, screen, said, done } = open({ ...connected, lamps: [lamp] });
    put({ lamps: [{ ...lamp, state: 'ringing' }] });
    expect(said).toEqual(['Carol rings. p reads the lamps; Enter at it picks up.']);
    screen.line('p');
    expect(said.slice(1)).toEqual(['Lamps', expect.stringMatching(/^Carol, RINGING/)]);
    screen.line('');
    expect(done.at(-1)).toMatch(/^pickup/);
    put({ lamps: [{ ...lamp, state: 'busy' }] });
    expect(said.filter((line) => line.startsWith('Carol rings'))).toHaveLength(1);
  });

  it('sends a text message to whoever is chosen, or is talked with', () => {
    const { screen, done } = open({ ...connected, calls: [callInfo()], lamps: [lamp] });
    screen.line('w are you there?');
    expect(done.at(-1)).toMatch(/^message sip:bob@example\.com are you there\?/);
    screen.line('lamps');
    screen.line('write call me');
    expect(done.at(-1)).toMatch(/^message sip:carol@example\.com call me/);
  });

  it('reads the messages when they have been fetched', () => {
    const { put, screen, said } = open();
    screen.line('messages');
    expect(said.at(-1)).toContain('fetching');
    put({ messages: [] });
    expect(said.at(-1)).toMatch(/^No messages/);
  });

  it('leaves with q', () => {
    const { screen, done } = open();
    screen.line('q');
    expect(done).toEqual(['quit']);
  });
});
