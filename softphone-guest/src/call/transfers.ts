import {
  describeError,
  isOffhookError,
  OffhookError,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { IncomingReferral, Referral, ReferralState } from '@offhook/signaling';
import type { Line, Placing } from './call-manager.ts';
import type { CallSession } from './call-session.ts';
import { isOver, type TransferProgress } from './model.ts';

/** How long a transferred call may linger when whoever asked does not end it (RFC 5589 §6). */
const LINGER_MS = 5000;
/** As long as signaling reports how a referred call fares. */
const REFERRED_MS = 300_000;

export interface TransferParts {
  readonly place: (line: Line, target: string, placing: Placing) => CallSession;
  readonly resume: (id: string) => Promise<void>;
  /** The SIP URI of what somebody wants us to call. @throws OffhookError `bad-target`. */
  readonly check: (line: Line, target: string) => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Transfers in both directions (RFC 5589): ours by REFER, and those that a peer asks of us. */
export class Transfers {
  readonly #parts: TransferParts;

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  /** Hands the peer of a call on to a target. What becomes of it is in the call's `transfer`. */
  blind(session: CallSession, target: string): Promise<ReferralState> {
    requireTalking(session);
    return this.#follow(session, target, session.sip.refer(target), undefined);
  }

  /**
   * Joins the peers of two calls. A party that still rings cannot be handed over: it is left, and the
   * other one calls it anew (RFC 5589 §7.2).
   */
  attended(session: CallSession, other: CallSession): Promise<ReferralState> {
    requireTalking(session);
    const target = other.call.remote.uri;
    if (other.call.phase === 'established') {
      const referral = session.sip.refer(target, { replaces: other.sip });
      return this.#follow(session, target, referral, other);
    }
    if (other.call.direction === 'incoming' || isOver(other.call)) requireTalking(other);
    return this.#leaveAndHand(session, other, target);
  }

  async #leaveAndHand(
    session: CallSession,
    other: CallSession,
    target: string,
  ): Promise<ReferralState> {
    await other.hangup();
    return this.blind(session, target);
  }

  async #follow(
    session: CallSession,
    to: string,
    referral: Referral,
    other: CallSession | undefined,
  ): Promise<ReferralState> {
    const tell = (state: ReferralState): void =>
      session.input({ type: 'transfer', progress: progressOf(to, state) });
    tell(referral.state);
    referral.on('state', tell);
    const outcome = await referral.done;
    this.#parts.logger.info({ call: session.id, to, outcome }, 'transfer');
    // Neither succeeded nor failed: accepted by somebody who does not report (RFC 4488).
    const through = outcome.state === 'succeeded' || outcome.state === 'unknown';
    if (through) {
      for (const done of [session, other]) {
        if (done !== undefined && !isOver(done.call)) void done.hangup();
      }
    }
    return outcome;
  }

  /** A peer asks us to call somebody: in a call it transfers us, else it dials for the person. */
  asked(line: Line, session: CallSession | undefined, referral: IncomingReferral): void {
    const { logger } = this.#parts;
    const { transfers, click_to_dial: clickToDial } = line.config;
    const welcome = session === undefined ? clickToDial : transfers === 'accept';
    if (!welcome) {
      logger.info({ from: referral.from.uri, to: referral.target }, 'transfer refused by policy');
      referral.refuse(603);
      return;
    }
    const { replaces, referredBy } = referral;
    const held = session?.call.hold.wanted === true;
    let next: CallSession;
    try {
      next = this.#parts.place(line, this.#parts.check(line, referral.target), {
        ...(replaces !== undefined && { replaces }),
        ...(referredBy !== undefined && { headers: [`Referred-By: ${referredBy.header}`] }),
        referredBy: referredBy?.uri ?? referral.from.uri,
      });
    } catch (error) {
      logger.warn({ to: referral.target, reason: describeError(error) }, 'transfer not possible');
      referral.refuse(isOffhookError(error, 'bad-target') ? 400 : 480);
      return;
    }
    referral.accept();
    void this.#report(next, session, held, referral);
  }

  async #report(
    next: CallSession,
    before: CallSession | undefined,
    wasHeld: boolean,
    referral: IncomingReferral,
  ): Promise<void> {
    let told = '';
    const decided = (): boolean => {
      const { phase } = next.call;
      if (phase !== told && (phase === 'ringing' || phase === 'early')) {
        told = phase;
        referral.report(phase === 'ringing' ? 180 : 183);
      }
      return phase === 'established' || phase === 'ended';
    };
    await next.until(decided, REFERRED_MS);
    if (next.call.phase === 'established') {
      referral.report(200);
      this.#parts.clock.after(LINGER_MS, () => {
        if (before !== undefined && !isOver(before.call)) void before.hangup();
      });
      return;
    }
    const { status = 408 } = next.call.end ?? {};
    referral.report(status >= 300 ? status : 487);
    if (before === undefined || wasHeld || isOver(before.call)) return;
    try {
      // It was put on hold for the call that came to nothing.
      await this.#parts.resume(before.id);
    } catch (error) {
      this.#parts.logger.warn(
        { call: before.id, reason: describeError(error) },
        'the call could not be taken up again',
      );
    }
  }
}

function progressOf(to: string, state: ReferralState): TransferProgress {
  const { status, reason } = 'status' in state ? state : { status: 0, reason: '' };
  return { to, state: state.state, status, reason };
}

function requireTalking({ call }: CallSession): void {
  if (call.phase === 'established') return;
  throw new OffhookError(
    'call',
    'wrong-state',
    `cannot transfer call ${call.id}: it is ${call.phase}`,
    { details: { id: call.id, phase: call.phase } },
  );
}
