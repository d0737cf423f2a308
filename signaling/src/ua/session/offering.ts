import { describeError, OffhookError, isOffhookError, type Timer } from '@offhook/common';
import type { NextHop } from '../../transport/layer.ts';
import type { RequestFailure } from '../core/client-request.ts';
import { cseqOf, type RequestDraft } from '../dialog/dialog-state.ts';
import { intervalFromResponse, parseMinSE, requestTimerHeaders } from '../dialog/session-timer.ts';
import type { Headers, HeaderPair } from '../message/headers.ts';
import { sdpOf, type SipResponse } from '../message/message.ts';
import { reasonInWords } from '../words.ts';
import { glareDelay } from './offer-answer.ts';
import type { Session } from './session.ts';

/** A 491 is answered by another try at most this often. */
const MAX_GLARE = 8;
/** A peer that says "at once" has not even finished. */
const MIN_PAUSE_MS = 100;
/** Between tries of a refresh that failed for a reason that may pass. */
const REFRESH_RETRY_MS = 10_000;

type Outcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'failure'; readonly failure: RequestFailure };

/** Our re-INVITEs and UPDATEs in one dialog: new offers, and refreshes of the session timer. */
export class Offering {
  readonly #session: Session;
  #retry: Timer | undefined;
  #refresh: Promise<void> | undefined;
  #minSE = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  end(): void {
    this.#retry?.cancel();
  }

  /** re-INVITE with a new offer; 491 is met with patience (RFC 3261 §14.1). */
  async renegotiate(signal?: AbortSignal): Promise<void> {
    const { steps, negotiation } = this.#session;
    for (let glare = 0; ; glare += 1) {
      await negotiation.untilQuiet(signal);
      negotiation.mark({ open: 'ours' });
      let offer: string;
      try {
        offer = await steps.createOffer();
      } catch (error) {
        negotiation.mark({ open: 'none' });
        throw error;
      }
      negotiation.mark({ ourInvite: true });
      const outcome = await this.#request('INVITE', offer);
      const error = await this.#conclude(offer, outcome);
      if (error === undefined) return;
      const delay = this.#tryAgainAfter(outcome);
      if (delay === undefined || glare >= MAX_GLARE) throw error;
      await negotiation.pause(delay, signal);
    }
  }

  /** A 491, or a 500 because the peer is still at another one (RFC 3261 §14.2). */
  #tryAgainAfter(outcome: Outcome): number | undefined {
    if (outcome.kind === 'failure') return undefined;
    const { status, headers } = outcome.response;
    if (status === 491) return this.#glareDelay();
    const seconds = /^\d{1,2}/.exec(headers.get('retry-after') ?? '')?.[0];
    if (status !== 500 || seconds === undefined || Number(seconds) > 10) return undefined;
    return Math.max(Number(seconds) * 1000, MIN_PAUSE_MS);
  }

  #glareDelay(): number {
    const { dialog, profile } = this.#session;
    return glareDelay(dialog.role === 'uac', profile.core.random.fraction());
  }

  /** Takes the answer, or the old description back; the error if the offer failed. */
  async #conclude(offer: string, outcome: Outcome): Promise<OffhookError | undefined> {
    const { steps, negotiation } = this.#session;
    try {
      const answer =
        outcome.kind === 'response' && outcome.response.status < 300
          ? sdpOf(outcome.response)
          : undefined;
      if (answer !== undefined) {
        await steps.acceptAnswer(answer, false);
        negotiation.settle({ local: offer, remote: answer, offeredByPeer: false });
        return undefined;
      }
      await steps.rollback();
      return refusedError(outcome);
    } catch (error) {
      // An answer of no use: only without our offer can either side make another one.
      await steps.rollback().catch(() => undefined);
      return isOffhookError(error) ? error : refusedError(outcome);
    } finally {
      negotiation.mark({ open: 'none', ourInvite: false });
    }
  }

  #request(method: 'INVITE' | 'UPDATE', sdp: string | undefined): Promise<Outcome> {
    const session = this.#session;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let ack: { draft: RequestDraft; hop: NextHop } | undefined;
    session.send(
      {
        method,
        capabilities: true,
        headers: this.#timerHeaders(),
        body: sdp === undefined ? undefined : { type: 'application/sdp', content: sdp },
      },
      {
        final: (response, draft) => {
          if (ack !== undefined) {
            // The 2xx again: so was our ACK lost.
            session.profile.core.sendAck(ack.draft, ack.hop);
            return;
          }
          if (response.status < 300) {
            session.moved(response.headers);
            session.refresher.restart(intervalFromResponse(response.headers));
            if (method === 'INVITE') ack = session.ack(cseqOf(draft.headers));
          }
          resolve({ kind: 'response', response });
        },
        failed: (failure) => resolve({ kind: 'failure', failure }),
      },
    );
    return promise;
  }

  #timerHeaders(): readonly HeaderPair[] {
    const { profile, refresher } = this.#session;
    if (profile.sessionTimer === false) return [];
    const { current } = refresher;
    return requestTimerHeaders(profile.sessionTimer, {
      minSE: this.#minSE,
      ...(current !== undefined && { current }),
    });
  }

  /**
   * Tells the peer that the session lives, and our Contact (RFC 4028 §7.4): UPDATE where the peer
   * takes it, else a re-INVITE with the same description.
   */
  refresh(): Promise<void> {
    // Several reasons at the same moment are one.
    this.#refresh ??= Promise.resolve().then(() => {
      this.#refresh = undefined;
      return this.#refreshNow();
    });
    return this.#refresh;
  }

  async #refreshNow(): Promise<void> {
    const session = this.#session;
    const { negotiation } = session;
    try {
      await negotiation.untilQuiet();
    } catch {
      return;
    }
    const { local, remote, keyed } = negotiation.descriptions;
    const update = session.allows('UPDATE') === true || (local === undefined && keyed !== true);
    if (!update && local === undefined) {
      await this.#refreshByOffer();
      return;
    }
    if (!update) negotiation.mark({ open: 'ours', ourInvite: true });
    const outcome = await this.#request(update ? 'UPDATE' : 'INVITE', update ? undefined : local);
    if (!update && outcome.kind === 'response' && outcome.response.status < 300) {
      const answer = sdpOf(outcome.response);
      if (answer !== undefined && answer !== remote) {
        await session.steps.acceptAnswer(answer, false).catch(() => undefined);
        negotiation.settle({ local, remote: answer, offeredByPeer: false });
      }
    }
    if (!update) negotiation.mark({ open: 'none', ourInvite: false });
    if (!session.ended) this.#refreshed(outcome);
  }

  /** Our description is not known here, for there are keys in it: the agent has it. */
  async #refreshByOffer(): Promise<void> {
    const session = this.#session;
    try {
      await this.renegotiate();
    } catch (error) {
      if (session.ended) return;
      session.profile.logger.warn({ reason: describeError(error) }, 'a refresh failed');
      this.#again(undefined);
      if (isOffhookError(error, 'no-answer')) session.unreachable();
    }
  }

  #refreshed(outcome: Outcome): void {
    const session = this.#session;
    const status = statusOf(outcome);
    if (status !== undefined && status < 300) return;
    if (outcome.kind === 'response') {
      const { headers } = outcome.response;
      if (status === 405 || status === 501) session.learn(withoutUpdate(headers));
      if (status === 422) this.#minSE = Math.max(this.#minSE, parseMinSE(headers));
      if (status === 408) {
        void session.bye({ by: 'remote', status, reason: reasonInWords(status, headers) });
        return;
      }
    }
    this.#again(status);
    if (outcome.kind === 'failure') session.unreachable();
  }

  #again(status: number | undefined): void {
    this.#retry?.cancel();
    const { clock } = this.#session.profile.core;
    this.#retry = clock.after(this.#retryDelay(status), () => void this.refresh());
  }

  #retryDelay(status: number | undefined): number {
    if (status === 491) return this.#glareDelay();
    return status === 405 || status === 422 || status === 501 ? 0 : REFRESH_RETRY_MS;
  }
}

/** Of the peer's response, if there was one. */
function statusOf(outcome: Outcome): number | undefined {
  return outcome.kind === 'response' ? outcome.response.status : undefined;
}

function refusedError(outcome: Outcome): OffhookError {
  if (outcome.kind === 'failure') {
    return new OffhookError('signaling', 'no-answer', outcome.failure.reason, {
      details: { status: outcome.failure.status },
    });
  }
  const { status, headers, reason } = outcome.response;
  const words =
    status < 300 ? 'the answer has no description' : reasonInWords(status, headers, reason);
  return new OffhookError('signaling', 'refused', `the peer refused the change: ${words}`, {
    details: { status },
  });
}

/** What the peer allows, now that it has shown that UPDATE is not among it. */
function withoutUpdate(headers: Headers): Headers {
  const copy = headers.clone();
  const allow = headers.list('allow').filter((method) => method !== 'UPDATE');
  copy.set('allow', allow.length > 0 ? allow.join(', ') : 'INVITE, ACK, BYE, CANCEL');
  return copy;
}
