import { printable } from '@offhook/common/printable';
import type { Effect } from './actions.ts';
import { possible } from './call-keys.ts';
import { keyTable, type Action } from './keys.ts';
import { focusOf, type PhoneState } from './state.ts';
import { texts } from './texts.ts';

/** One line of the palette. */
export interface Command {
  readonly name: string;
  /** The key that does the same, if there is one. */
  readonly shown: string;
  readonly does: Action | Effect;
}

/** Keys that only make sense as keys. */
const KEYS_ONLY: ReadonlySet<Action> = new Set([
  'digit',
  'next',
  'previous',
  'choose',
  'view',
  'palette',
  'find',
]);
/** What can be done at any time. */
const ALWAYS: ReadonlySet<Action> = new Set([
  'redial',
  'disturb',
  'calls',
  'history',
  'contacts',
  'messages',
  'lamps',
  'quality',
]);

/** Everything that can be done just now and has all words of `text` in its name. */
export function commands(
  chosenCall: string | undefined,
  state: PhoneState,
  text: string,
): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all(chosenCall, state).filter(({ name }) =>
    words.every((word) => name.toLowerCase().includes(word)),
  );
}

function all(chosenCall: string | undefined, state: PhoneState): readonly Command[] {
  const now = possible(state, focusOf(state.calls, chosenCall)?.id);
  const keys = keyTable
    .filter(({ action }) => !KEYS_ONLY.has(action) && (now.has(action) || ALWAYS.has(action)))
    .map(({ action, label, shown, help }): Command => ({
      name: `${label}: ${help}`,
      shown,
      does: action,
    }));
  return [...keys, ...lineCommands(state), ...deviceCommands(state)];
}

function lineCommands(state: PhoneState): readonly Command[] {
  return state.accounts.map(({ aor, state: registration }) => {
    const registered = registration === 'registered' || registration === 'registering';
    const line = printable(aor.replace(/^sips?:/i, ''));
    return command(registered ? texts.unregister(line) : texts.register(line), (actions) =>
      actions.register(aor, !registered),
    );
  });
}

function deviceCommands({ devices }: PhoneState): readonly Command[] {
  return (devices?.devices ?? []).flatMap(({ id, name, roles, present }) =>
    roles
      .filter((role) => present && devices?.selected[role] !== id)
      .map((role) =>
        command(texts.useDevice(role, printable(name)), (actions) =>
          actions.selectDevice(role, id),
        ),
      ),
  );
}

function command(name: string, effect: Effect): Command {
  return { name, shown: '', does: effect };
}
