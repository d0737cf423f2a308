import { OffhookError } from '@offhook/common';
import type { SdpSteps } from '../session/sdp-steps.ts';
import type { Session } from '../session/session.ts';
import type { EarlyDialogs } from './early-dialogs.ts';

export interface Accepted {
  readonly session: Session;
  /** Of the 2xx. */
  readonly sdp: string | undefined;
  /** Of our INVITE; undefined when the peer offers. */
  readonly offer: string | undefined;
  readonly early: EarlyDialogs;
  readonly steps: SdpSteps;
  /** Sends the ACK, with our answer where there is one to give. */
  readonly acknowledge: (answer?: string) => void;
}

/** Offer and answer of a 2xx to our INVITE, and its ACK. Rejects when there can be no media. */
export async function describeAccepted(accepted: Accepted): Promise<void> {
  const { session, sdp, offer, early, steps, acknowledge } = accepted;
  const known = early.exchanged(session);
  if (early.stands(session)) {
    acknowledge();
  } else if (offer !== undefined) {
    acknowledge();
    // A 2xx may leave out, or repeat, what a reliable 18x has fixed.
    const answer = known?.reliable === true ? known.remote : (sdp ?? known?.remote);
    if (answer === undefined) {
      throw new OffhookError('signaling', 'invalid-sdp', 'the answer has no description');
    }
    await steps.acceptAnswer(answer, false);
    session.negotiation.settle({ local: offer, remote: answer, offeredByPeer: false });
  } else if (known === undefined) {
    await answerLate(accepted);
  } else {
    acknowledge();
    session.negotiation.settle({ ...known, offeredByPeer: true });
  }
}

/** The 2xx brings the offer, our ACK the answer (RFC 3261 §13.2.2.4). */
async function answerLate({ session, sdp, steps, acknowledge }: Accepted): Promise<void> {
  try {
    if (sdp === undefined) {
      throw new OffhookError('signaling', 'invalid-sdp', 'the peer made no offer');
    }
    const answer = await steps.createAnswer(sdp);
    acknowledge(answer);
    session.negotiation.settle({ local: answer, remote: sdp, offeredByPeer: true });
  } catch (error) {
    acknowledge();
    throw error;
  }
}
