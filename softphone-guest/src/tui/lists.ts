import { printable } from '@offhook/common/printable';
import type { CallInfo } from '../control/schemas.ts';
import { duration, localTime } from '../text/words.ts';
import type { PhoneState } from './state.ts';
import { party, texts } from './texts.ts';

export const views = ['calls', 'history', 'contacts', 'messages', 'quality'] as const;
export type View = (typeof views)[number];
/** Views that are lists with a chosen line. */
export type ListView = 'history' | 'contacts' | 'messages';

/** One line of a list. */
export interface Row {
  readonly key: string;
  /** Told apart from others without colour: `!` for what wants a look. */
  readonly sign: string;
  readonly cells: readonly string[];
  /** What Enter calls. */
  readonly target: string | undefined;
}

export function isListView(view: View): view is ListView {
  return view === 'history' || view === 'contacts' || view === 'messages';
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
      return state.messages.map(({ at, from, fromName, text }) => ({
        key: `${at} ${from}`,
        sign: ' ',
        cells: [
          localTime(new Date(at).toISOString()).slice(5, 16),
          printable(fromName ?? from.replace(/^sips?:/i, '')),
          printable(text),
        ],
        target: from,
      }));
    default:
      return view satisfies never;
  }
}

function historyRow(call: CallInfo): Row {
  const missed = call.direction === 'incoming' && call.answeredAt === null;
  return {
    key: call.id,
    sign: missed ? '!' : ' ',
    cells: [
      localTime(call.startedAt).slice(5, 16),
      missed ? texts.missedCall : call.direction === 'incoming' ? texts.from : texts.to,
      duration(call, 0),
      party(call),
    ],
    target: call.remote,
  };
}
