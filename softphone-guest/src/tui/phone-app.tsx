import { useInput, usePaste, useWindowSize } from 'ink';
import {
  useEffect,
  useReducer,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type { Effect, PhoneActions } from './actions.ts';
import { PhoneScreen } from './components/phone-screen.tsx';
import type { PhoneState } from './state.ts';
import type { Theme } from './theme.ts';
import { initialUi, offered, paste, press, type Step, type Ui } from './ui.ts';

const SECOND_MS = 1000;
/** How much later than after a second figures may come. */
const LATE_MS = 200;

export interface PhoneAppProps {
  readonly store: {
    readonly getState: () => PhoneState;
    readonly subscribe: (listener: () => void) => () => void;
  };
  readonly actions: PhoneActions;
  readonly theme: Theme;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  /** A call begins to ring. */
  readonly onRing: () => void;
}

/** Keys in, screen out. */
export function PhoneApp(props: PhoneAppProps): ReactNode {
  const { store, actions } = props;
  const state = useSyncExternalStore(store.subscribe, store.getState);
  const { columns, rows } = useWindowSize();
  const [ui, go] = useUi();
  const now = useNow(
    state.calls.some((call) => call.answeredAt !== null),
    props.now,
  );
  useRing(state, props.onRing);

  useInput((input, key) => {
    const effects = go((current) => press(current, store.getState(), input, key));
    for (const effect of effects) effect(actions);
  });
  usePaste((text) => go((current) => ({ ui: paste(current, text), effects: [] })));

  return (
    <PhoneScreen
      state={state}
      ui={ui}
      actions={offered(ui, state)}
      now={now}
      columns={columns}
      rows={rows}
      theme={props.theme}
    />
  );
}

/** Several keys may come before the next frame: each finds the screen as the one before has left it. */
function useUi(): [Ui, (step: (ui: Ui) => Step) => readonly Effect[]] {
  const [ui, setUi] = useState(initialUi);
  const latest = useRef(ui);
  const go = (step: (ui: Ui) => Step) => {
    const next = step(latest.current);
    latest.current = next.ui;
    setUi(next.ui);
    return next.effects;
  };
  return [ui, go];
}

/**
 * The time, of whatever is drawn. While a call runs the screen is drawn once a second at least: with the
 * figures of the call, which come as often, or, where none come, by itself.
 */
function useNow(running: boolean, clock: () => number): number {
  const [ticks, tick] = useReducer((count: number) => count + 1, 0);
  const drawn = useRef(ticks);
  const now = clock();
  useEffect(() => {
    const itself = drawn.current !== ticks;
    drawn.current = ticks;
    if (!running) return undefined;
    const due = now + SECOND_MS + (itself ? 0 : LATE_MS);
    const timer = setTimeout(tick, due - clock());
    return () => clearTimeout(timer);
  }, [running, ticks, now, clock]);
  return now;
}

function useRing(state: PhoneState, onRing: () => void): void {
  const ringing = state.calls.filter((call) => call.state === 'incoming').map((call) => call.id);
  const last = ringing.at(-1);
  useEffect(() => {
    if (last !== undefined) onRing();
  }, [last, onRing]);
}
