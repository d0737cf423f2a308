import type { Body } from '../../api.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import type { HeaderPair } from '../message/headers.ts';
import { sdpOf } from '../message/message.ts';
import { refusal } from '../session/answering.ts';
import { capabilityHeaders } from '../session/profile.ts';
import type { Session } from '../session/session.ts';
import { parseRAck, ReliableProvisionals } from './reliable.ts';

const SDP = 'application/sdp';

/**
 * What the responses to one INVITE say about media (RFC 3261 §13.3.1, RFC 3262 §5, RFC 6337 §2.2):
 * our description is made once; which response carries it depends on which are reliable.
 */
export class InviteAnswers {
  readonly #session: Session;
  readonly #inbound: InboundRequest;
  readonly #reliable: ReliableProvisionals;
  /** Of the INVITE; without it the offer is ours. */
  readonly offer: string | undefined;
  #local: string | undefined;
  /** A reliable response has carried our description, and was acknowledged. */
  #delivered = false;
  /** A PRACK has brought the answer to the offer in a reliable response. */
  #answered = false;
  #reliableSent = false;
  /** Neither side describes anything (uaCSTA). */
  #media = true;

  constructor(
    session: Session,
    inbound: InboundRequest,
    gaveUp: () => void,
    resumed?: { readonly rseq: number; readonly local?: string | undefined },
  ) {
    this.#session = session;
    this.#inbound = inbound;
    this.offer = sdpOf(inbound.message);
    this.#local = resumed?.local;
    this.#reliable = new ReliableProvisionals(session.profile.core, gaveUp, resumed?.rseq);
    session.negotiation.mark({
      theirInvite: true,
      open: this.offer === undefined ? 'none' : 'theirs',
    });
  }

  get media(): boolean {
    return this.#media;
  }

  /** Our description, as far as it was made. */
  get local(): string | undefined {
    return this.#local;
  }

  /** Number of the last reliable response. */
  get rseq(): number {
    return this.#reliable.rseq;
  }

  /** The INVITE asks for a session without media. */
  withoutMedia(): void {
    this.#media = false;
  }

  /** Our description: the answer, or the offer when the INVITE had none. */
  async describe(): Promise<string | undefined> {
    if (!this.#media) return undefined;
    if (this.#local === undefined) {
      const { steps } = this.#session;
      this.#local =
        this.offer === undefined ? await steps.createOffer() : await steps.createAnswer(this.offer);
    }
    return this.#local;
  }

  /** Sends a provisional response, with our description if asked; resolves when that is settled. */
  async provisional(status: number, withDescription: boolean): Promise<void> {
    const reliable = this.#mustBeReliable(withDescription);
    // RFC 3262 §5: without an offer in the INVITE the first reliable response must bring one;
    // an unreliable one cannot, because nobody could answer it.
    const asks = this.#media && this.offer === undefined;
    const describes = asks ? reliable && !this.#answered : withDescription;
    const local = withDescription || describes ? await this.describe() : undefined;
    const content = describes && !this.#delivered ? local : undefined;
    if (!reliable) {
      this.#reply(status, content, []);
      return;
    }
    this.#reliableSent = true;
    if (content !== undefined && this.offer === undefined) {
      this.#session.negotiation.mark({ open: 'ours' });
    }
    await this.#reliable.send((rseq) =>
      this.#reply(status, content, [
        ['require', '100rel'],
        ['rseq', String(rseq)],
      ]),
    );
    if (content === undefined) return;
    this.#delivered = true;
    if (this.offer === undefined) return;
    this.#session.negotiation.settle({ local, remote: this.offer, offeredByPeer: true });
    this.#session.negotiation.mark({ open: 'none' });
  }

  #mustBeReliable(withDescription: boolean): boolean {
    const { headers } = this.#inbound.message;
    const { rel100 } = this.#session.profile;
    const required = headers.tokens('require').includes('100rel');
    const supported = required || headers.tokens('supported').includes('100rel');
    if (rel100 === 'off' || !supported) return false;
    return required || rel100 === 'required' || withDescription;
  }

  #reply(status: number, content: string | undefined, headers: readonly HeaderPair[]): void {
    this.#session.shows(this.#inbound.flow);
    this.#inbound.reply(status, {
      headers: [...capabilityHeaders(this.#session.profile, this.#inbound.flow), ...headers],
      ...(content !== undefined && { body: { type: SDP, content } }),
    });
  }

  /** RFC 3262 §3: no 2xx while a reliable description waits for its PRACK. */
  async settled(): Promise<void> {
    if (this.#reliableSent) await this.#reliable.settled();
  }

  /**
   * The 2xx. Returns the offer that the ACK has to answer, if there is one.
   */
  accept(headers: readonly HeaderPair[], body?: Body): string | undefined {
    const { negotiation } = this.#session;
    const content = this.#delivered ? undefined : this.#local;
    if (this.#media) this.#reply(200, content, headers);
    else {
      const own = capabilityHeaders(this.#session.profile, this.#inbound.flow);
      this.#inbound.reply(200, { headers: [...own, ...headers], body });
    }
    this.stop();
    if (this.offer !== undefined && content !== undefined) {
      negotiation.settle({ local: content, remote: this.offer, offeredByPeer: true });
    }
    const asks = this.#media && this.offer === undefined && !this.#answered;
    negotiation.mark({ open: asks ? 'ours' : 'none' });
    return asks ? this.#local : undefined;
  }

  /** Nothing is sent again any more. */
  stop(): void {
    this.#reliable.stop();
  }

  prack(request: InboundRequest): void {
    const rack = parseRAck(request.message.headers);
    const invite = this.#inbound.message.cseq.number;
    if (rack === undefined || !this.#reliable.acknowledge(rack, invite)) {
      request.reply(481);
      return;
    }
    this.#prackDescription(request, sdpOf(request.message)).catch((error: unknown) => {
      request.reply(...refusal(error));
    });
  }

  /** A PRACK may answer the offer of our 18x, or bring an offer of its own (RFC 3262 §5). */
  async #prackDescription(request: InboundRequest, sdp: string | undefined): Promise<void> {
    const { steps, negotiation } = this.#session;
    if (sdp === undefined) {
      request.reply(200);
      return;
    }
    if (this.offer === undefined && this.#local !== undefined && !this.#answered) {
      this.#answered = true;
      request.reply(200);
      await steps.acceptAnswer(sdp, false);
      negotiation.settle({ local: this.#local, remote: sdp, offeredByPeer: false });
      negotiation.mark({ open: 'none' });
      return;
    }
    const answer = await steps.createAnswer(sdp);
    this.#local = answer;
    this.#delivered = true;
    negotiation.settle({ local: answer, remote: sdp, offeredByPeer: true });
    request.reply(200, { body: { type: SDP, content: answer } });
  }
}
