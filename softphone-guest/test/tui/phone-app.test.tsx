import { cleanup, render } from 'ink-testing-library';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AccountInfo, CallInfo, EngineInfo, MediaInfo } from '../../src/control/schemas.ts';
import type { PhoneActions } from '../../src/tui/actions.ts';
import { meter } from '../../src/tui/components/quality-line.tsx';
import { keyTable } from '../../src/tui/keys.ts';
import { PhoneApp } from '../../src/tui/phone-app.tsx';
import { initialState, type PhoneState } from '../../src/tui/state.ts';
import { themeFor } from '../../src/tui/theme.ts';
import { callInfo } from './call-info.ts';

const NOW = Date.parse('2026-01-01T00:01:05.000Z');
const ACCOUNT: AccountInfo = {
  aor: 'sip:alice@example.com',
  displayName: null,
  state: 'registered',
  registrar: 'sip:example.com',
  expiresAt: null,
  status: null,
  reason: null,
  retryAt: null,
};
const ENGINE: EngineInfo = {
  state: 'connected',
  channel: 'unix:/e',
  engine: 'e1',
  worker: 'up',
  location: null,
  locationWarning: null,
  warn: false,
  text: 'engine: connected',
};

afterEach(cleanup);

function show(calls: readonly CallInfo[] = [], more: Partial<PhoneState> = {}) {
  let state: PhoneState = {
    ...initialState,
    daemon: { state: 'connected' },
    accounts: [ACCOUNT],
    engine: ENGINE,
    calls,
    ...more,
  };
  const listeners = new Set<() => void>();
  const done: string[] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) =>
      void done.push([name, ...values].join(' '));
  const actions: PhoneActions = {
    dial: note('dial'),
    answer: note('answer'),
    reject: note('reject'),
    hangup: note('hangup'),
    hold: note('hold'),
    mute: note('mute'),
    dtmf: note('dtmf'),
    swap: note('swap'),
    join: note('join'),
    leave: note('leave'),
    record: note('record'),
    transfer: (call, to) => void done.push(`transfer ${call} ${JSON.stringify(to)}`),
    move: note('move'),
    useHandset: note('useHandset'),
    tell: note('tell'),
    redial: note('redial'),
    pickup: ({ target }) => void done.push(`pickup ${target}`),
    message: note('message'),
    doNotDisturb: note('doNotDisturb'),
    register: note('register'),
    selectDevice: note('selectDevice'),
    load: note('load'),
    quit: note('quit'),
    dismiss: () => undefined,
  };
  const app = render(
    <PhoneApp
      store={{
        getState: () => state,
        subscribe: (listener) => {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      }}
      actions={actions}
      theme={themeFor({ NO_COLOR: '1' })}
      now={() => NOW}
      onRing={note('bell')}
    />,
  );
  const frame = () => app.lastFrame() ?? '';
  return {
    app,
    done,
    frame,
    /** Types key by key, as a terminal delivers them. */
    type: (...keys: string[]) => {
      for (const key of keys) app.stdin.write(key);
    },
    /** Waits for the text; the frame that has it. */
    until: (text: string | RegExp) =>
      vi.waitFor(() => {
        expect(frame()).toMatch(text);
        return frame();
      }, 2000),
    put: (next: Partial<PhoneState>) => {
      state = { ...state, ...next };
      for (const listener of listeners) listener();
    },
  };
}

const ENTER = '\r';
const ESCAPE = '\u001b';
const DOWN = '\u001b[B';

describe('a call that is recorded', () => {
  const one = { file: 'a.wav', startedAt: '2026-01-01T00:00:00.000Z', seconds: null, end: null };

  it('is marked, and begins, pauses and ends by keys', async () => {
    const screen = show([callInfo({ id: 'a' })]);
    screen.type('P', 'R');
    await vi.waitFor(() => expect(screen.done).toEqual(['record a start']));
    screen.put({ calls: [callInfo({ id: 'a', recording: 'recording', recordings: [one] })] });
    await screen.until(/● REC\]/u);
    screen.type('P');
    screen.put({ calls: [callInfo({ id: 'a', recording: 'paused', recordings: [one] })] });
    await screen.until(/● REC paused\]/u);
    screen.type('P', 'R');
    await vi.waitFor(() =>
      expect(screen.done.slice(1)).toEqual(['record a pause', 'record a resume', 'record a stop']),
    );
    const full = { ...one, seconds: 3, end: 'disk-full' as const };
    screen.put({ calls: [callInfo({ id: 'a', recordings: [full] })] });
    await screen.until('recording ended: the disk is full');
  });
});

describe('calls that change hands', () => {
  const two = [callInfo({ id: 'a', held: true }), callInfo({ id: 'b' })];

  it('are handed on to what is typed', async () => {
    const screen = show([callInfo({ id: 'a' })]);
    await screen.until('t transfer');
    screen.type('t');
    await screen.until('Transfer to:');
    screen.type('2', '0', '0');
    await screen.until('Transfer to: 200');
    screen.type(ENTER);
    await vi.waitFor(() => expect(screen.done).toEqual(['transfer a {"target":"200"}']));
  });

  it('are handed on to the other call when nothing is typed', async () => {
    const screen = show(two);
    await screen.until('s swap');
    screen.type('t');
    await screen.until('Transfer to:');
    screen.type(ENTER);
    await vi.waitFor(() => expect(screen.done).toEqual(['transfer b {"other":"a"}']));
    screen.type('s');
    await vi.waitFor(() => expect(screen.done.at(-1)).toBe('swap'));
  });

  it('are brought together, and one leaves', async () => {
    const screen = show([
      callInfo({ id: 'a', conference: 'c' }),
      callInfo({ id: 'b', conference: 'c' }),
    ]);
    const frame = await screen.until('[in conference]');
    expect(frame).toContain('talking');
    screen.type('o', 'b');
    await vi.waitFor(() => expect(screen.done).toEqual(['leave a', 'join']));
  });

  it('show how the transfer fares', async () => {
    const transfer = {
      to: 'sip:200@x',
      state: 'progress',
      status: 180,
      reason: 'ringing',
    } as const;
    const frame = await show([callInfo({ transfer })]).until('[to 200@x: ringing]');
    expect(frame).toContain('talking');
  });
});

describe('lamps', () => {
  it('are in a line, those that ring first', async () => {
    const lamp = { account: 'sip:a@x', event: 'dialog', note: null, trouble: null } as const;
    const screen = show([], {
      lamps: [
        { ...lamp, target: 'sip:bob@x', name: null, state: 'free' },
        { ...lamp, target: 'sip:carol@x', name: 'Carol', state: 'ringing' },
      ],
    });
    expect(await screen.until('RINGING')).toMatch(/Carol RINGING +bob@x free/);
  });
});

describe('what the person sets', () => {
  it('is in sight, and goes with the same key', async () => {
    const screen = show([], { doNotDisturb: true });
    await screen.until('DO NOT DISTURB');
    screen.type('n', 'l');
    await vi.waitFor(() => expect(screen.done).toEqual(['doNotDisturb false', 'redial']));
  });
});

describe('the screen', () => {
  it('shows lines, engine and what can be done', async () => {
    const screen = show();
    const frame = await screen.until('* alice@example.com registered');
    expect(frame).toContain('* engine: connected');
    expect(frame).toContain('No calls');
    expect(frame).toMatch(/d dial +Tab view +: commands +\? help +q leave/);
  });

  it('says why a line is not registered, and that there is no engine', async () => {
    const screen = show([], {
      accounts: [{ ...ACCOUNT, state: 'failed', reason: 'wrong password' }],
      engine: {
        ...ENGINE,
        state: 'disconnected',
        text: 'engine: not connected (channel: no such file)',
      },
    });
    const frame = await screen.until('! alice@example.com registration failed: wrong password');
    expect(frame).toContain('! engine: not connected (channel: no such file)');
  });

  it('shows calls with state, duration and marks', async () => {
    const screen = show([
      callInfo({ id: 'a', held: true, remoteName: 'Bob' }),
      callInfo({ id: 'b', remote: 'sip:carol@example.com', muted: true, silentMs: 4200 }),
    ]);
    const frame = await screen.until(/ {2}talking +1:05 +Bob <bob@example.com> +\[on hold\]/);
    expect(frame).toMatch(/> talking +1:05 +carol@example.com +\[muted\] +no audio for 4 s/);
  });

  it('shows the quality and both levels of the call that is talked on', async () => {
    const media: MediaInfo = {
      codec: 'opus',
      txPackets: 1,
      rxPackets: 1,
      lossPct: 0.4,
      jitterMs: 2.2,
      rttMs: 12.3,
      mos: 4.36,
      txLossPct: 0,
      concealedPct: 0,
      jitterBufferMs: 20,
      inputDb: -30,
      outputDb: -120,
    };
    const screen = show([callInfo({ media })]);
    const frame = await screen.until('opus  MOS 4.4  loss 0.4 %  jitter 2 ms  RTT 12 ms');
    expect(frame).toContain(`mic ${meter(-30)}   ear ${'░'.repeat(20)}`);
  });

  it('frames a call that rings above everything else, with a bell', async () => {
    const screen = show([callInfo()]);
    await screen.until('bob@example.com');
    expect(screen.done).toEqual([]);
    const ringing = callInfo({
      id: 'r',
      state: 'incoming',
      answeredAt: null,
      remote: 'sip:carol@example.com',
      remoteName: 'Carol\u001b[2J',
    });
    screen.put({ calls: [callInfo(), ringing] });
    await screen.until(/║ +INCOMING CALL +Carol�\[2J <carol@example.com>/);
    await screen.until('a answer    r reject');
    expect(screen.done).toEqual(['bell']);
  });

  it('says that the daemon has gone', async () => {
    const screen = show([], { daemon: { state: 'lost', reason: 'connection closed' } });
    await screen.until('daemon gone (connection closed)');
    expect(screen.frame()).not.toContain('dial');
  });

  it('does nothing while nothing changes', async () => {
    const screen = show();
    await screen.until('No calls');
    const before = screen.app.frames.length;
    screen.put({});
    screen.type('z');
    await new Promise((resolve) => setImmediate(resolve));
    expect(new Set(screen.app.frames.slice(before - 1)).size).toBe(1);
  });
});

describe('keys', () => {
  it('dial what is typed', async () => {
    const screen = show();
    await screen.until('No calls');
    screen.type('d');
    await screen.until('Dial:');
    screen.type('e', 'c', 'h', 'o', 'x', '\u007f');
    await screen.until('Dial: echo');
    screen.type(ENTER);
    await vi.waitFor(() => expect(screen.done).toEqual(['dial echo']), 2000);
    await screen.until('No calls');
    expect(screen.frame()).not.toContain('Dial:');
  });

  it('dial a name that comes in one piece with Enter', async () => {
    const screen = show();
    await screen.until('No calls');
    screen.type('d');
    await screen.until('Dial:');
    screen.type('ec');
    await screen.until('Dial: ec');
    screen.type(`ho${ENTER}`);
    await vi.waitFor(() => expect(screen.done).toEqual(['dial echo']), 2000);
  });

  it('leave the dial field with Escape', async () => {
    const screen = show();
    screen.type('d');
    await screen.until('Dial:');
    screen.type(ESCAPE);
    await vi.waitFor(() => expect(screen.frame()).not.toContain('Dial:'), 2000);
    expect(screen.done).toEqual([]);
  });

  it('begin to dial with a digit, and are DTMF in a call', async () => {
    const idle = show();
    await idle.until('No calls');
    idle.type('0');
    await idle.until('Dial: 0');
    const talking = show([callInfo()]);
    await talking.until('talking');
    talking.type('5', '#');
    await vi.waitFor(() => expect(talking.done).toEqual(['dtmf c1 5', 'dtmf c1 #']), 2000);
  });

  it.each([
    ['h', 'hold c1 true', {}],
    ['h', 'hold c1 false', { held: true }],
    ['m', 'mute c1 true', {}],
    ['m', 'mute c1 false', { muted: true }],
    ['x', 'hangup c1', {}],
  ])('%s: %s', async (key, action, more) => {
    const screen = show([callInfo(more)]);
    await screen.until('talking');
    screen.type(key);
    await vi.waitFor(() => expect(screen.done).toEqual([action]), 2000);
  });

  it('answer and reject the call that rings, whichever is chosen', async () => {
    const ringing = callInfo({ id: 'r', state: 'incoming', answeredAt: null });
    const screen = show([callInfo({ id: 'a' }), ringing]);
    await screen.until('INCOMING CALL');
    screen.type('a', 'r');
    await vi.waitFor(() => expect(screen.done).toEqual(['bell', 'answer r', 'reject r']), 2000);
  });

  it('answer and reject with Ctrl while a target is typed', async () => {
    const ringing = callInfo({ id: 'r', state: 'incoming', answeredAt: null });
    const screen = show([ringing]);
    await screen.until('a answer    r reject');
    screen.type('d');
    await screen.until('Ctrl-T answer    Ctrl-R reject');
    screen.type('a', '\u0014', '\u0012');
    await screen.until('Dial: a');
    await vi.waitFor(() => expect(screen.done).toEqual(['bell', 'answer r', 'reject r']), 2000);
  });

  it('choose another call', async () => {
    const screen = show([callInfo({ id: 'a' }), callInfo({ id: 'b', held: true })]);
    await screen.until('talking');
    screen.type(DOWN);
    await screen.until(/> .*\[on hold\]/);
    screen.type('h');
    await vi.waitFor(() => expect(screen.done).toEqual(['hold b false']), 2000);
  });

  it('show every key of the table in the help', async () => {
    const screen = show();
    await screen.until('No calls');
    screen.type('?');
    await screen.until('Keys');
    for (const { shown, label } of keyTable) {
      expect(screen.frame()).toContain(shown);
      expect(screen.frame()).toContain(label);
    }
    screen.type('z');
    await screen.until('No calls');
  });

  it('leave with q and with Ctrl-C', async () => {
    const screen = show();
    await screen.until('No calls');
    screen.type('q', '\u0003');
    await vi.waitFor(() => expect(screen.done).toEqual(['quit', 'quit']), 2000);
  });
});

describe('the level meter', () => {
  it.each([
    [0, 20],
    [-30, 10],
    [-60, 0],
    [-120, 0],
  ])('%d dBFS: %d of 20', (db, on) => {
    expect(meter(db)).toBe('█'.repeat(on) + '░'.repeat(20 - on));
  });
});

it('NO_COLOR takes every colour away', () => {
  expect(Object.values(themeFor({ NO_COLOR: '1' })).every((one) => one === undefined)).toBe(true);
  expect(themeFor({ NO_COLOR: '' }).bad).toBe('#d55e00');
});
