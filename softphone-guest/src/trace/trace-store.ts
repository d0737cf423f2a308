import type { TraceEntry } from '@offhook/signaling';

/** Dialogs that are remembered: the ones that were heard of last. */
const MAX_DIALOGS = 300;
/** Messages of one dialog; a re-INVITE storm must not push the others out. */
const MAX_MESSAGES = 400;
/** Characters of all messages together. */
const MAX_CHARACTERS = 8 * 1024 * 1024;

interface Dialog {
  readonly entries: TraceEntry[];
  characters: number;
  /** Messages beyond the bound that were let go, the oldest first. */
  dropped: number;
}

export interface Trace {
  readonly entries: readonly TraceEntry[];
  readonly dropped: number;
}

/** The last SIP messages, by Call-ID, in bounded memory. Secrets are masked before they come here. */
export class TraceStore {
  /** The one that was heard of last is at the end. */
  readonly #dialogs = new Map<string, Dialog>();
  readonly #watchers = new Set<(callId: string, entry: TraceEntry) => void>();
  #characters = 0;

  readonly add = (entry: TraceEntry): void => {
    const callId = callIdOf(entry.message);
    if (callId === undefined) return;
    const dialog = this.#dialogs.get(callId) ?? { entries: [], characters: 0, dropped: 0 };
    this.#dialogs.delete(callId);
    this.#dialogs.set(callId, dialog);
    dialog.entries.push(entry);
    this.#count(dialog, entry.message.length);
    if (dialog.entries.length > MAX_MESSAGES) this.#dropOldest(dialog);
    this.#shrink();
    for (const watch of this.#watchers) watch(callId, entry);
  };

  /** Of one Call-ID, oldest message first. */
  get(callId: string): Trace {
    const dialog = this.#dialogs.get(callId);
    return { entries: [...(dialog?.entries ?? [])], dropped: dialog?.dropped ?? 0 };
  }

  /** Of every Call-ID, in the order of time. */
  all(): Trace {
    const dialogs = [...this.#dialogs.values()];
    return {
      entries: dialogs.flatMap(({ entries }) => entries).toSorted((a, b) => a.at - b.at),
      dropped: dialogs.reduce((sum, { dropped }) => sum + dropped, 0),
    };
  }

  /** Until the returned function is called. */
  watch(watcher: (callId: string, entry: TraceEntry) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #shrink(): void {
    for (const [callId, dialog] of this.#dialogs) {
      if (this.#dialogs.size <= MAX_DIALOGS && this.#characters <= MAX_CHARACTERS) return;
      if (this.#dialogs.size === 1) {
        while (this.#characters > MAX_CHARACTERS) this.#dropOldest(dialog);
        return;
      }
      this.#dialogs.delete(callId);
      this.#characters -= dialog.characters;
    }
  }

  #dropOldest(dialog: Dialog): void {
    const oldest = dialog.entries.shift();
    if (oldest === undefined) return;
    dialog.dropped += 1;
    this.#count(dialog, -oldest.message.length);
  }

  #count(dialog: Dialog, characters: number): void {
    dialog.characters += characters;
    this.#characters += characters;
  }
}

/** RFC 3261 §20.8; `i` is the compact form. */
function callIdOf(message: string): string | undefined {
  const end = message.indexOf('\r\n\r\n');
  const head = end < 0 ? message : message.slice(0, end);
  return /^(?:call-id|i)[ \t]*:[ \t]*(\S+)/im.exec(head)?.[1];
}
