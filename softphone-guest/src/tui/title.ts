import { focusOf, type PhoneState } from './state.ts';
import { party, texts } from './texts.ts';

/** XTWINOPS 22 and 23 of xterm's control sequences: the terminal keeps its title, and takes it back. */
const KEEP = '\u001b[22;2t';
const TAKE_BACK = '\u001b[23;2t';
/** Longer ones fit in no list of windows. */
const MAX_TITLE = 80;

/** Pure: what the window is called, so that a call is seen from other windows too. */
export function titleOf({ calls }: Pick<PhoneState, 'calls'>): string {
  const call = calls.find(({ state }) => state === 'incoming') ?? focusOf(calls, undefined);
  if (call === undefined) return texts.title;
  const who = party(call);
  return (call.state === 'incoming' ? `${texts.incoming} ${who}` : `${who} - ${texts.title}`).slice(
    0,
    MAX_TITLE,
  );
}

/** Keeps the terminal's title in line with the calls, until the returned function is called. */
export function keepTitle(
  store: {
    readonly getState: () => PhoneState;
    readonly subscribe: (listener: () => void) => () => void;
  },
  write: (sequence: string) => void,
): () => void {
  let shown: string | undefined;
  const update = () => {
    const state = store.getState();
    const title = state.screen.title ? titleOf(state) : undefined;
    if (title === shown) return;
    if (shown === undefined) write(KEEP);
    // OSC 2; a title has no control characters, so nothing in it can end the sequence.
    write(title === undefined ? TAKE_BACK : `\u001b]2;${title}\u0007`);
    shown = title;
  };
  const off = store.subscribe(update);
  update();
  return () => {
    off();
    if (shown !== undefined) write(TAKE_BACK);
  };
}
