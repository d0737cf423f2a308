import type { Effect } from './actions.ts';
import { blocked } from './blocked.ts';
import { callAction, possible, transfer } from './call-keys.ts';
import { actionFor, controlActionFor, type Action, type Key } from './keys.ts';
import { chosenIndex, isListView, rowsOf, views, type Row, type View } from './lists.ts';
import { commands } from './palette.ts';
import { focusOf, type PhoneState } from './state.ts';

const MAX_TYPED = 256;
/** Keys that come in one piece. */
const MAX_BURST = 8;

/** What is being typed. */
export interface Field {
  readonly kind: 'dial' | 'transfer' | 'palette' | 'message';
  readonly text: string;
  /** The chosen line of the palette. */
  readonly row: number;
  /** Whom a message is for; undefined while that is being typed. */
  readonly to?: Pick<Row, 'target' | 'account'> | undefined;
}

/** Where the person is on the screen: everything that is not the daemon's. */
export interface Ui {
  readonly view: View;
  readonly chosenCall: string | undefined;
  /** Line of the list in view, and what stands there once somebody has moved. */
  readonly row: number;
  readonly key: string | undefined;
  /** Lines of lists are shown that have this; `finding`: it is being typed. */
  readonly find: string;
  readonly finding: boolean;
  readonly field: Field | undefined;
  readonly help: boolean;
}

export const initialUi: Ui = {
  view: 'calls',
  chosenCall: undefined,
  row: 0,
  key: undefined,
  find: '',
  finding: false,
  field: undefined,
  help: false,
};

export interface Step {
  readonly ui: Ui;
  readonly effects: readonly Effect[];
}

/**
 * Pure: what keys do on this screen. Over a slow line several can come in one piece: they are pressed one
 * after the other, and what follows a key that asks for text is that text. More than a hand can have
 * typed is not taken for keys: somebody has pasted at a terminal that does not say so.
 */
export function press(ui: Ui, state: PhoneState, input: string, key: Key): Step {
  const [first = '', ...others] = input;
  if (others.length === 0 || isTyping(ui) || key.ctrl === true || key.meta === true) {
    return pressOne(ui, state, input, key);
  }
  const step = pressOne(ui, state, first, key);
  if (!isTyping(step.ui) && others.length >= MAX_BURST) return only(ui);
  const next = press(step.ui, state, others.join(''), key);
  return { ui: next.ui, effects: [...step.effects, ...next.effects] };
}

function isTyping(ui: Ui): boolean {
  return ui.field !== undefined || ui.finding;
}

function pressOne(ui: Ui, state: PhoneState, input: string, key: Key): Step {
  if (ui.help) return only({ ...ui, help: false });
  if (ui.field !== undefined) return typeField(ui, ui.field, state, input, key);
  if (ui.finding) return typeFind(ui, state, input, key);
  const action = actionFor(input, key);
  return action === undefined ? only(ui) : perform(ui, state, action, input);
}

/** Text of the clipboard goes where text goes. */
export function paste(ui: Ui, text: string): Ui {
  if (ui.help) return ui;
  if (ui.finding) return { ...ui, find: typed(ui.find, text.trim()), row: 0 };
  const { field } = ui;
  if (field === undefined) return withField(ui, 'dial', typed('', text.trim()));
  return { ...ui, field: { ...field, text: typed(field.text, text.trim()), row: 0 } };
}

/** Pure: an action by its name, as keys and the palette do it. */
function perform(ui: Ui, state: PhoneState, action: Action, input: string): Step {
  const focused = focusOf(state.calls, ui.chosenCall);
  const then = (next: Ui, ...effects: Effect[]): Step => ({
    ui: next,
    effects: [(actions) => actions.dismiss(), ...effects],
  });
  const reason = blocked(state, ui.chosenCall).get(action);
  if (reason !== undefined) return then(ui, (actions) => actions.tell(reason));
  switch (action) {
    case 'quit':
      return then(ui, (actions) => actions.quit());
    case 'help':
      return then({ ...ui, help: true });
    case 'dial':
      return then(withField(ui, 'dial', ''));
    case 'palette':
      return then(withField(ui, 'palette', ''), (actions) => actions.load('devices'));
    case 'find':
      return isListView(ui.view)
        ? then({ ...ui, finding: true, find: '', row: 0, key: undefined })
        : only(ui);
    case 'write':
      return then(
        writeTo(ui, chosenRow(ui, state) ?? (focused && { ...focused, target: focused.remote })),
      );
    case 'transfer':
      return focused?.state === 'established' ? then(withField(ui, 'transfer', '')) : only(ui);
    case 'view':
      return then(...show(ui, views[(views.indexOf(ui.view) + 1) % views.length] ?? 'calls'));
    case 'calls':
    case 'history':
    case 'contacts':
    case 'messages':
    case 'lamps':
    case 'quality':
      return then(...show(ui, action));
    case 'next':
      return then(move(ui, state, 1));
    case 'previous':
      return then(move(ui, state, -1));
    case 'choose':
      return choose(ui, state, then);
    case 'digit':
      if (focused?.state !== 'established' && focused?.state !== 'early') {
        return then(withField(ui, 'dial', input));
      }
      return input === '+' ? only(ui) : then(ui, (actions) => actions.dtmf(focused.id, input));
    case 'answer':
    case 'reject':
    case 'hangup':
    case 'hold':
    case 'mute':
    case 'swap':
    case 'join':
    case 'leave':
    case 'record':
    case 'pauseRecording':
    case 'move':
    case 'mode':
    case 'redial':
    case 'pickup':
    case 'disturb': {
      const effect = callAction(action, state, focused?.id);
      return effect === undefined ? only(ui) : then(ui, effect);
    }
    default:
      return action satisfies never;
  }
}

/** What the bottom line offers. */
export function offered(ui: Ui, state: PhoneState): ReadonlySet<Action> {
  const actions = possible(state, focusOf(state.calls, ui.chosenCall)?.id);
  if (state.daemon.state !== 'connected') return actions;
  actions.add('view').add('palette');
  if (isListView(ui.view)) actions.add('find').add('choose');
  return actions;
}

function show(ui: Ui, view: View): [Ui, ...Effect[]] {
  const next = { ...ui, view, row: 0, key: undefined, find: '', finding: false };
  return view === 'history' || view === 'contacts' || view === 'messages'
    ? [next, (actions) => actions.load(view)]
    : [next];
}

/** In a list its lines, else the calls. */
function move(ui: Ui, state: PhoneState, by: 1 | -1): Ui {
  if (isListView(ui.view)) {
    const rows = rowsOf(ui.view, state, ui.find) ?? [];
    const row = Math.min(Math.max(0, chosenIndex(rows, ui) + by), Math.max(0, rows.length - 1));
    return { ...ui, row, key: rows[row]?.key };
  }
  const { calls } = state;
  const index = calls.findIndex((call) => call.id === focusOf(calls, ui.chosenCall)?.id);
  return { ...ui, chosenCall: calls.at((index + by) % calls.length)?.id };
}

function choose(ui: Ui, state: PhoneState, then: (ui: Ui, ...effects: Effect[]) => Step): Step {
  const { target, account, ringing } = chosenRow(ui, state) ?? {};
  if (target === undefined) return only(ui);
  return then({ ...ui, view: 'calls', find: '', row: 0, key: undefined }, (actions) =>
    ringing === undefined ? actions.dial(target, account) : actions.pickup(ringing),
  );
}

function chosenRow(ui: Ui, state: PhoneState): Row | undefined {
  const rows = isListView(ui.view) ? rowsOf(ui.view, state, ui.find) : undefined;
  return rows?.[chosenIndex(rows, ui)];
}

function writeTo(ui: Ui, to: Field['to']): Ui {
  return { ...ui, field: { kind: 'message', text: '', row: 0, to } };
}

function typeField(ui: Ui, field: Field, state: PhoneState, input: string, key: Key): Step {
  if (key.escape === true) return only({ ...ui, field: undefined });
  const action = controlActionFor(input, key);
  if (action !== undefined && action !== 'palette') return perform(ui, state, action, input);
  if (field.kind === 'palette' && (key.upArrow === true || key.downArrow === true)) {
    const count = commands(ui.chosenCall, state, field.text).length;
    const row = field.row + (key.downArrow === true ? 1 : -1);
    return only(withField(ui, 'palette', field.text, Math.min(Math.max(0, row), count - 1)));
  }
  const { text, entered } = edit(field.text, input, key);
  if (!entered) return only({ ...ui, field: { ...field, text, row: 0 } });
  return enter({ ...ui, field: undefined }, field, state, text.trim());
}

function enter(ui: Ui, field: Field, state: PhoneState, text: string): Step {
  switch (field.kind) {
    case 'palette': {
      const does = commands(ui.chosenCall, state, text)[field.row]?.does;
      if (typeof does === 'string') return perform(ui, state, does, '');
      return { ui, effects: does === undefined ? [] : [does] };
    }
    case 'transfer': {
      const effect = transfer(state, focusOf(state.calls, ui.chosenCall)?.id, text);
      return { ui, effects: effect === undefined ? [] : [effect] };
    }
    case 'message': {
      const { to } = field;
      if (text === '') return only(ui);
      if (to?.target === undefined) return only(writeTo(ui, { target: text }));
      const { target, account } = to;
      return { ui, effects: [(actions) => actions.message(target, text, account)] };
    }
    case 'dial':
      return text === ''
        ? only(ui)
        : { ui: { ...ui, view: 'calls' }, effects: [(actions) => actions.dial(text)] };
    default:
      return field.kind satisfies never;
  }
}

/** Arrows choose while words are typed; Enter keeps what was found, and calls the chosen line. */
function typeFind(ui: Ui, state: PhoneState, input: string, key: Key): Step {
  if (key.escape === true) return only({ ...ui, finding: false, find: '', row: 0, key: undefined });
  const action = controlActionFor(input, key);
  if (action !== undefined) return perform(ui, state, action, input);
  if (key.upArrow === true || key.downArrow === true) {
    return only(move(ui, state, key.downArrow === true ? 1 : -1));
  }
  const { text, entered } = edit(ui.find, input, key);
  if (!entered) return only({ ...ui, find: text, row: 0, key: undefined });
  return perform({ ...ui, find: text, finding: false }, state, 'choose', '');
}

/** Over a slow line, or from a script, text and Enter may come in one piece. */
function edit(text: string, input: string, key: Key): { text: string; entered: boolean } {
  const [beforeEnter = '', afterEnter] = input.split(/[\r\n]/, 2);
  if (key.return === true) return { text, entered: true };
  if (afterEnter !== undefined) return { text: typed(text, beforeEnter), entered: true };
  if (key.backspace === true || key.delete === true) {
    return { text: text.slice(0, -1), entered: false };
  }
  if (key.ctrl === true && input === 'u') return { text: '', entered: false };
  if (key.ctrl === true || key.meta === true) return { text, entered: false };
  return { text: typed(text, input), entered: false };
}

function typed(text: string, input: string): string {
  return (text + input.replaceAll(/\p{C}/gu, '')).slice(0, MAX_TYPED);
}

function withField(ui: Ui, kind: Field['kind'], text: string, row = 0): Ui {
  return { ...ui, field: { kind, text: text.slice(0, MAX_TYPED), row } };
}

function only(ui: Ui): Step {
  return { ui, effects: [] };
}
