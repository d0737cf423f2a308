import {
  array,
  assert,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  string,
  type Arbitrary,
} from 'fast-check';
import { Box } from 'ink';
import { cleanup, render } from 'ink-testing-library';
import { afterEach, expect, it } from 'vitest';
import type { PhoneActions } from '../../src/tui/actions.ts';
import { PhoneScreen } from '../../src/tui/components/phone-screen.tsx';
import { keyTable } from '../../src/tui/keys.ts';
import { initialState, reduce, type PhoneState } from '../../src/tui/state.ts';
import { themeFor } from '../../src/tui/theme.ts';
import { initialUi, offered, paste, press, type Ui } from '../../src/tui/ui.ts';
import { callInfo } from './call-info.ts';

afterEach(cleanup);

const JUNK = ['\u0000', '\u001b[2J', '\u202eabc', '👩‍👩‍👧‍👦', '\r\n', 'x'.repeat(100_000), '\ud800'];
const states = ['incoming', 'dialing', 'early', 'answering', 'established', 'ending'] as const;
const named = ['upArrow', 'downArrow', 'return', 'escape', 'tab', 'backspace', 'delete'] as const;
const letters = keyTable.flatMap(({ characters }) => characters.split(''));

const anything = oneof(
  record({ type: constantFrom('key' as const), input: constantFrom(...letters) }),
  record({
    type: constantFrom('control' as const),
    input: constantFrom('a', 'c', 'p', 'r', 't', 'u'),
  }),
  record({ type: constantFrom('named' as const), input: constantFrom(...named) }),
  record({ type: constantFrom('key' as const), input: oneof(constantFrom(...JUNK), string()) }),
  record({ type: constantFrom('paste' as const), input: oneof(constantFrom(...JUNK), string()) }),
  record({
    type: constantFrom('call' as const),
    id: constantFrom('a', 'b', 'c'),
    state: constantFrom(...states),
    remoteName: constantFrom(...JUNK, 'Bob', ''),
  }),
  record({ type: constantFrom('over' as const), id: constantFrom('a', 'b', 'c') }),
  record({ type: constantFrom('lost' as const), reason: constantFrom(...JUNK) }),
  record({ type: constantFrom('back' as const) }),
);
type Anything = typeof anything extends Arbitrary<infer T> ? T : never;

/** What effects ask of the daemon is of no interest here. */
const actions = new Proxy({} as PhoneActions, { get: () => () => undefined });

function after(ui: Ui, state: PhoneState, one: Anything): { ui: Ui; state: PhoneState } {
  switch (one.type) {
    case 'key':
    case 'control':
    case 'named': {
      const key = one.type === 'named' ? { [one.input]: true } : { ctrl: one.type === 'control' };
      const step = press(ui, state, one.type === 'named' ? '' : one.input, key);
      for (const effect of step.effects) effect(actions);
      return { ui: step.ui, state };
    }
    case 'paste':
      return { ui: paste(ui, one.input), state };
    case 'call': {
      const params = callInfo({ id: one.id, state: one.state, remoteName: one.remoteName });
      return { ui, state: reduce(state, { type: 'event', event: 'call.changed', params }) };
    }
    case 'over': {
      const params = callInfo({ id: one.id, state: 'ended' });
      return { ui, state: reduce(state, { type: 'event', event: 'call.ended', params }) };
    }
    case 'lost':
      return { ui, state: reduce(state, { type: 'lost', reason: one.reason }) };
    case 'back':
      return { ui, state: { ...state, daemon: { state: 'connected' } } };
    default:
      return one satisfies never;
  }
}

const size = record({
  columns: oneof(integer({ min: 1, max: 80 }), integer({ min: 80, max: 200 })),
  rows: integer({ min: 1, max: 60 }),
});

it('any key, paste and event in any order leaves a screen that can be drawn at any size', () => {
  assert(
    property(array(anything, { maxLength: 40 }), size, (all, { columns, rows }) => {
      let now = {
        ui: initialUi,
        state: { ...initialState, history: [], messages: [] } as PhoneState,
      };
      for (const one of all) now = after(now.ui, now.state, one);
      const { ui, state } = now;
      const app = render(
        <Box width={columns} flexDirection="column">
          <PhoneScreen
            state={state}
            ui={ui}
            actions={offered(ui, state)}
            now={0}
            columns={columns}
            rows={rows}
            theme={themeFor({})}
          />
        </Box>,
      );
      const frame = app.lastFrame() ?? '';
      app.unmount();
      const typed = ui.field?.text ?? ui.find;
      // A drawn screen, a bounded field, and nothing of others that moves the cursor.
      expect(frame).not.toBe('');
      expect(frame).not.toContain('\u001b[2J');
      expect(typed.length).toBeLessThanOrEqual(256);
      expect(typed).not.toMatch(/\p{Cc}/u);
    }),
    { numRuns: 12 },
  );
}, 60_000);
