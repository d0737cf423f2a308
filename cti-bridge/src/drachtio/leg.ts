import { randomUUID } from 'node:crypto';
import type { Dialog, SrfRequest } from 'drachtio-srf';
import type { ConnectionFact, Fact } from '../model/facts.ts';
import type { ConnectionRole, EventCause } from '../model/terms.ts';

/** One party of a call that goes through the bridge. */
export class Leg {
  readonly key: string;
  readonly device: string | undefined;
  readonly number: string;
  role: ConnectionRole;
  call: string;
  state: ConnectionFact['state'];
  /** Once the party has answered. */
  dialog: Dialog | undefined;
  /** The INVITE that it has not answered yet. */
  inviting: SrfRequest | undefined;
  /** Whom it talks to, or will. */
  other: Leg | undefined;
  /** Its INVITE is to go to another place instead. */
  divertTo: { readonly to: string; readonly cause: EventCause } | undefined;

  constructor(parts: {
    name: string;
    call?: string;
    device: string | undefined;
    number: string;
    role: ConnectionRole;
  }) {
    this.key = `${parts.name}:${randomUUID()}`;
    this.call = parts.call ?? `${parts.name}:${randomUUID()}`;
    this.device = parts.device;
    this.number = parts.number;
    this.role = parts.role;
    this.state = parts.role === 'called' ? 'alerting' : 'initiated';
  }

  get isOver(): boolean {
    return this.#over;
  }
  #over = false;

  fact(cause?: EventCause): ConnectionFact {
    return {
      kind: 'connection',
      key: this.key,
      call: this.call,
      device: this.device,
      role: this.role,
      state: this.state,
      party: { number: this.number.slice(0, 160) },
      ...(cause === undefined ? {} : { cause }),
    };
  }

  become(state: ConnectionFact['state'], cause?: EventCause): Fact {
    this.state = state;
    return this.fact(cause);
  }

  end(cause: EventCause = 'normalClearing', diverted = false): Fact {
    this.#over = true;
    return { kind: 'cleared', key: this.key, cause, ...(diverted ? { diverted } : {}) };
  }
}
