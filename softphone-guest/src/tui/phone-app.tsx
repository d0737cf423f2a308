import { useInput, usePaste, useWindowSize, type Key } from 'ink';
import { useEffect, useReducer, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { PhoneActions } from './actions.ts';
import { PhoneScreen } from './components/phone-screen.tsx';
import { actionFor, controlActionFor, type Action } from './keys.ts';
import { focusOf, type PhoneState } from './state.ts';
import type { Theme } from './theme.ts';

export interface PhoneAppProps {
  readonly store: {
    readonly getState: () => PhoneState;
    readonly subscribe: (listener: () => void) => () => void;
  };
  readonly actions: PhoneActions;
  readonly theme: Theme;
  /** Wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly onQuit: () => void;
  /** A call begins to ring. */
  readonly onRing: () => void;
}

const MAX_TARGET = 256;

/** Keys in, screen out. */
export function PhoneApp(props: PhoneAppProps): ReactNode {
  const { store, actions } = props;
  const state = useSyncExternalStore(store.subscribe, store.getState);
  const { columns, rows } = useWindowSize();
  const [chosen, setChosen] = useState<string>();
  const [dialling, setDialling] = useState<string>();
  const [transferring, setTransferring] = useState(false);
  const [help, setHelp] = useState(false);
  const focused = focusOf(state.calls, chosen);
  const now = useNow(
    state.calls.some((call) => call.answeredAt !== null),
    props.now,
  );
  useRing(state, props.onRing);

  const type = (input: string) =>
    setDialling((value) => ((value ?? '') + input.replaceAll(/\p{C}/gu, '')).slice(0, MAX_TARGET));
  const run = (action: Action, input: string) => {
    actions.dismiss();
    switch (action) {
      case 'quit':
        return props.onQuit();
      case 'help':
        return setHelp(true);
      case 'dial':
        setTransferring(false);
        return setDialling('');
      case 'transfer':
        if (focused?.state !== 'established') return undefined;
        setTransferring(true);
        return setDialling('');
      case 'swap':
        return actions.swap();
      case 'redial':
        return actions.redial();
      case 'disturb':
        return actions.doNotDisturb(!state.doNotDisturb);
      case 'next':
        return setChosen(neighbour(state, focused?.id, 1));
      case 'previous':
        return setChosen(neighbour(state, focused?.id, -1));
      case 'digit':
        if (focused?.state !== 'established' && focused?.state !== 'early') {
          setTransferring(false);
          return type(input);
        }
        return input === '+' ? undefined : actions.dtmf(focused.id, input);
      case 'answer':
      case 'reject':
      case 'hangup':
      case 'hold':
      case 'mute':
        return onCall(action, state, focused?.id, actions);
      default:
        return action satisfies never;
    }
  };
  const typeTarget = (input: string, key: Key) => {
    if (key.escape) return setDialling(undefined);
    const action = controlActionFor(input, key);
    if (action !== undefined) return run(action, input);
    // Over a slow line, or from a script, the name and Enter may come in one piece.
    const [beforeEnter, enter] = input.split(/[\r\n]/, 2);
    if (key.return || enter !== undefined) {
      setDialling(undefined);
      const target = `${dialling ?? ''}${key.return ? '' : beforeEnter}`.trim();
      if (transferring) return transfer(state, focused?.id, target, actions);
      return target === '' ? undefined : actions.dial(target);
    }
    if (key.backspace || key.delete) return setDialling((value) => (value ?? '').slice(0, -1));
    if (key.ctrl && input === 'u') return setDialling('');
    if (key.ctrl || key.meta) return undefined;
    return type(input);
  };
  useInput((input, key) => {
    if (help) return setHelp(false);
    if (dialling !== undefined) return typeTarget(input, key);
    const action = actionFor(input, key);
    return action === undefined ? undefined : run(action, input);
  });
  usePaste((text) => {
    if (!help) type(text.trim());
  });

  return (
    <PhoneScreen
      state={state}
      chosen={chosen}
      dialling={dialling}
      transferring={transferring}
      help={help}
      actions={possible(state, focused?.id)}
      now={now}
      columns={columns}
      rows={rows}
      theme={props.theme}
    />
  );
}

/** To what was typed, or, when that is nothing, to the one other call that is up. */
function transfer(
  state: PhoneState,
  call: string | undefined,
  target: string,
  actions: PhoneActions,
): void {
  if (call === undefined) return;
  const others = state.calls.filter((one) => one.state === 'established' && one.id !== call);
  const [other] = others;
  if (target !== '') actions.transfer(call, { target });
  else if (other !== undefined && others.length === 1) actions.transfer(call, { other: other.id });
}

/** Commands on a call: incoming ones take `answer` and `reject`, the focused one the rest. */
function onCall(
  action: 'answer' | 'reject' | 'hangup' | 'hold' | 'mute',
  state: PhoneState,
  focusedId: string | undefined,
  actions: PhoneActions,
): void {
  const focused = state.calls.find((call) => call.id === focusedId);
  const ringing =
    focused?.state === 'incoming' ? focused : state.calls.find((call) => call.state === 'incoming');
  switch (action) {
    case 'answer':
      return ringing === undefined ? undefined : actions.answer(ringing.id);
    case 'reject':
      return ringing === undefined ? undefined : actions.reject(ringing.id);
    case 'hangup':
      return focused === undefined ? undefined : actions.hangup(focused.id);
    case 'hold':
      return focused?.state === 'established' ? actions.hold(focused.id, !focused.held) : undefined;
    case 'mute':
      return focused === undefined ? undefined : actions.mute(focused.id, !focused.muted);
    default:
      return action satisfies never;
  }
}

/** What the bottom line offers. */
function possible(state: PhoneState, focusedId: string | undefined): ReadonlySet<Action> {
  const actions = new Set<Action>(['help', 'quit']);
  if (state.daemon.state !== 'connected') return actions;
  actions.add('dial');
  if (state.calls.some((call) => call.state === 'incoming')) {
    actions.add('answer').add('reject');
  }
  const focused = state.calls.find((call) => call.id === focusedId);
  if (focused !== undefined) actions.add('hangup').add('mute');
  if (focused?.state === 'established') actions.add('hold').add('transfer');
  if (state.calls.some((call) => call.state === 'established' && call.held)) actions.add('swap');
  return actions;
}

function neighbour(
  state: PhoneState,
  focusedId: string | undefined,
  by: 1 | -1,
): string | undefined {
  const { calls } = state;
  if (calls.length === 0) return undefined;
  const index = calls.findIndex((call) => call.id === focusedId);
  return calls[(index + by + calls.length) % calls.length]?.id;
}

/** The time, once a second while a call runs; else no timer at all. */
function useNow(running: boolean, clock: () => number): number {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [running]);
  return clock();
}

function useRing(state: PhoneState, onRing: () => void): void {
  const ringing = state.calls.filter((call) => call.state === 'incoming').map((call) => call.id);
  const last = ringing.at(-1);
  useEffect(() => {
    if (last !== undefined) onRing();
  }, [last, onRing]);
}
