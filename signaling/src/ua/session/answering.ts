import { isOffhookError } from '@offhook/common';
import type { InboundRequest } from '../core/inbound-request.ts';
import { answerTimer, type SessionInterval } from '../dialog/session-timer.ts';
import type { HeaderPair } from '../message/headers.ts';
import { sdpOf, unreadableBody, type SipRequest } from '../message/message.ts';
import { AcceptedInvite } from './accepted.ts';
import { admit, type OfferAnswer } from './offer-answer.ts';
import { capabilityHeaders } from './profile.ts';
import type { Session } from './session.ts';

const SDP = 'application/sdp';

/** The peer's re-INVITEs and UPDATEs in one dialog, and the ACK to every 2xx of ours. */
export class Answering {
  readonly #session: Session;
  #accepted: AcceptedInvite | undefined;
  /** Takes the answer that an ACK brings, when our 2xx made the offer. */
  #onAck: ((answer: string | undefined) => void) | undefined;
  #afterAck: (() => void) | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  incoming(inbound: InboundRequest): void {
    const { message } = inbound;
    const { profile, negotiation, refresher } = this.#session;
    const method = message.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const offer = sdpOf(message);
    const unreadable = unreadableBody(message);
    if (unreadable !== undefined) {
      inbound.reply(415, { headers: unreadable });
      return;
    }
    const admission = admit(negotiation.state, method, offer !== undefined);
    if (!admission.admit) {
      const seconds = Math.floor(profile.core.random.fraction() * 11);
      const headers: HeaderPair[] = [['retry-after', String(seconds)]];
      inbound.reply(admission.status, admission.status === 500 ? { headers } : {});
      return;
    }
    const timer = answerTimer(message.headers, profile.sessionTimer, refresher.current);
    if (timer.kind === 'refuse') {
      inbound.reply(422, { headers: timer.headers });
      return;
    }
    this.#answer(inbound, method, offer, timer).catch((error: unknown) =>
      profile.logger.error({ error }, 'a change of the session failed'),
    );
  }

  async #answer(
    inbound: InboundRequest,
    method: 'INVITE' | 'UPDATE',
    offer: string | undefined,
    timer: {
      readonly timer: SessionInterval | undefined;
      readonly headers: readonly HeaderPair[];
    },
  ): Promise<void> {
    const session = this.#session;
    const invite = method === 'INVITE';
    const lateOffer = invite && offer === undefined;
    const opens = offer !== undefined || lateOffer;
    session.negotiation.mark({
      ...(invite && { theirInvite: true }),
      ...(offer !== undefined && { open: 'theirs' as const }),
      ...(lateOffer && { open: 'ours' as const }),
    });
    inbound.onCancel = () => inbound.reply(487);
    const known = offer === undefined ? undefined : this.#answerBefore(offer);
    let local: string | undefined;
    try {
      if (offer !== undefined) local = known ?? (await session.steps.createAnswer(offer));
      else if (lateOffer) local = await session.steps.createOffer();
    } catch (error) {
      inbound.reply(...refusal(error));
      this.#close(invite, opens);
      return;
    }
    if (inbound.answered || session.ended) {
      // Cancelled meanwhile: the description before stays in force.
      if (local !== known) await session.steps.rollback().catch(() => undefined);
      this.#close(invite, opens);
      return;
    }
    session.moved(inbound.message.headers);
    if (offer !== undefined) {
      session.negotiation.settle({ local, remote: offer, offeredByPeer: true });
    }
    session.refresher.restart(timer.timer);
    session.shows(inbound.flow);
    inbound.reply(200, {
      headers: [...capabilityHeaders(session.profile, inbound.flow), ...timer.headers],
      ...(local !== undefined && { body: { type: SDP, content: local } }),
    });
    if (invite) {
      this.awaitAck(inbound, (answer) => {
        void this.#lateAnswer(lateOffer ? local : undefined, answer);
      });
    } else this.#close(false, opens);
  }

  /** The same offer again is a refresh: our answer to it has not changed (RFC 3264 §8). */
  #answerBefore(offer: string): string | undefined {
    const { local, remote, offeredByPeer } = this.#session.negotiation.descriptions;
    return offeredByPeer && remote === offer ? local : undefined;
  }

  async #lateAnswer(offered: string | undefined, answer: string | undefined): Promise<void> {
    const { steps, negotiation, profile } = this.#session;
    try {
      if (offered !== undefined && answer !== undefined) {
        await steps.acceptAnswer(answer, false);
        negotiation.settle({ local: offered, remote: answer, offeredByPeer: false });
      } else if (offered !== undefined) await steps.rollback();
    } catch (error) {
      profile.logger.warn({ error }, 'the answer in an ACK was of no use');
      await steps.rollback().catch(() => undefined);
    } finally {
      this.#close(true, true);
    }
  }

  #close(invite: boolean, offer: boolean): void {
    const change: Partial<OfferAnswer> = {
      ...(invite && { theirInvite: false }),
      ...(offer && { open: 'none' as const }),
    };
    this.#session.negotiation.mark(change);
  }

  /** A 2xx of ours has left: it is sent again until the ACK; BYE when none comes. */
  awaitAck(inbound: InboundRequest, acknowledged: (answer: string | undefined) => void): void {
    this.#onAck = acknowledged;
    this.#accepted = new AcceptedInvite(this.#session.profile.core, inbound, () => {
      this.#afterAck?.();
      void this.#session.bye({
        by: 'network',
        status: 408,
        reason: 'the answer was never acknowledged',
      });
    });
  }

  acknowledged(message: SipRequest): void {
    const accepted = this.#accepted;
    if (accepted === undefined || accepted.acknowledged) return;
    if (accepted.cseq !== message.cseq.number) return;
    accepted.stop();
    const tell = this.#onAck;
    this.#onAck = undefined;
    this.#afterAck?.();
    if (!this.#session.ended) tell?.(sdpOf(message));
  }

  /** Resolves when no 2xx of ours waits for its ACK any more. */
  untilAcknowledged(): Promise<void> {
    if (this.#accepted === undefined || this.#accepted.acknowledged) return Promise.resolve();
    return new Promise((resolve) => {
      this.#afterAck = resolve;
    });
  }

  end(): void {
    this.#accepted?.stop();
    this.#afterAck?.();
  }
}

/** Status for what an SdpAgent throws. */
export function refusal(error: unknown): [status: number, options: { reason?: string }] {
  const notAcceptable = ['no-common-codec', 'srtp-required', 'invalid-sdp', 'address-refused'];
  return isOffhookError(error) && notAcceptable.includes(error.code) ? [488, {}] : [500, {}];
}
