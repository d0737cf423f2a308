import { OffhookError, isOffhookError, type Timer } from '@offhook/common';
import type { NextHop } from '../../transport/layer.ts';
import type { RequestFailure } from '../core/client-request.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import type { RequestDraft } from '../dialog/dialog-state.ts';
import {
  answerTimer,
  intervalFromResponse,
  parseMinSE,
  requestTimerHeaders,
} from '../dialog/session-timer.ts';
import type { Headers, HeaderPair } from '../message/headers.ts';
import { bodyOf, sdpOf, type SipRequest, type SipResponse } from '../message/message.ts';
import { reasonInWords } from '../words.ts';
import { AcceptedInvite } from './accepted.ts';
import { admit, glareDelay, mayOffer, quiet, type OfferAnswer } from './offer-answer.ts';
import { capabilityHeaders } from './profile.ts';
import { Refresher } from './refresher.ts';
import type { Session } from './session.ts';

/** A 491 is answered by another try at most this often. */
const MAX_GLARE = 8;
/** Between tries of a refresh that failed for a reason that may pass. */
const REFRESH_RETRY_MS = 10_000;

const SDP = 'application/sdp';

type Outcome =
  | { readonly kind: 'response'; readonly response: SipResponse }
  | { readonly kind: 'failure'; readonly failure: RequestFailure };

/** The descriptions in force: what we sent last and what the peer did. */
export interface Descriptions {
  readonly local: string | undefined;
  readonly remote: string | undefined;
  /** Whether the exchange that fixed them began with the peer's offer. */
  readonly offeredByPeer: boolean;
}

/** Offer/answer inside one dialog: re-INVITE and UPDATE both ways, and the session timer. */
export class Negotiation {
  readonly #session: Session;
  readonly #refresher: Refresher;
  #state: OfferAnswer = quiet;
  #descriptions: Descriptions = { local: undefined, remote: undefined, offeredByPeer: false };
  #accepted: AcceptedInvite | undefined;
  /** Takes the answer that an ACK brings, when our 2xx made the offer. */
  #onAck: ((answer: string | undefined) => void) | undefined;
  #afterAck: (() => void) | undefined;
  #waiting: (() => void)[] = [];
  #retry: Timer | undefined;
  #pausing: (() => void) | undefined;
  #minSE = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#refresher = new Refresher(session.profile.core.clock, (action) => this.#timer(action));
  }

  get state(): OfferAnswer {
    return this.#state;
  }

  get descriptions(): Descriptions {
    return this.#descriptions;
  }

  get sessionInterval(): Refresher['current'] {
    return this.#refresher.current;
  }

  get idle(): boolean {
    return mayOffer(this.#state);
  }

  /** Changes what is open; wakes who waits for quiet. */
  mark(change: Partial<OfferAnswer>): void {
    this.#state = { ...this.#state, ...change };
    if (!this.idle) return;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** The descriptions that an offer/answer exchange of the call has fixed. */
  settle(descriptions: Descriptions): void {
    this.#descriptions = descriptions;
  }

  startTimer(interval: Refresher['current']): void {
    this.#refresher.restart(interval);
  }

  end(): void {
    this.#refresher.stop();
    this.#retry?.cancel();
    this.#accepted?.stop();
    this.#pausing?.();
    this.#afterAck?.();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  // ---- the peer's offers

  incoming(inbound: InboundRequest): void {
    const { message } = inbound;
    const method = message.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const offer = sdpOf(message);
    if (offer === undefined && bodyOf(message) !== undefined) {
      inbound.reply(415, { headers: [['accept', SDP]] });
      return;
    }
    const admission = admit(this.#state, method, offer !== undefined);
    if (!admission.admit) {
      const seconds = Math.floor(this.#session.profile.core.random.fraction() * 11);
      const headers: HeaderPair[] = [['retry-after', String(seconds)]];
      inbound.reply(admission.status, admission.status === 500 ? { headers } : {});
      return;
    }
    const timer = answerTimer(
      message.headers,
      this.#session.profile.sessionTimer,
      this.#refresher.current,
    );
    if (timer.kind === 'refuse') {
      inbound.reply(422, { headers: timer.headers });
      return;
    }
    this.#answer(inbound, method, offer, timer).catch((error: unknown) =>
      this.#session.profile.logger.error({ error }, 'a change of the session failed'),
    );
  }

  async #answer(
    inbound: InboundRequest,
    method: 'INVITE' | 'UPDATE',
    offer: string | undefined,
    timer: { readonly timer: Refresher['current']; readonly headers: readonly HeaderPair[] },
  ): Promise<void> {
    const session = this.#session;
    const invite = method === 'INVITE';
    const lateOffer = invite && offer === undefined;
    this.mark({ theirInvite: invite || this.#state.theirInvite, ...opened(offer, lateOffer) });
    inbound.onCancel = () => inbound.reply(487);
    let local: string | undefined;
    try {
      if (offer !== undefined) local = await this.#answerTo(offer);
      else if (lateOffer) local = await session.steps.createOffer();
    } catch (error) {
      inbound.reply(...refusal(error));
      this.#close(invite, offer !== undefined || lateOffer);
      return;
    }
    if (inbound.answered || session.ended) {
      // Cancelled meanwhile: the description before stays in force.
      await session.steps.rollback().catch(() => undefined);
      this.#close(invite, offer !== undefined || lateOffer);
      return;
    }
    session.moved(inbound.message.headers);
    if (offer !== undefined) this.settle({ local, remote: offer, offeredByPeer: true });
    inbound.reply(200, {
      headers: [...capabilityHeaders(session.profile, inbound.flow), ...timer.headers],
      ...(local !== undefined && { body: { type: SDP, content: local } }),
    });
    this.startTimer(timer.timer);
    if (!invite) {
      this.#close(false, offer !== undefined);
      return;
    }
    this.awaitAck(inbound, (answer) => {
      void this.#lateAnswer(lateOffer ? local : undefined, answer);
    });
  }

  /** The same offer again is a refresh: our answer to it has not changed (RFC 3264 §8). */
  async #answerTo(offer: string): Promise<string> {
    const { local, remote, offeredByPeer } = this.#descriptions;
    if (offeredByPeer && remote === offer && local !== undefined) return local;
    return this.#session.steps.createAnswer(offer);
  }

  async #lateAnswer(offered: string | undefined, answer: string | undefined): Promise<void> {
    const { steps } = this.#session;
    try {
      if (offered !== undefined && answer !== undefined) {
        await steps.acceptAnswer(answer, false);
        this.settle({ local: offered, remote: answer, offeredByPeer: false });
      } else if (offered !== undefined) await steps.rollback();
    } catch (error) {
      this.#session.profile.logger.warn({ error }, 'the answer in an ACK was of no use');
    } finally {
      this.#close(true, true);
    }
  }

  #close(invite: boolean, offer: boolean): void {
    this.mark({
      theirInvite: invite ? false : this.#state.theirInvite,
      open: offer ? 'none' : this.#state.open,
    });
  }

  /** Our 2xx has left: sent again until the ACK, BYE when none comes. */
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

  /** Resolves when no 2xx of ours waits for its ACK any more. */
  untilAcknowledged(): Promise<void> {
    if (this.#accepted === undefined || this.#accepted.acknowledged) return Promise.resolve();
    return new Promise((resolve) => {
      this.#afterAck = resolve;
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

  // ---- our offers

  /** re-INVITE with a new offer; 491 is met with patience (RFC 3261 §14.1). */
  async renegotiate(signal?: AbortSignal): Promise<void> {
    const { steps, profile } = this.#session;
    for (let glare = 0; ; glare += 1) {
      await this.#quiet(signal);
      this.mark({ open: 'ours' });
      let offer: string;
      try {
        offer = await steps.createOffer();
      } catch (error) {
        this.mark({ open: 'none' });
        throw error;
      }
      const outcome = await this.#invite(offer);
      const error = await this.#conclude(offer, outcome);
      if (error === undefined) return;
      const again = outcome.kind === 'response' && outcome.response.status === 491;
      if (!again || glare >= MAX_GLARE) throw error;
      await this.#pause(
        glareDelay(this.#session.dialog.role === 'uac', profile.core.random.fraction()),
        signal,
      );
    }
  }

  /** Takes the answer, or the old description back; the error if the offer failed. */
  async #conclude(offer: string, outcome: Outcome): Promise<OffhookError | undefined> {
    const { steps } = this.#session;
    try {
      const answer =
        outcome.kind === 'response' && outcome.response.status < 300
          ? sdpOf(outcome.response)
          : undefined;
      if (answer !== undefined) {
        await steps.acceptAnswer(answer, false);
        this.settle({ local: offer, remote: answer, offeredByPeer: false });
        return undefined;
      }
      await steps.rollback();
      return refusedError(outcome);
    } catch (error) {
      return isOffhookError(error) ? error : refusedError(outcome);
    } finally {
      this.mark({ open: 'none', ourInvite: false });
    }
  }

  #invite(offer: string): Promise<Outcome> {
    this.mark({ ourInvite: true });
    return this.#request('INVITE', offer);
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
        body: sdp === undefined ? undefined : { type: SDP, content: sdp },
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
            this.startTimer(intervalFromResponse(response.headers));
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
    const config = this.#session.profile.sessionTimer;
    if (config === false) return [];
    const { current } = this.#refresher;
    return requestTimerHeaders(config, {
      minSE: this.#minSE,
      ...(current !== undefined && { current }),
    });
  }

  // ---- the session timer

  #timer(action: 'refresh' | 'expire'): void {
    if (action === 'refresh') {
      void this.refresh();
      return;
    }
    void this.#session.bye({ by: 'network', status: 408, reason: 'the session timer ran out' }, [
      ['reason', 'SIP;cause=408;text="Session timer expired"'],
    ]);
  }

  /** RFC 4028 §7.4: UPDATE where the peer takes it, else a re-INVITE with the same description. */
  async refresh(): Promise<void> {
    await this.#quiet();
    if (this.#session.ended) return;
    const { local, remote } = this.#descriptions;
    const update = this.#session.allows('UPDATE') === true || local === undefined;
    if (!update) this.mark({ open: 'ours', ourInvite: true });
    const outcome = await this.#request(update ? 'UPDATE' : 'INVITE', update ? undefined : local);
    if (outcome.kind === 'response' && outcome.response.status < 300) {
      const answer = update ? undefined : sdpOf(outcome.response);
      if (answer !== undefined && answer !== remote) {
        await this.#session.steps.acceptAnswer(answer, false).catch(() => undefined);
        this.settle({ local, remote: answer, offeredByPeer: false });
      }
    }
    if (!update) this.mark({ open: 'none', ourInvite: false });
    this.#refreshed(outcome);
  }

  #refreshed(outcome: Outcome): void {
    const { profile, ended } = this.#session;
    if (ended) return;
    if (outcome.kind === 'response') {
      const { status, headers } = outcome.response;
      if (status < 300) return;
      if (status === 405 || status === 501) this.#session.learn(withoutUpdate(headers));
      if (status === 422) this.#minSE = Math.max(this.#minSE, parseMinSE(headers));
      if (status === 408) {
        void this.#session.bye({ by: 'remote', status, reason: reasonInWords(status, headers) });
        return;
      }
    }
    const glare = outcome.kind === 'response' && outcome.response.status === 491;
    const soon = outcome.kind === 'response' && [405, 422, 501].includes(outcome.response.status);
    const delay = glare
      ? glareDelay(this.#session.dialog.role === 'uac', profile.core.random.fraction())
      : REFRESH_RETRY_MS;
    this.#retry?.cancel();
    this.#retry = profile.core.clock.after(soon ? 0 : delay, () => void this.refresh());
  }

  // ---- waiting

  /** Resolves when we may offer; rejects when the call ends before. */
  async #quiet(signal?: AbortSignal): Promise<void> {
    while (!this.idle) {
      if (this.#session.ended) break;
      await aborted(signal, (wake) => this.#waiting.push(wake));
    }
    signal?.throwIfAborted();
    if (this.#session.ended) {
      throw new OffhookError('signaling', 'call-ended', 'the call is over');
    }
  }

  #pause(ms: number, signal?: AbortSignal): Promise<void> {
    return aborted(signal, (wake) => {
      const timer = this.#session.profile.core.clock.after(ms, wake);
      this.#pausing = () => {
        timer.cancel();
        wake();
      };
    });
  }
}

function opened(offer: string | undefined, lateOffer: boolean): Partial<OfferAnswer> {
  if (offer !== undefined) return { open: 'theirs' };
  return lateOffer ? { open: 'ours' } : {};
}

function aborted(
  signal: AbortSignal | undefined,
  start: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    start(resolve);
  });
}

export function cseqOf(headers: Headers): number {
  return Number((headers.get('cseq') ?? '0').split(' ', 1)[0]);
}

/** Status for what an SdpAgent throws. */
export function refusal(error: unknown): [status: number, options: { reason?: string }] {
  const notAcceptable = ['no-common-codec', 'srtp-required', 'invalid-sdp'];
  return isOffhookError(error) && notAcceptable.includes(error.code) ? [488, {}] : [500, {}];
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

function withoutUpdate(headers: Headers): Headers {
  const copy = headers.clone();
  const allow = headers.list('allow').filter((method) => method !== 'UPDATE');
  copy.set('allow', allow.length > 0 ? allow.join(', ') : 'INVITE, ACK, BYE, CANCEL');
  return copy;
}
