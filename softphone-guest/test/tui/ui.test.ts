import { describe, expect, it } from 'vitest';
import type { Effect, PhoneActions } from '../../src/tui/actions.ts';
import { keyTable, type Key } from '../../src/tui/keys.ts';
import { views } from '../../src/tui/lists.ts';
import { initialState, type PhoneState } from '../../src/tui/state.ts';
import { initialUi, offered, paste, press, type Ui } from '../../src/tui/ui.ts';
import { callInfo } from './call-info.ts';

const connected: PhoneState = { ...initialState, daemon: { state: 'connected' } };
const ENTER: Key = { return: true };
const ESCAPE: Key = { escape: true };
const DOWN: Key = { downArrow: true };
const TAB: Key = { tab: true };

/** Presses keys one after the other: letters, or named ones. */
function play(state: PhoneState, ...keys: readonly (string | Key)[]): { ui: Ui; done: string[] } {
  const effects: Effect[] = [];
  let ui = initialUi;
  for (const key of keys) {
    const step = typeof key === 'string' ? press(ui, state, key, {}) : press(ui, state, '', key);
    ui = step.ui;
    effects.push(...step.effects);
  }
  return { ui, done: done(effects) };
}

/** What effects ask for. */
function done(effects: readonly Effect[]): string[] {
  const asked: string[] = [];
  const actions = new Proxy({} as PhoneActions, {
    get:
      (_target, name) =>
      (...values: unknown[]) => {
        if (name !== 'dismiss') asked.push([String(name), ...values].join(' ').trim());
      },
  });
  for (const effect of effects) effect(actions);
  return asked;
}

const repeat = (key: Key, count: number) => Array.from({ length: count }, () => key);

const history = [
  callInfo({ id: 'h1', direction: 'incoming', answeredAt: null, remote: 'sip:030@x' }),
  callInfo({ id: 'h2', remote: 'sip:carol@x' }),
];

describe('views', () => {
  it('come in turn with Tab, and back with Escape', () => {
    const seen = views.map((_view, index) => play(connected, ...repeat(TAB, index + 1)).ui.view);
    expect(seen).toEqual(['history', 'contacts', 'messages', 'lamps', 'quality', 'calls']);
    expect(play(connected, TAB, ESCAPE).ui.view).toBe('calls');
  });

  it('fetch what they show', () => {
    expect(play(connected, 'y', 'c', 'e', 'p', 'v').done).toEqual([
      'load history',
      'load contacts',
      'load messages',
    ]);
  });
});

describe('a list', () => {
  const state: PhoneState = { ...connected, history };

  it('calls the chosen line, and shows the calls then', () => {
    const { ui, done } = play(state, 'y', DOWN, ENTER);
    expect(done).toEqual(['load history', 'dial sip:carol@x sip:alice@example.net']);
    expect(ui.view).toBe('calls');
  });

  it('ends at its first and last line', () => {
    expect(play(state, 'y', 'k').ui.row).toBe(0);
    expect(play(state, 'y', 'j', 'j', 'j').ui.row).toBe(1);
  });

  it('is shortened by what is typed', () => {
    expect(play(state, 'y', 'f', 'c', 'a', 'r', ENTER).done.at(-1)).toMatch(/^dial sip:carol@x /);
    expect(play(state, 'y', 'f', 'z', ENTER).done).toEqual(['load history']);
    expect(play(state, 'y', 'f', 'z', ESCAPE).ui.find).toBe('');
  });

  it('keeps the chosen line when another comes before it', () => {
    const { ui } = play(state, 'y', DOWN);
    const later = { ...state, history: [callInfo({ id: 'h0' }), ...history] };
    const step = press(ui, later, '', ENTER);
    expect(done(step.effects)).toEqual([expect.stringMatching(/^dial sip:carol@x /)]);
  });

  it('does nothing while it is being fetched', () => {
    expect(play(connected, 'y', 'j', ENTER).done).toEqual(['load history']);
  });

  it('leaves the keys for calls as they are', () => {
    expect(play({ ...state, calls: [callInfo()] }, 'y', 'h').done.at(-1)).toBe('hold c1 true');
  });
});

describe('lamps', () => {
  const lamp = (target: string, state: 'free' | 'ringing') => ({
    target,
    name: null,
    account: 'sip:alice@x',
    event: 'dialog' as const,
    state,
    note: null,
    trouble: null,
  });
  const state: PhoneState = {
    ...connected,
    lamps: [lamp('sip:bob@x', 'free'), lamp('sip:carol@x', 'ringing')],
  };
  const picked = ['pickup [object Object]'];

  it('are called, or picked up when they ring', () => {
    expect(play(state, 'p', ENTER).done).toEqual(['dial sip:bob@x sip:alice@x']);
    expect(play(state, 'p', DOWN, ENTER).done).toEqual(picked);
  });

  it('are picked up by one key from anywhere', () => {
    expect(play(state, 'u').done).toEqual(picked);
    expect(offered(initialUi, state)).toContain('pickup');
    expect(play(connected, 'u').done).toEqual([]);
  });
});

describe('a text message', () => {
  it('goes to the chosen line, by the line that it came by', () => {
    expect(play({ ...connected, history }, 'y', 'w', 'On my way', ENTER).done.at(-1)).toBe(
      'message sip:030@x On my way sip:alice@example.net',
    );
  });

  it('goes to the other party of a call', () => {
    expect(play({ ...connected, calls: [callInfo()] }, 'w', 'hm', ENTER).done).toEqual([
      'message sip:bob@example.com hm sip:alice@example.net',
    ]);
  });

  it('asks whom it is for when nothing is chosen, and is not sent empty', () => {
    expect(play(connected, 'w', 'carol', ENTER, 'Lunch?', ENTER).done).toEqual([
      'message carol Lunch?',
    ]);
    expect(play(connected, 'w', 'carol', ENTER, ENTER).done).toEqual([]);
    expect(play(connected, 'w', ENTER).ui.field).toBeUndefined();
  });
});

describe('the palette', () => {
  it('does what its words say', () => {
    const state = { ...connected, calls: [callInfo()] };
    expect(play(state, ':', 'h', 'a', 'n', 'g', ENTER).done).toEqual(['load devices', 'hangup c1']);
  });

  it('registers lines and chooses devices', () => {
    const state: PhoneState = {
      ...connected,
      accounts: [
        {
          aor: 'sip:alice@x',
          displayName: null,
          state: 'registered',
          registrar: null,
          expiresAt: null,
          status: null,
          reason: null,
          retryAt: null,
        },
      ],
      devices: {
        devices: [{ id: 'd1', name: 'Headset', roles: ['input', 'output'], present: true }],
        selected: { input: 'd1', output: 'd0', ringer: 'd0' },
      },
    };
    expect(play(state, ':', 'unreg', ENTER).done.at(-1)).toBe('register sip:alice@x false');
    expect(play(state, ':', 'headset', ENTER).done.at(-1)).toBe('selectDevice output d1');
  });

  it('chooses with arrows, and never beyond its end', () => {
    const many = play(connected, ':', ...repeat(DOWN, 99)).ui.field?.row ?? 0;
    expect(many).toBeGreaterThan(3);
    expect(many).toBeLessThan(keyTable.length);
  });

  it('does nothing for words that nothing has', () => {
    expect(play(connected, ':', 'zzz', ENTER)).toMatchObject({ done: ['load devices'] });
  });
});

describe('keys', () => {
  it('have one meaning each', () => {
    const letters = keyTable.flatMap(({ characters }) => characters.split(''));
    expect(new Set(letters).size).toBe(letters.length);
    const named = keyTable.flatMap(({ named: name }) => name ?? []);
    expect(new Set(named).size).toBe(named.length);
    const control = keyTable.flatMap(({ control: letter }) => letter ?? []);
    expect(new Set(control).size).toBe(control.length);
  });

  it('that are offered are those that do something', () => {
    expect([...offered(initialUi, initialState)]).toEqual(['help', 'quit']);
    expect(offered({ ...initialUi, view: 'history' }, connected)).toContain('find');
  });
});

describe('keys that come in one piece', () => {
  it('are pressed one after the other, and text is text', () => {
    const state = { ...connected, calls: [callInfo()] };
    expect(play(state, 'mh').done).toEqual(['mute c1 true', 'hold c1 true']);
    expect(play(connected, 'd0301234567890\r').done).toEqual(['dial 0301234567890']);
    expect(play(connected, 'ykf').ui).toMatchObject({ view: 'history', finding: true });
  });

  it('are not played when no hand can have typed them', () => {
    const state = { ...connected, calls: [callInfo()] };
    expect(play(state, 'hxmxhxmxh')).toMatchObject({ ui: initialUi, done: [] });
  });
});

describe('the clipboard', () => {
  it('goes where text goes, without control characters', () => {
    expect(paste(initialUi, ' 030\n12 ').field).toMatchObject({ kind: 'dial', text: '03012' });
    expect(paste({ ...initialUi, view: 'history', finding: true }, 'bob').find).toBe('bob');
    expect(paste({ ...initialUi, help: true }, 'bob').field).toBeUndefined();
  });
});
