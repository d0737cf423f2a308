import type { Clock, Timer } from '@offhook/common';
import type { CallChange, CallJournal, CallSnapshot } from '../../call-api.ts';

/** A call as a journal sees it. */
export interface KeptCall {
  readonly id: string;
  /** Undefined when there is nothing (any more) that another process would have to know. */
  snapshot(): CallSnapshot | undefined;
}

/** Changes that no message of ours shows may wait so long, to be written together. */
const QUIET_MS = 20;

/**
 * Has calls written down. Whatever sends a message of ours calls `commit` before: so a change is in
 * the journal before anybody can know of it.
 */
export class Keeper {
  readonly #journal: CallJournal | undefined;
  readonly #clock: Clock;
  readonly #changed = new Set<KeptCall>();
  /** Calls that the journal has. */
  readonly #written = new Set<string>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(journal: CallJournal | undefined, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** The call is in the journal already, from an earlier process. */
  knows(call: KeptCall): void {
    this.#written.add(call.id);
  }

  touch(call: KeptCall): void {
    if (this.#journal === undefined || this.#closed) return;
    this.#changed.add(call);
    this.#timer ??= this.#clock.after(QUIET_MS, () => this.#all());
  }

  /** Before a message leaves. That a call is over can wait: a process that does not know is told. */
  commit(): void {
    if (this.#changed.size === 0) return;
    const changes: CallChange[] = [];
    for (const call of this.#changed) {
      const snapshot = call.snapshot();
      if (snapshot === undefined) continue;
      this.#changed.delete(call);
      this.#written.add(call.id);
      changes.push({ id: call.id, snapshot });
    }
    if (changes.length > 0) this.#journal?.commit(changes);
  }

  /** Writes what is left; later changes are not written. */
  close(): void {
    this.#all();
    this.#closed = true;
  }

  #all(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const changes: CallChange[] = [];
    for (const call of this.#changed) {
      const snapshot = call.snapshot();
      if (snapshot !== undefined) this.#written.add(call.id);
      else if (!this.#written.delete(call.id)) continue;
      changes.push({ id: call.id, snapshot });
    }
    this.#changed.clear();
    if (changes.length > 0) this.#journal?.commit(changes);
  }
}
