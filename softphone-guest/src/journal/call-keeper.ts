import type { Clock, Timer } from '@offhook/common';
import type { CallChange, CallJournal, CallSnapshot } from '@offhook/signaling';
import type { Journal } from './journal.ts';
import type { JournalRow } from './rows.ts';

/** Our half of a call, beside signaling's. */
export interface KeptSession {
  /** Signaling's id of the call. */
  readonly sipId: string;
  /** With signaling's half as it is. */
  record(sip: CallSnapshot): JournalRow;
  /** Undefined when signaling has nothing to be written down. */
  readonly row: JournalRow | undefined;
}

interface RowChange {
  readonly id: string;
  readonly row: JournalRow | undefined;
}

/** Changes that only this end knows of may wait so long, to be written together. */
const QUIET_MS = 20;

/** Puts signaling's half of each call together with ours, and has them written. */
export class CallKeeper implements CallJournal {
  readonly #journal: Journal | undefined;
  readonly #clock: Clock;
  readonly #sessions = new Map<string, KeptSession>();
  readonly #written = new Set<string>();
  readonly #changed = new Set<KeptSession>();
  #timer: Timer | undefined;

  constructor(journal: Journal | undefined, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  add(session: KeptSession): void {
    if (this.#journal !== undefined) this.#sessions.set(session.sipId, session);
  }

  /** The call is over for us; signaling may still have a BYE to see answered. */
  finished(session: KeptSession): void {
    if (!this.#written.has(session.sipId)) this.#sessions.delete(session.sipId);
  }

  /** Our half has changed. */
  touch(session: KeptSession): void {
    if (this.#journal === undefined) return;
    this.#changed.add(session);
    this.#timer ??= this.#clock.after(QUIET_MS, () => this.#flush());
  }

  commit(changes: readonly CallChange[]): void {
    const rows = changes.flatMap(({ id, snapshot }): RowChange[] => {
      const session = this.#sessions.get(id);
      if (snapshot === undefined) {
        this.#sessions.delete(id);
        this.#written.delete(id);
        return [{ id, row: undefined }];
      }
      if (session === undefined) return [];
      this.#written.add(id);
      return [{ id, row: session.record(snapshot) }];
    });
    this.#journal?.commit(rows);
  }

  /** The call is in the journal already, from an earlier process. */
  inherited(session: KeptSession): void {
    this.add(session);
    this.#written.add(session.sipId);
  }

  /** A call of an earlier process that cannot go on. */
  drop(sipId: string): void {
    this.#journal?.commit([{ id: sipId, row: undefined }]);
  }

  close(): void {
    this.#flush();
    this.#timer?.cancel();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const changed = [...this.#changed].filter(({ sipId }) => this.#written.has(sipId));
    this.#changed.clear();
    this.#journal?.commit(
      changed.flatMap((session): RowChange[] => {
        const { row } = session;
        return row === undefined ? [] : [{ id: session.sipId, row }];
      }),
    );
  }
}
