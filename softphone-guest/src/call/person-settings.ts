import { Emitter } from '@offhook/common';
import type { AccountConfig } from '../config.ts';
import type { Forwarding } from './incoming-policy.ts';

/** What the person can change while the phone runs, and what the phone then does with calls. */
export interface PersonSettings {
  readonly doNotDisturb: boolean;
  /** By address of record; a line that is not in it forwards as configured. */
  readonly forwarding: Readonly<Record<string, Forwarding>>;
}

export class Settings {
  readonly events = new Emitter<{ changed: PersonSettings }>();
  #current: PersonSettings;

  constructor(current: PersonSettings = { doNotDisturb: false, forwarding: {} }) {
    this.#current = current;
  }

  get current(): PersonSettings {
    return this.#current;
  }

  setDoNotDisturb(doNotDisturb: boolean): void {
    this.#change({ ...this.#current, doNotDisturb });
  }

  forwardingOf(line: Pick<AccountConfig, 'aor' | 'forward'>): Forwarding {
    const { forward } = line;
    return (
      this.#current.forwarding[line.aor] ?? {
        always: forward?.always,
        busy: forward?.busy,
        noAnswer: forward?.no_answer,
        afterMs: (forward?.after ?? DEFAULT_AFTER_S) * 1000,
      }
    );
  }

  setForwarding(aor: string, forwarding: Forwarding): void {
    const { forwarding: before } = this.#current;
    this.#change({ ...this.#current, forwarding: { ...before, [aor]: forwarding } });
  }

  /** The line forwards as configured again. */
  resetForwarding(aor: string): void {
    const { [aor]: _, ...forwarding } = this.#current.forwarding;
    this.#change({ ...this.#current, forwarding });
  }

  #change(next: PersonSettings): void {
    this.#current = next;
    this.events.emit('changed', next);
  }
}

const DEFAULT_AFTER_S = 20;
