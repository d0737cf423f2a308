import { isOffhookError, OffhookError, type Timer } from '@offhook/common';
import type { Body, SdpAgent } from '../../api.ts';
import type { CallEnd, CallSnapshot, IncomingCall, SipCall } from '../../call-api.ts';
import type { InboundRequest, ReplyOptions } from '../core/inbound-request.ts';
import { dialogFromRequest } from '../dialog/dialog-state.ts';
import { answerTimer } from '../dialog/session-timer.ts';
import type { Headers } from '../message/headers.ts';
import { bodyOf, requestAsCame, type SipRequest } from '../message/message.ts';
import { refusal } from '../session/answering.ts';
import type { CallProfile } from '../session/profile.ts';
import { noMedia } from '../session/no-media.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import { Session } from '../session/session.ts';
import { reasonInWords, statusInWords } from '../words.ts';
import { CallBase } from './call-base.ts';
import { identityOf, type Party } from './call-record.ts';
import { hasKeys, snapshotOf, type RingingContent } from './snapshot.ts';
import { InviteAnswers } from './invite-answers.ts';

export interface IncomingCallOptions {
  readonly profile: CallProfile;
  readonly inbound: InboundRequest;
  readonly onMessage: (request: SipRequest) => void;
  /** RFC 3891: the call that this one replaces; it ends when we have answered. */
  readonly replaces?: SipCall | undefined;
  /** It came to an earlier process, which had got so far with it. */
  readonly resumed?: { readonly id: string; readonly content: RingingContent } | undefined;
}

/** A call that somebody makes to us. */
export class IncomingCallImpl extends CallBase implements IncomingCall {
  readonly direction = 'incoming';
  readonly #options: IncomingCallOptions;
  readonly #steps = new SdpSteps();
  readonly #session: Session;
  readonly #answers: InviteAnswers;
  readonly #remote: Party;
  #progressed = false;
  #hangingUp: Promise<void> | undefined;
  #expiry: Timer | undefined;
  #answering: Promise<void> | undefined;
  /** A 2xx leaves, or has left. */
  #accepted = false;
  #acknowledged = false;
  /** The final status that the INVITE is refused with. */
  #refused: number | undefined;

  constructor(options: IncomingCallOptions) {
    const { profile, inbound, resumed } = options;
    const { core } = profile;
    const { message } = inbound;
    super(profile, resumed?.id ?? core.token(8));
    this.#options = options;
    this.#remote = identityOf(message.headers, message.from);
    this.#session = new Session(
      profile,
      resumed?.content.dialog ?? dialogFromRequest(message, inbound.localTag),
      this.#steps,
      {
        ended: (end) => this.#over(end),
        info: (body) => this.record.emit('info', body),
        message: options.onMessage,
        prack: (request) => this.#answers.prack(request),
        serve: (request, otherwise) => this.requests.serve(this.#session, request, otherwise),
        changed: () => this.changed(),
      },
    );
    if (resumed !== undefined) this.#session.resume(resumed.content.session);
    this.#session.learn(message.headers);
    this.#answers = new InviteAnswers(
      this.#session,
      inbound,
      () => this.#giveUp(),
      resumed?.content,
    );
    inbound.onCancel = (headers) => this.#cancelled(headers);
    const body = bodyOf(message);
    if (body !== undefined && profile.sessions.has(body.type)) {
      this.requests.body = body;
      this.#answers.withoutMedia();
      this.#steps.use(noMedia);
    }
    const expires = /^\d{1,7}$/.exec(message.headers.get('expires') ?? '')?.[0];
    if (expires !== undefined) {
      this.#expiry = core.clock.after(Number(expires) * 1000, () => this.#expired());
    }
  }

  get callId(): string {
    return this.#options.inbound.message.callId;
  }

  get remote(): Party {
    return this.#remote;
  }

  get session(): Session {
    return this.#session;
  }

  get replaces(): SipCall | undefined {
    return this.#options.replaces;
  }

  header(name: string): string | undefined {
    return this.#options.inbound.message.headers.get(name.toLowerCase());
  }

  useAgent(agent: SdpAgent): void {
    this.#steps.use(agent);
  }

  /** Takes up what the earlier process was at. */
  goOn(mayHaveGivenUp: boolean): void {
    const content = this.#options.resumed?.content;
    if (content?.refused !== undefined) void this.reject({ status: content.refused });
    else if (content?.answered === true) this.answer().catch(() => undefined);
    else if (mayHaveGivenUp || content?.keyed === true) void this.reject({ status: 480 });
    else this.ring();
  }

  /** The automatic 180, when the call was delivered and is not answered yet. */
  ring(): void {
    if (!this.#steps.ready && this.record.end === undefined) {
      // Nobody took the call in the turn in which it was delivered.
      void this.reject({ status: 480 });
      return;
    }
    if (this.#progressed || this.#options.inbound.answered || this.#answering !== undefined) return;
    this.#progressed = true;
    this.record.enter('ringing');
    void this.#answers.provisional(180, false).catch((error: unknown) => this.#refuse(error));
  }

  async progress(options: { earlyMedia?: boolean } = {}): Promise<void> {
    this.#needPending();
    this.#progressed = true;
    const early = options.earlyMedia === true;
    try {
      if (early) await this.#answers.describe();
      this.#needPending();
      this.record.enter(early ? 'early' : 'ringing');
      await this.#answers.provisional(early ? 183 : 180, early);
    } catch (error) {
      this.#refuse(error);
      throw error;
    }
  }

  answer(options: { body?: Body } = {}): Promise<void> {
    this.#answering ??= this.#answer(options.body);
    return this.#answering;
  }

  async #answer(body: Body | undefined): Promise<void> {
    this.#needPending();
    const { inbound, profile, replaces } = this.#options;
    try {
      await this.#answers.describe();
      await this.#answers.settled();
      this.#needPending();
      const timer = answerTimer(inbound.message.headers, profile.sessionTimer);
      this.#accepted = true;
      this.#session.dialog = { ...this.#session.dialog, early: false };
      if (timer.kind === 'accept') this.#session.refresher.restart(timer.timer);
      const offered = this.#answers.accept(timer.headers, body);
      this.#expiry?.cancel();
      this.#session.answering.awaitAck(inbound, (answer) => {
        void this.#established(offered, answer);
      });
      void replaces?.hangup();
    } catch (error) {
      this.#refuse(error);
      throw error;
    }
  }

  /** The ACK is there; with the answer, when our 200 made the offer. */
  async #established(offered: string | undefined, answer: string | undefined): Promise<void> {
    const { negotiation } = this.#session;
    try {
      if (offered !== undefined) {
        if (answer === undefined) {
          throw new OffhookError('signaling', 'invalid-sdp', 'the ACK has no description');
        }
        await this.#steps.acceptAnswer(answer, false);
        negotiation.settle({ local: offered, remote: answer, offeredByPeer: false });
      }
    } catch (error) {
      const [status] = refusal(error);
      const reason = error instanceof Error ? error.message : String(error);
      void this.#session.bye({ by: 'local', status, reason }, [['reason', `SIP;cause=${status}`]]);
      return;
    }
    this.#acknowledged = true;
    negotiation.mark({ open: 'none', theirInvite: false });
    if (this.#session.ended) return;
    this.record.enter('established');
    this.record.emit('established', { remoteIdentity: this.#remote.uri });
  }

  // oxlint-disable-next-line typescript/require-await -- a promise by contract
  async reject(
    options: { status?: number; reason?: string; contacts?: readonly string[] } = {},
  ): Promise<void> {
    const { inbound } = this.#options;
    if (inbound.answered) return;
    const { contacts = [], reason } = options;
    const status = options.status ?? (contacts.length > 0 ? 302 : 486);
    if (status < 300 || status > 699) {
      throw new OffhookError('signaling', 'bad-status', `${status} does not reject a call`);
    }
    this.#refuseWith(status, {
      reason,
      headers: contacts.map((uri) => ['contact', `<${uri}>`] as const),
    });
    this.#session.end({ by: 'local', status, reason: reason ?? statusInWords(status) });
  }

  hangup(options: { status?: number; reason?: string } = {}): Promise<void> {
    this.#hangingUp ??= this.#hangup(options);
    return this.#hangingUp;
  }

  #hangup(options: { status?: number; reason?: string }): Promise<void> {
    if (!this.#options.inbound.answered) {
      return this.reject({ status: options.status ?? 603, ...options });
    }
    return this.#session.bye({ by: 'local', status: 200, reason: options.reason ?? 'call ended' });
  }

  renegotiate(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#needSession();
    return this.#session.offering.renegotiate(options.signal);
  }

  info(body: Body): Promise<void> {
    this.#needSession();
    return this.#session.info(body);
  }

  /** A process that goes on from here says the same, should this answer be lost. */
  #refuseWith(status: number, options: ReplyOptions = {}): void {
    this.#refused = status;
    this.changed();
    this.#options.inbound.reply(status, options);
  }

  #cancelled(headers: Headers): void {
    this.#refuseWith(487);
    this.#session.end({ by: 'remote', status: 487, reason: reasonInWords(487, headers) });
  }

  #expired(): void {
    this.#refuseWith(487);
    this.#session.end({ by: 'remote', status: 487, reason: statusInWords(408) });
  }

  /** A reliable response was never acknowledged (RFC 3262 §3). */
  #giveUp(): void {
    this.#refuseWith(504, { reason: 'Provisional Response Not Acknowledged' });
    this.#session.end({
      by: 'network',
      status: 504,
      reason: 'the ringing was never acknowledged',
    });
  }

  #refuse(error: unknown): void {
    if (this.#options.inbound.answered) return;
    const [status, options] = unavailable(error)
      ? [480, { reason: 'No Media Engine' }]
      : refusal(error);
    this.#refuseWith(status, options);
    const reason = error instanceof Error ? error.message : String(error);
    this.#session.end({ by: 'local', status, reason });
  }

  /** The dialog has ended, by whatever message. */
  #over(end: CallEnd): void {
    // A BYE in the early dialog (RFC 3261 §15): the INVITE still wants its answer.
    this.#options.inbound.reply(487);
    this.#stopRinging();
    this.#steps.end();
    this.record.finish(end);
    this.changed();
  }

  #stopRinging(): void {
    this.#expiry?.cancel();
    this.#answers.stop();
  }

  #needPending(): void {
    if (!this.#options.inbound.answered && !this.#session.ended) return;
    throw new OffhookError('signaling', 'call-ended', 'the call is not waiting for an answer');
  }

  #needSession(): void {
    if (this.#options.inbound.answered && !this.#session.ended) return;
    throw new OffhookError('signaling', 'no-dialog', 'the call is not established');
  }

  snapshot(): CallSnapshot | undefined {
    const session = this.#session;
    if (!this.#answers.media) return undefined;
    if (this.#acknowledged || session.ended) return this.inDialog(session);
    const { message, localTag, flow } = this.#options.inbound;
    const { transport, local, remote } = flow;
    const keyed = hasKeys(message.body) || hasKeys(this.#answers.local);
    const text = requestAsCame(message, keyed);
    return snapshotOf(this, 'ringing', {
      invite: { text, transport, local, remote },
      localTag,
      rseq: this.#answers.rseq,
      dialog: session.dialog,
      session: session.snapshot(),
      ...(!keyed && { local: this.#answers.local }),
      answered: this.#accepted,
      ...(this.#refused !== undefined && { refused: this.#refused }),
      keyed,
    });
  }

  /** Leaves without a word (the process goes, the call is to be taken up by the next). */
  abandon(): void {
    this.#stopRinging();
    this.#session.drop();
    this.#steps.end();
  }
}

/** There is nothing to talk with just now, which is the caller's business and no fault of the call. */
function unavailable(error: unknown): boolean {
  const codes = ['not-connected', 'worker-down', 'limit-reached'];
  return isOffhookError(error) && codes.includes(error.code);
}
