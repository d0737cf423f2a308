import { OffhookError, type EventSource, type Timer } from '@offhook/common';
import type { Body, CallEnd, CallState, IncomingCall, SdpAgent, SipCallEvents } from '../../api.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import { dialogFromRequest } from '../dialog/dialog-state.ts';
import { answerTimer } from '../dialog/session-timer.ts';
import type { Headers, HeaderPair } from '../message/headers.ts';
import { sdpOf, type SipRequest } from '../message/message.ts';
import { refusal } from '../session/answering.ts';
import { capabilityHeaders, type CallProfile } from '../session/profile.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import { Session } from '../session/session.ts';
import { reasonInWords, statusInWords } from '../words.ts';
import { CallRecord, identityOf, type Party } from './call-record.ts';
import { parseRAck, ReliableProvisionals } from './reliable.ts';

export interface IncomingCallOptions {
  readonly profile: CallProfile;
  readonly inbound: InboundRequest;
  readonly onMessage: (request: SipRequest) => void;
  /** Called when we have answered (RFC 3891: the call that this one replaces ends). */
  readonly onAnswered?: (() => void) | undefined;
}

const SDP = 'application/sdp';

/** A call that somebody makes to us. */
export class IncomingCallImpl implements IncomingCall {
  readonly direction = 'incoming';
  readonly #options: IncomingCallOptions;
  readonly #record: CallRecord;
  readonly #steps = new SdpSteps();
  readonly #session: Session;
  readonly #reliable: ReliableProvisionals;
  readonly #remote: Party;
  readonly #offer: string | undefined;
  /** Our description, once made; `acknowledged` when a reliable 18x has carried it. */
  #local: { readonly sdp: string; acknowledged: boolean } | undefined;
  /** Takes the answer that a PRACK brings to the offer of a reliable 18x. */
  #answered = false;
  #progressed = false;
  #hangingUp: Promise<void> | undefined;
  #expiry: Timer | undefined;
  #answering: Promise<void> | undefined;

  constructor(options: IncomingCallOptions) {
    const { profile, inbound } = options;
    const { core, logger } = profile;
    const { message } = inbound;
    this.#options = options;
    this.#record = new CallRecord(core.token(8), (error) =>
      logger.error({ error }, 'a listener of a call failed'),
    );
    this.#remote = identityOf(message.headers, message.from);
    this.#offer = sdpOf(message);
    this.#session = new Session(
      profile,
      dialogFromRequest(message, inbound.localTag),
      this.#steps,
      {
        ended: (end) => this.#over(end),
        info: (body) => this.#record.emit('info', body),
        message: options.onMessage,
        prack: (request) => this.#prack(request),
        changed: () => undefined,
      },
    );
    this.#session.learn(message.headers);
    this.#session.negotiation.mark({
      theirInvite: true,
      open: this.#offer === undefined ? 'none' : 'theirs',
    });
    this.#reliable = new ReliableProvisionals(core, () => this.#giveUp());
    inbound.onCancel = (headers) => this.#cancelled(headers);
    const expires = /^\d{1,7}$/.exec(message.headers.get('expires') ?? '')?.[0];
    if (expires !== undefined) {
      this.#expiry = core.clock.after(Number(expires) * 1000, () => this.#expired());
    }
  }

  get id(): string {
    return this.#record.id;
  }

  get callId(): string {
    return this.#options.inbound.message.callId;
  }

  get account(): string {
    return this.#options.profile.aor;
  }

  get state(): CallState {
    return this.#record.state;
  }

  get end(): CallEnd | undefined {
    return this.#record.end;
  }

  get remote(): Party {
    return this.#remote;
  }

  get session(): Session {
    return this.#session;
  }

  on<K extends keyof SipCallEvents>(
    name: K,
    listener: (event: SipCallEvents[K]) => void,
  ): ReturnType<EventSource<SipCallEvents>['on']> {
    return this.#record.on(name, listener);
  }

  header(name: string): string | undefined {
    return this.#options.inbound.message.headers.get(name.toLowerCase());
  }

  useAgent(agent: SdpAgent): void {
    this.#steps.use(agent);
  }

  /** The automatic 180, when the call was delivered and is not answered yet. */
  ring(): void {
    if (this.#progressed || this.#options.inbound.answered || this.#answering !== undefined) return;
    this.#progressed = true;
    this.#record.enter('ringing');
    void this.#provisional(180, undefined).catch((error: unknown) => this.#refuse(error));
  }

  async progress(options: { earlyMedia?: boolean } = {}): Promise<void> {
    this.#needPending();
    this.#progressed = true;
    if (options.earlyMedia !== true) {
      this.#record.enter('ringing');
      await this.#provisional(180, undefined);
      return;
    }
    try {
      const sdp = await this.#describe();
      this.#needPending();
      this.#record.enter('early');
      await this.#provisional(183, sdp);
    } catch (error) {
      this.#refuse(error);
      throw error;
    }
  }

  /** Answer to the offer, or our offer; made once, repeated in every response that may carry it. */
  async #describe(): Promise<string> {
    if (this.#local !== undefined) return this.#local.sdp;
    const sdp =
      this.#offer === undefined
        ? await this.#steps.createOffer()
        : await this.#steps.createAnswer(this.#offer);
    this.#local = { sdp, acknowledged: false };
    return sdp;
  }

  /** Whether the peer takes reliable provisional responses, and whether it insists. */
  #peer100rel(): { supported: boolean; required: boolean } {
    const { headers } = this.#options.inbound.message;
    const required = headers.tokens('require').includes('100rel');
    return { required, supported: required || headers.tokens('supported').includes('100rel') };
  }

  async #provisional(status: number, sdp: string | undefined): Promise<void> {
    const { inbound, profile } = this.#options;
    const peer = this.#peer100rel();
    const mayBe = profile.rel100 !== 'off' && peer.supported;
    const reliable = mayBe && (peer.required || profile.rel100 === 'required' || sdp !== undefined);
    let content = sdp;
    // RFC 3262 §5: without an offer in the INVITE the first reliable response must bring one.
    if (reliable && this.#offer === undefined) content = await this.#describe();
    const reply = (headers: readonly HeaderPair[]): void => {
      inbound.reply(status, {
        headers: [...capabilityHeaders(profile, inbound.flow), ...headers],
        ...(content !== undefined && { body: { type: SDP, content } }),
      });
    };
    // An unreliable response carries no offer of ours: nobody could answer it.
    if (!reliable && this.#offer === undefined) content = undefined;
    if (!reliable) {
      reply([]);
      return;
    }
    if (content !== undefined && this.#offer === undefined) {
      this.#session.negotiation.mark({ open: 'ours' });
    }
    await this.#reliable.send((rseq) =>
      reply([
        ['require', '100rel'],
        ['rseq', String(rseq)],
      ]),
    );
    if (content !== undefined && this.#local !== undefined) {
      this.#local.acknowledged = true;
      if (this.#offer !== undefined) this.#session.negotiation.mark({ open: 'none' });
    }
  }

  #prack(request: InboundRequest): void {
    const rack = parseRAck(request.message.headers);
    const invite = this.#options.inbound.message.cseq.number;
    if (rack === undefined || !this.#reliable.acknowledge(rack, invite)) {
      request.reply(481);
      return;
    }
    const sdp = sdpOf(request.message);
    this.#prackSdp(request, sdp).catch((error: unknown) => {
      request.reply(...refusal(error));
    });
  }

  /** A PRACK may answer the offer of our 18x, or bring an offer of its own (RFC 3262 §5). */
  async #prackSdp(request: InboundRequest, sdp: string | undefined): Promise<void> {
    if (sdp === undefined) {
      request.reply(200);
      return;
    }
    if (this.#offer === undefined && this.#local !== undefined && !this.#answered) {
      this.#answered = true;
      request.reply(200);
      const local = this.#local.sdp;
      await this.#steps.acceptAnswer(sdp, false);
      this.#session.negotiation.settle({ local, remote: sdp, offeredByPeer: false });
      this.#session.negotiation.mark({ open: 'none' });
      return;
    }
    const answer = await this.#steps.createAnswer(sdp);
    this.#local = { sdp: answer, acknowledged: true };
    this.#session.negotiation.settle({ local: answer, remote: sdp, offeredByPeer: true });
    request.reply(200, { body: { type: SDP, content: answer } });
  }

  answer(): Promise<void> {
    this.#answering ??= this.#answer();
    return this.#answering;
  }

  async #answer(): Promise<void> {
    this.#needPending();
    const { inbound, profile, onAnswered } = this.#options;
    try {
      const sdp = await this.#describe();
      // RFC 3262 §3: no 2xx while a reliable description waits for its PRACK.
      if (this.#progressed) await this.#reliable.settled();
      this.#needPending();
      const timer = answerTimer(inbound.message.headers, profile.sessionTimer);
      const { acknowledged } = this.#local ?? { acknowledged: false };
      inbound.reply(200, {
        headers: [
          ...capabilityHeaders(profile, inbound.flow),
          ...(timer.kind === 'accept' ? timer.headers : []),
        ],
        ...(!acknowledged && { body: { type: SDP, content: sdp } }),
      });
      this.#stopRinging();
      this.#session.dialog = { ...this.#session.dialog, early: false };
      if (this.#offer !== undefined && !acknowledged) {
        this.#session.negotiation.settle({ local: sdp, remote: this.#offer, offeredByPeer: true });
      }
      if (timer.kind === 'accept') this.#session.refresher.restart(timer.timer);
      const wantsAnswer = this.#offer === undefined && !this.#answered;
      this.#session.negotiation.mark({ open: wantsAnswer ? 'ours' : 'none' });
      this.#session.answering.awaitAck(inbound, (answer) => {
        void this.#established(wantsAnswer ? sdp : undefined, answer);
      });
      onAnswered?.();
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
    negotiation.mark({ open: 'none', theirInvite: false });
    if (this.#session.ended) return;
    this.#record.enter('established');
    this.#record.emit('established', { remoteIdentity: this.#remote.uri });
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
    inbound.reply(status, {
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

  #cancelled(headers: Headers): void {
    this.#options.inbound.reply(487);
    this.#session.end({ by: 'remote', status: 487, reason: reasonInWords(487, headers) });
  }

  #expired(): void {
    this.#options.inbound.reply(487);
    this.#session.end({ by: 'remote', status: 487, reason: statusInWords(408) });
  }

  /** A reliable response was never acknowledged (RFC 3262 §3). */
  #giveUp(): void {
    this.#options.inbound.reply(504, { reason: 'Provisional Response Not Acknowledged' });
    this.#session.end({
      by: 'network',
      status: 504,
      reason: 'the ringing was never acknowledged',
    });
  }

  #refuse(error: unknown): void {
    if (this.#options.inbound.answered) return;
    const [status, options] = refusal(error);
    this.#options.inbound.reply(status, options);
    const reason = error instanceof Error ? error.message : String(error);
    this.#session.end({ by: 'local', status, reason });
  }

  /** The dialog has ended, by whatever message. */
  #over(end: CallEnd): void {
    // A BYE in the early dialog (RFC 3261 §15): the INVITE still wants its answer.
    this.#options.inbound.reply(487);
    this.#stopRinging();
    this.#steps.end();
    this.#record.finish(end);
  }

  #stopRinging(): void {
    this.#expiry?.cancel();
    this.#reliable.stop();
  }

  #needPending(): void {
    if (!this.#options.inbound.answered && !this.#session.ended) return;
    throw new OffhookError('signaling', 'call-ended', 'the call is not waiting for an answer');
  }

  #needSession(): void {
    if (this.#options.inbound.answered && !this.#session.ended) return;
    throw new OffhookError('signaling', 'no-dialog', 'the call is not established');
  }

  /** Leaves without a word (the process goes, the call is to be taken up by the next). */
  abandon(): void {
    this.#stopRinging();
    this.#session.drop();
    this.#steps.end();
  }
}
