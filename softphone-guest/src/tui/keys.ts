/** What ink tells of a key, as far as it is used here. */
export type Key = Partial<
  Record<NamedKey | 'ctrl' | 'meta' | 'shift' | 'backspace' | 'delete', boolean>
>;
type NamedKey = 'upArrow' | 'downArrow' | 'return' | 'escape' | 'tab';

/** What goes to the daemon as it is. */
export type CallAction =
  | 'answer'
  | 'reject'
  | 'hangup'
  | 'hold'
  | 'mute'
  | 'swap'
  | 'join'
  | 'leave'
  | 'record'
  | 'pauseRecording'
  | 'redial'
  | 'pickup'
  | 'disturb'
  | 'move'
  | 'mode';

/** What a key can do on the main screen. */
export type Action =
  | CallAction
  | 'dial'
  | 'transfer'
  | 'write'
  | 'digit'
  | 'next'
  | 'previous'
  | 'choose'
  | 'view'
  | 'history'
  | 'contacts'
  | 'messages'
  | 'lamps'
  | 'quality'
  | 'calls'
  | 'find'
  | 'palette'
  | 'help'
  | 'quit';

export interface KeyBinding {
  readonly action: Action;
  /** Characters that trigger it, and named keys of the terminal. */
  readonly characters: string;
  readonly named?: NamedKey;
  /** With Ctrl, and then also while something is typed. */
  readonly control?: string;
  readonly shownControl?: string;
  /** As shown on the screen. */
  readonly shown: string;
  readonly label: string;
  /** Whether the bottom line has it, when it applies. */
  readonly hint: boolean;
  readonly help: string;
}

/** The one table of keys: it drives the input, the bottom line and the help screen. */
export const keyTable: readonly KeyBinding[] = [
  {
    action: 'answer',
    characters: 'a',
    control: 't',
    shown: 'a',
    shownControl: 'Ctrl-T',
    label: 'answer',
    hint: true,
    help: 'take the incoming call (Ctrl-T also while dialling)',
  },
  {
    action: 'reject',
    characters: 'r',
    control: 'r',
    shown: 'r',
    shownControl: 'Ctrl-R',
    label: 'reject',
    hint: true,
    help: 'decline the incoming call (Ctrl-R also while dialling)',
  },
  {
    action: 'dial',
    characters: 'd/',
    shown: 'd',
    label: 'dial',
    hint: true,
    help: 'call a number, a name or user@host',
  },
  {
    action: 'hangup',
    characters: 'x',
    shown: 'x',
    label: 'hang up',
    hint: true,
    help: 'end the chosen call',
  },
  {
    action: 'hold',
    characters: 'h',
    shown: 'h',
    label: 'hold',
    hint: true,
    help: 'hold the chosen call, or take it off hold',
  },
  {
    action: 'mute',
    characters: 'm',
    shown: 'm',
    label: 'mute',
    hint: true,
    help: 'silence the microphone, or open it again',
  },
  {
    action: 'swap',
    characters: 's',
    shown: 's',
    label: 'swap',
    hint: true,
    help: 'take up the call on hold and hold the other one',
  },
  {
    action: 'join',
    characters: 'b',
    shown: 'b',
    label: 'conference',
    hint: false,
    help: 'bring all calls together, mixed at the thin client',
  },
  {
    action: 'leave',
    characters: 'o',
    shown: 'o',
    label: 'out',
    hint: false,
    help: 'take the chosen call out of the conference, and hold it',
  },
  {
    action: 'record',
    characters: 'R',
    shown: 'R',
    label: 'record',
    hint: false,
    help: 'record the chosen call at the thin client, or end that',
  },
  {
    action: 'pauseRecording',
    characters: 'P',
    shown: 'P',
    label: 'pause recording',
    hint: true,
    help: 'record silence, for card data and the like, or go on',
  },
  {
    action: 'transfer',
    characters: 't',
    shown: 't',
    label: 'transfer',
    hint: true,
    help: 'hand the other party on; without a target: to the other call',
  },
  {
    action: 'move',
    characters: 'g',
    shown: 'g',
    label: 'move',
    hint: true,
    help: 'take the chosen call to the desk phone, or back to the thin client',
  },
  {
    action: 'mode',
    characters: 'M',
    shown: 'M',
    label: 'handset',
    hint: false,
    help: 'use the desk phone from now on, or the softphone again',
  },
  {
    action: 'redial',
    characters: 'l',
    shown: 'l',
    label: 'redial',
    hint: false,
    help: 'call the last number again',
  },
  {
    action: 'pickup',
    characters: 'u',
    shown: 'u',
    label: 'pick up',
    hint: true,
    help: 'take the call that rings at a watched phone',
  },
  {
    action: 'disturb',
    characters: 'n',
    shown: 'n',
    label: 'do not disturb',
    hint: false,
    help: 'refuse calls, or take them again',
  },
  {
    action: 'digit',
    characters: '0123456789*#+',
    shown: '0-9 * #',
    label: 'digits',
    hint: false,
    help: 'in a call: send the key (DTMF); else: begin to dial',
  },
  {
    action: 'next',
    characters: 'j',
    named: 'downArrow',
    shown: '↓ j',
    label: 'next',
    hint: false,
    help: 'choose the next call, or the next line of a list',
  },
  {
    action: 'previous',
    characters: 'k',
    named: 'upArrow',
    shown: '↑ k',
    label: 'previous',
    hint: false,
    help: 'choose the call or the line before',
  },
  {
    action: 'choose',
    characters: '',
    named: 'return',
    shown: 'Enter',
    label: 'call',
    hint: false,
    help: 'in a list: call the chosen one; a lamp that rings: pick up',
  },
  {
    action: 'view',
    characters: '',
    named: 'tab',
    shown: 'Tab',
    label: 'view',
    hint: true,
    help: 'calls, history, contacts, messages, lamps, quality in turn',
  },
  {
    action: 'calls',
    characters: '',
    named: 'escape',
    shown: 'Esc',
    label: 'calls',
    hint: false,
    help: 'back to the calls',
  },
  {
    action: 'history',
    characters: 'y',
    shown: 'y',
    label: 'history',
    hint: false,
    help: 'calls that are over',
  },
  {
    action: 'contacts',
    characters: 'c',
    shown: 'c',
    label: 'contacts',
    hint: false,
    help: 'people and places',
  },
  {
    action: 'messages',
    characters: 'e',
    shown: 'e',
    label: 'messages',
    hint: false,
    help: 'text messages',
  },
  {
    action: 'write',
    characters: 'w',
    shown: 'w',
    label: 'write',
    hint: false,
    help: 'send a text message, to the chosen line or call',
  },
  {
    action: 'lamps',
    characters: 'p',
    shown: 'p',
    label: 'lamps',
    hint: false,
    help: 'phones and persons that are watched',
  },
  {
    action: 'quality',
    characters: 'v',
    shown: 'v',
    label: 'quality',
    hint: false,
    help: 'how the chosen call sounds, and has sounded',
  },
  {
    action: 'find',
    characters: 'f',
    shown: 'f',
    label: 'find',
    hint: false,
    help: 'show only the lines of a list that have what is typed',
  },
  {
    action: 'palette',
    characters: ':',
    control: 'p',
    shown: ':',
    shownControl: 'Ctrl-P',
    label: 'commands',
    hint: true,
    help: 'everything that can be done, by its name (also Ctrl-P)',
  },
  {
    action: 'help',
    characters: '?',
    shown: '?',
    label: 'help',
    hint: true,
    help: 'this list',
  },
  {
    action: 'quit',
    characters: 'q',
    control: 'c',
    shown: 'q',
    label: 'leave',
    hint: true,
    help: 'leave the screen (also Ctrl-C); calls go on',
  },
];

export function actionFor(input: string, key: Key): Action | undefined {
  return keyTable.find((binding) => matches(binding, input, key))?.action;
}

/** Keys that also work while a target is typed. */
export function controlActionFor(input: string, key: Key): Action | undefined {
  return key.ctrl ? actionFor(input, key) : undefined;
}

export function shownKey(action: Action, typing: boolean): string {
  const binding = keyTable.find((one) => one.action === action);
  return (typing ? binding?.shownControl : undefined) ?? binding?.shown ?? '';
}

function matches(binding: KeyBinding, input: string, key: Key): boolean {
  if (binding.named !== undefined && key[binding.named]) return true;
  if (key.ctrl) return binding.control !== undefined && input === binding.control;
  if (key.meta || input.length !== 1) return false;
  return binding.characters.includes(input);
}
