import { printable } from '@offhook/common/printable';
import type { LampInfo, StoredMessageInfo } from '../control/presence-schemas.ts';
import type { CallInfo } from '../control/schemas.ts';
import { duration, localTime } from '../text/words.ts';
import type { PhoneState } from './state.ts';
import { messageParty, party, shortUri, texts } from './texts.ts';
import { signs } from './theme.ts';

export const views = ['calls', 'history', 'contacts', 'messages', 'lamps', 'quality'] as const;
export type View = (typeof views)[number];
/** Views that are lists with a chosen line. */
export type ListView = Exclude<View, 'calls' | 'quality'>;

/** The chosen line of a list. */
export interface Chosen {
  readonly row: number;
  /** What stands there; undefined as long as nobody has moved. */
  readonly key: string | undefined;
}

/** One line of a list. */
export interface Row {
  readonly key: string;
  /** Told apart from others without colour: `!` for what wants a look. */
  readonly sign: string;
  readonly cells: readonly string[];
  /** What Enter calls. */
  readonly target: string | undefined;
  /** The line that it came or went by. */
  readonly account?: string;
  /** A lamp that rings: Enter takes the call. */
  readonly ringing?: LampInfo;
  /** Shown whole below the list when this line is chosen. */
  readonly whole?: string;
}

export function isListView(view: View): view is ListView {
  return view !== 'calls' && view !== 'quality';
}

/** The lines of a list that have all words of `find`; undefined while it is being fetched. */
export function rowsOf(
  view: ListView,
  state: PhoneState,
  find: string,
): readonly Row[] | undefined {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  return allRows(view, state)?.filter(({ cells }) => {
    const line = cells.join(' ').toLowerCase();
    return words.every((word) => line.includes(word));
  });
}

/** The line that is chosen: the same one, also after others have come before it. */
export function chosenIndex(rows: readonly Row[], chosen: Chosen): number {
  const found = rows.findIndex(({ key }) => key === chosen.key);
  return found >= 0 ? found : Math.min(chosen.row, Math.max(0, rows.length - 1));
}

function allRows(view: ListView, state: PhoneState): readonly Row[] | undefined {
  switch (view) {
    case 'history':
      return state.history?.map(historyRow);
    case 'contacts':
      return state.contacts?.map(({ id, name, organisation, numbers, favourite }) => ({
        key: id,
        sign: favourite ? '*' : ' ',
        cells: [
          printable(organisation === null ? name : `${name}, ${organisation}`),
          printable(numbers.map(({ value }) => value).join('  ')),
        ],
        target: numbers[0]?.value,
      }));
    case 'messages':
      return state.messages?.map(messageRow);
    case 'lamps':
      return state.lamps.map((lamp) => ({
        key: lamp.target,
        sign: lamp.state === 'ringing' ? signs.bad : ' ',
        cells: [
          printable(lamp.name ?? shortUri(lamp.target, lamp.account)),
          texts.lampState[lamp.state],
          printable(lamp.trouble ?? (lamp.note === null ? '' : shortUri(lamp.note, lamp.account))),
        ],
        target: lamp.target,
        account: lamp.account,
        ...(lamp.state === 'ringing' ? { ringing: lamp } : {}),
      }));
    default:
      return view satisfies never;
  }
}

function messageRow(message: StoredMessageInfo): Row {
  const { id, at, direction, peer, account, text, state, reason } = message;
  const failed = state === 'failed' ? `${texts.notSent(reason ?? '')}  ` : '';
  return {
    key: id,
    sign: state === 'failed' ? signs.bad : state === 'sending' ? signs.busy : ' ',
    cells: [
      localTime(at).slice(5, 16),
      direction === 'in' ? texts.from : texts.to,
      messageParty(message),
      printable(`${failed}${text}`),
    ],
    target: peer,
    account,
    whole: printable(text),
  };
}

function historyRow(call: CallInfo): Row {
  const missed = call.direction === 'incoming' && call.answeredAt === null;
  return {
    key: call.id,
    sign: missed ? signs.bad : ' ',
    cells: [
      localTime(call.startedAt).slice(5, 16),
      missed ? texts.missedCall : call.direction === 'incoming' ? texts.from : texts.to,
      duration(call, 0),
      party(call),
      ...(call.at === 'desk' ? [`[${texts.atDesk}]`] : []),
      ...(call.recordings.length === 0 ? [] : [`[${texts.recorded}]`]),
    ],
    target: call.remote,
    account: call.account,
    ...(call.recordings.length > 0 && {
      whole: call.recordings.map(({ file }) => printable(file)).join('\n'),
    }),
  };
}
