import { describeError, OffhookError, type Logger } from '@offhook/common';
import type { CallSession } from './call-session.ts';

export interface ConferenceParts {
  /** Calls that are not over. */
  readonly list: () => readonly CallSession[];
  /** Puts calls on hold that are talked on and not in the conference of this one. */
  readonly holdOthers: (taken: CallSession) => void;
  readonly newName: () => string;
  readonly logger: Logger;
}

/**
 * Conferences of calls of this phone (RFC 4353 §5.1, the focus at an end point): each party has a
 * dialog of its own with us, and the thin client mixes.
 */
export class Conferences {
  readonly #parts: ConferenceParts;

  constructor(parts: ConferenceParts) {
    this.#parts = parts;
  }

  /** The calls of the same conference, this one among them; a call outside of one is by itself. */
  of(session: CallSession): readonly CallSession[] {
    const { conference } = session.call;
    return conference === undefined
      ? [session]
      : this.#parts.list().filter(({ call }) => call.conference === conference);
  }

  /**
   * Brings calls together, with the ones that they are in conference with already, and takes up those
   * on hold. Resolves when every peer has agreed to that; one that does not stays on hold, and joins
   * when it is taken up.
   */
  async join(sessions: readonly CallSession[], signal?: AbortSignal): Promise<void> {
    const members = new Set(sessions.flatMap((session) => this.of(session)));
    for (const { call } of members) {
      if (call.phase !== 'established') throw notUp(call.id, call.phase);
    }
    const [first] = members;
    if (first === undefined || members.size < 2) {
      throw new OffhookError('call', 'wrong-state', 'a conference needs two calls', {
        remedy: 'call somebody else first',
      });
    }
    const name =
      [...members].find(({ call }) => call.conference !== undefined)?.call.conference ??
      this.#parts.newName();
    for (const session of members) session.input({ type: 'conference', conference: name });
    this.#parts.holdOthers(first);
    const held = [...members].filter(({ call }) => call.hold.wanted);
    const outcomes = await Promise.allSettled(held.map((session) => session.hold(false, signal)));
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') continue;
      this.#parts.logger.warn(
        { call: held[at]?.id, reason: describeError(outcome.reason) },
        'a call could not be taken up for the conference',
      );
    }
  }

  /** Takes a call out of its conference, and puts it on hold. */
  async leave(session: CallSession, signal?: AbortSignal): Promise<void> {
    if (session.call.conference === undefined) {
      throw new OffhookError('call', 'wrong-state', `call ${session.id} is in no conference`);
    }
    const others = this.of(session).filter((other) => other !== session);
    session.input({ type: 'conference', conference: undefined });
    this.#dissolve(others);
    await session.hold(true, signal);
  }

  /** A call is over: what is left of its conference may be but one call. */
  ended(session: CallSession): void {
    const { conference } = session.call;
    if (conference === undefined) return;
    this.#dissolve(this.of(session).filter((other) => other !== session));
  }

  #dissolve(left: readonly CallSession[]): void {
    const [last] = left;
    if (last !== undefined && left.length === 1) {
      last.input({ type: 'conference', conference: undefined });
    }
  }
}

function notUp(id: string, phase: string): OffhookError {
  return new OffhookError('call', 'wrong-state', `call ${id} cannot join: it is ${phase}`, {
    details: { id, phase },
  });
}
