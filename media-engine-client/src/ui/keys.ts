/** What a key can do on the main screen. */
export type Action =
  | 'hangup'
  | 'mute'
  | 'muteAll'
  | 'take'
  | 'stopRecording'
  | 'microphone'
  | 'speaker'
  | 'ringer'
  | 'louder'
  | 'quieter'
  | 'next'
  | 'previous'
  | 'help'
  | 'quit';

interface KeyBinding {
  readonly action: Action;
  readonly characters: string;
  readonly shown: string;
  readonly label: string;
  readonly help: string;
}

/** The one table of keys: it drives the input, the bottom line and the help. */
export const keyTable: readonly KeyBinding[] = [
  {
    action: 'hangup',
    characters: 'x',
    shown: 'x',
    label: 'hang up',
    help: 'end the chosen call now, whatever its guest does',
  },
  {
    action: 'mute',
    characters: 'm',
    shown: 'm',
    label: 'mute',
    help: 'silence the microphone for the chosen call; no guest can undo it',
  },
  {
    action: 'muteAll',
    characters: 'M',
    shown: 'M',
    label: 'mute all',
    help: 'silence the microphone for every call, or open it again',
  },
  {
    action: 'take',
    characters: 't',
    shown: 't',
    label: 'take',
    help: 'give the chosen call microphone and speaker',
  },
  {
    action: 'stopRecording',
    characters: 's',
    shown: 's',
    label: 'stop recording',
    help: 'end the recording of the chosen call; no guest can begin it again',
  },
  {
    action: 'microphone',
    characters: 'i',
    shown: 'i',
    label: 'microphone',
    help: 'choose the microphone',
  },
  { action: 'speaker', characters: 'o', shown: 'o', label: 'speaker', help: 'choose the speaker' },
  { action: 'ringer', characters: 'r', shown: 'r', label: 'ringer', help: 'choose where it rings' },
  { action: 'louder', characters: '+=', shown: '+', label: 'louder', help: 'speaker louder' },
  { action: 'quieter', characters: '-_', shown: '-', label: 'quieter', help: 'speaker quieter' },
  { action: 'next', characters: 'j', shown: 'j', label: 'next', help: 'next call (arrow down)' },
  {
    action: 'previous',
    characters: 'k',
    shown: 'k',
    label: 'previous',
    help: 'previous call (arrow up)',
  },
  { action: 'help', characters: '?h', shown: '?', label: 'keys', help: 'show these lines' },
  { action: 'quit', characters: 'q', shown: 'q', label: 'quit', help: 'leave; calls go on' },
];

export function actionFor(input: string): Action | undefined {
  if (input.length !== 1) return undefined;
  return keyTable.find(({ characters }) => characters.includes(input))?.action;
}
