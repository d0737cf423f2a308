import { Box } from 'ink';
import { cleanup, render } from 'ink-testing-library';
import { afterEach, describe, expect, it } from 'vitest';
import { describeMedia } from '../../src/control/info.ts';
import { PhoneScreen } from '../../src/tui/components/phone-screen.tsx';
import { keyTable } from '../../src/tui/keys.ts';
import { initialState, type PhoneState } from '../../src/tui/state.ts';
import { themeFor } from '../../src/tui/theme.ts';
import { initialUi, offered, type Ui } from '../../src/tui/ui.ts';
import { callInfo } from './call-info.ts';

afterEach(cleanup);

const history = Array.from({ length: 200 }, (_, index) =>
  callInfo({
    id: `h${index}`,
    direction: 'incoming',
    answeredAt: index % 2 === 0 ? null : '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:30.000Z',
    remote: `sip:${100 + index}@example.com`,
    contact: index === 0 ? 'Bob Smith' : null,
  }),
);
const ringing = callInfo({ id: 'r', state: 'incoming', answeredAt: null, remoteName: 'Carol' });
const busy: PhoneState = {
  ...initialState,
  daemon: { state: 'connected' },
  calls: [callInfo({ media: { ...describeMedia(undefined), codec: 'opus', mos: 4.3 } }), ringing],
  doNotDisturb: true,
  history,
  contacts: [
    {
      id: 'bob',
      name: 'Bob Smith',
      organisation: 'ACME',
      numbers: [{ type: 'work', value: '030 123456' }],
      favourite: true,
    },
  ],
  messages: [
    {
      id: 'm1',
      at: '2026-01-01T12:00:00.000Z',
      account: 'sip:a@x',
      direction: 'in',
      peer: 'sip:carol@example.com',
      peerName: 'Carol',
      contact: null,
      type: 'text/plain',
      text: 'lunch?\u001b[2J',
      state: 'received',
      reason: null,
    },
  ],
  samples: { c1: [4.3, 4.1, 1].map((mos) => ({ mos, lossPct: 0, jitterMs: 3 })) },
  notice: { kind: 'info', text: 'transfer failed: busy' },
};

function frame(ui: Partial<Ui>, size: { columns?: number; rows?: number } = {}, state = busy) {
  const at: Ui = { ...initialUi, ...ui };
  const app = render(
    <Box flexDirection="column" width={size.columns ?? 80}>
      <PhoneScreen
        state={state}
        ui={at}
        actions={offered(at, state)}
        now={Date.parse('2026-01-01T00:01:05.000Z')}
        columns={size.columns ?? 80}
        rows={size.rows ?? 24}
        theme={themeFor({ NO_COLOR: '1' })}
      />
    </Box>,
  );
  return app.lastFrame() ?? '';
}

describe('every view', () => {
  it.each([
    ...(['calls', 'history', 'contacts', 'messages', 'lamps', 'quality'] as const).map((view) => ({
      view,
    })),
    { view: 'history', finding: true, find: '1' } as const,
    { field: { kind: 'palette', text: '', row: 9 } } as const,
    { field: { kind: 'dial', text: '030', row: 0 } } as const,
    { view: 'messages', field: { kind: 'message', text: '', row: 0 } } as const,
    { help: true },
  ])('fits 80×24 with a call up, one ringing, and something to say: %j', (ui) => {
    const lines = frame(ui).split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).toContain('INCOMING CALL');
  });
});

describe('history', () => {
  it('tells which calls were recorded, and the files of the chosen one', () => {
    const one = { startedAt: '2026-01-01T00:00:00.000Z', seconds: 3, end: 'guest' as const };
    const recordings = [
      { ...one, file: 'first.wav' },
      { ...one, file: 'second.wav' },
    ];
    const recorded = callInfo({ id: 'r', state: 'ended', recordings });
    const text = frame({ view: 'history' }, {}, { ...busy, history: [recorded, ...history] });
    expect(text).toMatch(/bob@example.com.*\[recorded\]/u);
    expect(text).toMatch(/first\.wav[^]*second\.wav/u);
  });

  it('marks missed calls by a sign and a word, and names contacts', () => {
    const text = frame({ view: 'history' }, { rows: 40 });
    expect(text).toMatch(/>! \d\d-\d\d \d\d:\d\d +missed +Bob Smith <100@example.com>/);
    expect(text).toMatch(/ {2} \d\d-\d\d \d\d:\d\d +from +0:30 +101@example.com/);
    expect(text).toMatch(/1-23 of 200/);
  });

  it('keeps the chosen line in sight', () => {
    expect(frame({ view: 'history', row: 150 })).toMatch(/>! .*250@example.com/);
  });

  it('says that it is being fetched, that there is nothing, and that nothing fits', () => {
    const { history: _history, ...rest } = busy;
    expect(frame({ view: 'history' }, {}, { ...rest, history: undefined })).toContain('fetching');
    expect(frame({ view: 'history' }, {}, { ...rest, history: [] })).toContain('No calls yet');
    expect(frame({ view: 'history', find: 'zzz' })).toContain('Nothing that has these words');
  });
});

it('contacts show organisation and numbers', () => {
  expect(frame({ view: 'contacts' })).toMatch(/>\* Bob Smith, ACME +030 123456/);
});

it('messages show no control characters of others', () => {
  const text = frame({ view: 'messages' });
  expect(text).toMatch(/Carol +lunch\?/);
  expect(text).not.toContain('\u001b[2J');
});

it('quality draws the last minute of the chosen call', () => {
  expect(frame({ view: 'quality', chosenCall: 'c1' }, { rows: 40 })).toMatch(/MOS +█▇▁/);
});

it('a wide screen has calls and another view side by side', () => {
  const line = frame({ view: 'history' }, { columns: 140, rows: 40 })
    .split('\n')
    .find((one) => one.includes('Bob Smith'));
  expect(line).toBeDefined();
  expect(frame({ view: 'history' }, { columns: 140, rows: 40 })).toContain('talking');
});

it('the help has every key, on the smallest screen too', () => {
  const text = frame({ help: true });
  for (const { shown, label } of keyTable) expect(text).toContain(`${shown.padEnd(9)}${label}`);
});
