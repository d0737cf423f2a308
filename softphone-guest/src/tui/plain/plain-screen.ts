import type { PhoneActions } from '../actions.ts';
import { keyTable } from '../keys.ts';
import { chosenIndex, isListView, rowsOf, type Row } from '../lists.ts';
import { commands } from '../palette.ts';
import { focusOf, type PhoneState } from '../state.ts';
import { party, texts } from '../texts.ts';
import { initialUi, press, type Ui } from '../ui.ts';
import { announcements } from './announce.ts';

/** Lines of a list that are read out at once. */
const READ_ROWS = 10;

export interface PlainParts {
  readonly store: {
    readonly getState: () => PhoneState;
    readonly subscribe: (listener: () => void) => () => void;
  };
  readonly actions: PhoneActions;
  readonly say: (line: string) => void;
}

/**
 * The same phone as sentences, one a line, for screen readers and dumb terminals: a key and Enter does
 * what the key does on the screen, and text that the key asks for follows it, as in `d 030123`.
 */
export class PlainScreen {
  readonly #parts: PlainParts;
  readonly #unsubscribe: () => void;
  #ui: Ui = initialUi;
  #state: PhoneState;

  constructor(parts: PlainParts) {
    this.#parts = parts;
    this.#state = parts.store.getState();
    parts.say(texts.plain.begin);
    this.#unsubscribe = parts.store.subscribe(() => this.#changed());
  }

  close(): void {
    this.#unsubscribe();
  }

  /** A line that the person has typed, without its end. */
  line(text: string): void {
    const words = text.trim();
    const before = this.#ui;
    if (words === '') this.#press('', { return: true });
    else if (words === '?') return this.#help();
    else if (words === '=') return this.#sum();
    else this.#type(words);
    if (this.#ui.view !== before.view || this.#ui.find !== before.find) this.#readView();
    else if (this.#ui.row !== before.row) this.#readRow();
    else if (this.#ui.chosenCall !== before.chosenCall) this.#readCall();
  }

  #type(words: string): void {
    const [first = '', rest = ''] = words.split(/\s+(.*)/s, 2);
    const key = keyTable.find(({ label }) => label === first.toLowerCase())?.characters[0] ?? first;
    // A number alone is dialled, or sent as digits: as on the screen, key by key.
    if (key.length > 1) {
      for (const digit of key) this.#press(digit, {});
    } else this.#press(key, {});
    if (this.#ui.help) this.#ui = { ...this.#ui, help: false };
    if (this.#ui.field === undefined && !this.#ui.finding) return;
    if (rest !== '') this.#press(rest, {});
    if (this.#ui.field?.kind === 'palette' && rest === '') {
      const all = commands(this.#ui.chosenCall, this.#state, '');
      this.#ui = { ...this.#ui, field: undefined };
      return this.#parts.say(all.map(({ name }) => name).join('\n'));
    }
    return this.#press('', { return: true });
  }

  #press(input: string, key: Parameters<typeof press>[3]): void {
    const { ui, effects } = press(this.#ui, this.#parts.store.getState(), input, key);
    this.#ui = ui;
    for (const effect of effects) effect(this.#parts.actions);
  }

  #changed(): void {
    const before = this.#state;
    this.#state = this.#parts.store.getState();
    for (const line of announcements(before, this.#state)) this.#parts.say(line);
    // A message that comes is told by itself: the list is read when it is first there.
    const messages = before.messages === undefined && this.#state.messages !== undefined;
    const loaded =
      messages ||
      this.#state.history !== before.history ||
      this.#state.contacts !== before.contacts;
    if (loaded && isListView(this.#ui.view)) this.#readView();
  }

  #rows(): readonly Row[] | undefined {
    return isListView(this.#ui.view)
      ? rowsOf(this.#ui.view, this.#state, this.#ui.find)
      : undefined;
  }

  #readView(): void {
    const { view } = this.#ui;
    this.#parts.say(texts.views[view]);
    if (!isListView(view)) return this.#sum();
    const rows = this.#rows();
    if (rows === undefined) return this.#parts.say(texts.fetching);
    if (rows.length === 0) return this.#parts.say(texts.empty[view]);
    for (const row of rows.slice(0, READ_ROWS)) this.#parts.say(row.cells.join(', '));
    if (rows.length > READ_ROWS) this.#parts.say(texts.plain.more(rows.length - READ_ROWS));
    return undefined;
  }

  #readRow(): void {
    const rows = this.#rows();
    const row = rows?.[chosenIndex(rows, this.#ui)];
    if (row !== undefined) this.#parts.say(row.cells.join(', '));
  }

  #readCall(): void {
    const call = focusOf(this.#state.calls, this.#ui.chosenCall);
    if (call !== undefined) this.#parts.say(`${party(call)}: ${texts.callState[call.state]}`);
  }

  /** How things stand. */
  #sum(): void {
    const nothing: PhoneState = { ...this.#state, calls: [], accounts: [], notice: undefined };
    for (const line of announcements(nothing, { ...this.#state, notice: undefined })) {
      this.#parts.say(line);
    }
    if (this.#state.calls.length === 0) this.#parts.say(texts.plain.noCalls);
  }

  #help(): void {
    this.#parts.say(texts.plain.begin);
    for (const { characters, label, help } of keyTable) {
      if (characters.length === 1) this.#parts.say(`${characters}, ${label}: ${help}`);
    }
  }
}
