import type { Body, SdpAgent } from '../../api.ts';
import type { CallEnd, CallSnapshot, InviteOptions, SipCall } from '../../call-api.ts';
import { ClientRequest, type LoginRefusal, type RequestFailure } from '../core/client-request.ts';
import { cseqOf, confirmDialog, type RequestDraft } from '../dialog/dialog-state.ts';
import { intervalFromResponse, parseMinSE } from '../dialog/session-timer.ts';
import { bodyOf, sdpOf, type SipRequest, type SipResponse } from '../message/message.ts';
import type { CallProfile } from '../session/profile.ts';
import { refusal } from '../session/answering.ts';
import { noMedia } from '../session/no-media.ts';
import { SdpSteps } from '../session/sdp-steps.ts';
import type { Session } from '../session/session.ts';
import { loginInWords, messageOf, reasonInWords } from '../words.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { CallBase } from './call-base.ts';
import { identityOf, type Party } from './call-record.ts';
import { hasKeys, snapshotOf, type InvitingContent } from './snapshot.ts';
import { EarlyDialogs } from './early-dialogs.ts';
import { describeAccepted } from './accepted-offer.ts';
import {
  identityContent,
  inviteBody,
  inviteDraft,
  inviteRoute,
  sendCancel,
  type InviteIdentity,
} from './invite-draft.ts';
import { Targets } from './redirects.ts';

export interface OutgoingCallOptions extends InviteOptions {
  readonly profile: CallProfile;
  readonly target: string;
  readonly agent: SdpAgent;
  /** Route values in front of the INVITE (outbound proxy, Service-Route). */
  readonly routes: readonly string[];
  readonly onMessage: (request: SipRequest) => void;
  /** In place of a journal: the call is but a part of another one. */
  readonly onChange?: (() => void) | undefined;
  /** An earlier process has sent the INVITE, and had got so far with it. */
  readonly resumed?: { readonly id: string; readonly content: InvitingContent } | undefined;
}

/** A 422 is answered by a longer interval at most this often. */
const MAX_INTERVAL_RETRIES = 2;

/** A call that we make: INVITE to BYE. */
export class OutgoingCall extends CallBase implements SipCall {
  readonly direction = 'outgoing';
  readonly callId: string;
  readonly #options: OutgoingCallOptions;
  readonly #steps: SdpSteps;
  readonly #identity: InviteIdentity;
  readonly #early: EarlyDialogs;
  readonly #acks = new Acknowledgements();
  readonly #targets: Targets;
  #remote: Party;
  #cseq = 0;
  #minSE = 0;
  #intervalRetries = 0;
  #offer: string | undefined;
  #request: ClientRequest | undefined;
  #target = '';
  /** Given up: the peer may not know it yet. */
  #cancelled = false;
  #over = false;
  #session: Session | undefined;
  #hangingUp: Promise<void> | undefined;
  readonly #settled = Promise.withResolvers<void>();

  constructor(options: OutgoingCallOptions) {
    const { core } = options.profile;
    const { id, content } = options.resumed ?? {};
    super(options.profile, id ?? core.token(8));
    this.#options = options;
    this.callId = content?.callId ?? core.token(16);
    this.#identity = {
      ...options,
      callee: options.target,
      callId: this.callId,
      fromTag: content?.fromTag ?? core.token(8),
    };
    this.#steps = new SdpSteps(options.body === undefined ? options.agent : noMedia);
    this.#targets = new Targets(content?.targets ?? [options.target], content?.tried);
    this.#remote = { uri: options.target };
    this.#early = new EarlyDialogs({
      profile: options.profile,
      steps: this.#steps,
      lateOffer: !this.#offersFirst,
      owner: (session) => ({
        ended: (end) => {
          if (session() === this.#session) this.#finish(end);
        },
        info: (body) => this.record.emit('info', body),
        message: options.onMessage,
        prack: (inbound) => inbound.reply(481),
        serve: (inbound, otherwise) => {
          const owned = session();
          if (owned === undefined) otherwise();
          else this.requests.serve(owned, inbound, otherwise);
        },
        changed: () => this.changed(),
      }),
      earlyMedia: () => this.record.enter('early'),
      refused: (error) => this.#refuseEarly(error),
    });
    if (content === undefined) return;
    // The attempt that is repeated has the number that it had.
    this.#cseq = content.cseq - 1;
    this.#minSE = content.minSE;
    this.#offer = content.offer;
    this.#early.resume(content.early);
  }

  protected override changed(): void {
    const { onChange } = this.#options;
    if (onChange === undefined) super.changed();
    else onChange();
  }

  get remote(): Party {
    return this.#remote;
  }

  /** The dialog in force, for a journal. */
  get session(): Session | undefined {
    return this.#session;
  }

  start(): this {
    this.#begin().catch((error: unknown) => this.#cannotBegin(error));
    return this;
  }

  /**
   * Takes up the INVITE of the earlier process. Sent again, it is the same transaction, which the peer
   * answers with what it said last; a peer that may have given up would take it for another call.
   */
  goOn(mayHaveGivenUp: boolean): void {
    const { resumed } = this.#options;
    if (resumed === undefined) return;
    if (mayHaveGivenUp) {
      sendCancel(this.#identity, resumed.content);
      this.#finish({ by: 'local', status: 487, reason: 'the phone was away while it called' });
      this.#settle();
      return;
    }
    this.#repeat(resumed.content).catch((error: unknown) => {
      sendCancel(this.#identity, resumed.content);
      this.#cannotBegin(error);
    });
  }

  async #repeat(content: InvitingContent): Promise<void> {
    if (!content.lateOffer) this.#offer ??= await this.#steps.createOffer();
    this.#invite(content.target, content.branch);
    if (content.cancelled) void this.hangup();
  }

  #cannotBegin(error: unknown): void {
    this.#finish({ by: 'local', status: refusal(error)[0], reason: messageOf(error) });
    this.#settle();
  }

  async #begin(): Promise<void> {
    if (this.#offersFirst) this.#offer = await this.#steps.createOffer();
    this.#next();
  }

  get #offersFirst(): boolean {
    return this.#options.lateOffer !== true && this.#options.body === undefined;
  }

  /** INVITE to the next target: the callee, or where somebody has redirected us. */
  #next(): void {
    const target = this.#targets.next();
    if (target === undefined || this.record.end !== undefined) {
      this.#settle();
      return;
    }
    this.#invite(target);
  }

  #invite(target: string, branch?: string): void {
    this.#target = target;
    const { profile, routes } = this.#options;
    const { uri, hop } = inviteRoute(target, routes);
    const offer = this.#offer;
    this.#request = new ClientRequest(
      profile.core,
      {
        method: 'INVITE',
        uri,
        body: inviteBody(this.#identity, offer)?.content,
        hop: { uri: hop },
        digest: profile.digest,
        branch,
        draft: ({ flow, extra: authorization }) => {
          const cseq = (this.#cseq += 1);
          this.changed();
          const minSE = this.#minSE;
          return inviteDraft(this.#identity, { target, cseq, flow, offer, minSE, authorization });
        },
      },
      {
        provisional: (response, draft) => this.#provisional(response, draft),
        final: (response, draft, login) => this.#final(target, response, draft, login),
        failed: (failure) => this.#failed(failure),
      },
    ).start();
  }

  #provisional(response: SipResponse, draft: RequestDraft): void {
    if (response.status === 100 || this.record.end !== undefined) return;
    if (response.status === 180) this.record.enter('ringing');
    this.#early.provisional(response, draft, this.#offer);
  }

  #final(
    target: string,
    response: SipResponse,
    draft: RequestDraft,
    login: LoginRefusal | undefined,
  ): void {
    if (response.status < 300) {
      this.#accepted(response, draft);
      return;
    }
    this.#early.dropAll();
    if (this.record.end === undefined && this.#retry(target, response)) return;
    this.#finish({
      by: 'remote',
      status: response.status,
      reason:
        loginInWords(login) ?? reasonInWords(response.status, response.headers, response.reason),
    });
    this.#settle();
  }

  /** Another INVITE instead of the end: longer interval (422), redirection (3xx), next contact. */
  #retry(target: string, response: SipResponse): boolean {
    const { status, headers } = response;
    if (status === 422 && this.#intervalRetries < MAX_INTERVAL_RETRIES) {
      this.#intervalRetries += 1;
      this.#minSE = Math.max(this.#minSE, parseMinSE(headers));
      this.#invite(target);
      return true;
    }
    if (this.#options.profile.redirects === 'refuse') return false;
    if (status < 400) this.#targets.redirect(headers);
    if (status >= 600 || this.#targets.left === 0) return false;
    this.#next();
    return true;
  }

  #failed(failure: RequestFailure): void {
    this.#early.dropAll();
    if (this.record.end === undefined && this.#targets.left > 0) {
      this.#next();
      return;
    }
    this.#finish({ by: 'network', status: failure.status, reason: failure.reason });
    this.#settle();
  }

  /** Every 2xx is acknowledged; one that is not the first, or comes too late, is also ended. */
  #accepted(response: SipResponse, draft: RequestDraft): void {
    const tag = response.toTag ?? '';
    if (this.#acks.repeat(tag)) return;
    const cseq = cseqOf(draft.headers);
    const session = this.#early.take(response, draft);
    session.dialog = confirmDialog(session.dialog, response);
    session.learn(response.headers);
    if (this.#session !== undefined || this.record.end !== undefined) {
      this.#acks.send(tag, session, cseq);
      const end: CallEnd = { by: 'local', status: 487, reason: 'answered elsewhere' };
      void session.bye(end).then(() => this.#settle());
      return;
    }
    this.#session = session;
    this.#early.dropAll(session);
    this.#remote = identityOf(response.headers, response.to);
    session.refresher.restart(intervalFromResponse(response.headers));
    this.#complete(tag, session, cseq, response).catch((error: unknown) => {
      const [status] = refusal(error);
      void session.bye({ by: 'local', status, reason: messageOf(error) }, [
        ['reason', `SIP;cause=${status}`],
      ]);
    });
  }

  /** Offer and answer of the 2xx, and its ACK. */
  async #complete(
    tag: string,
    session: Session,
    cseq: number,
    response: SipResponse,
  ): Promise<void> {
    this.#acks.expect(tag);
    const sdp = sdpOf(response);
    const acknowledge = (answer?: string) => this.#acks.send(tag, session, cseq, answer);
    if (this.#options.body === undefined) {
      await describeAccepted({
        session,
        sdp,
        offer: this.#offer,
        early: this.#early,
        steps: this.#steps,
        acknowledge,
      });
    } else {
      this.requests.body = bodyOf(response);
      acknowledge();
    }
    session.negotiation.mark({
      ...(!this.#early.stands(session) && { open: 'none' }),
      ourInvite: false,
    });
    if (session.ended) return;
    this.record.enter('established');
    this.record.emit('established', { remoteIdentity: this.#remote.uri });
  }

  /** The description of an early dialog was of no use: the call cannot become one. */
  #refuseEarly(error: unknown): void {
    const [status] = refusal(error);
    if (!this.#finish({ by: 'local', status, reason: messageOf(error) })) return;
    this.#cancelled = true;
    this.#request?.cancel([['reason', `SIP;cause=${status}`]]);
  }

  hangup(options: { status?: number; reason?: string } = {}): Promise<void> {
    this.#hangingUp ??= this.#hangup(options.reason ?? 'call ended');
    return this.#hangingUp;
  }

  #hangup(reason: string): Promise<void> {
    if (this.record.end !== undefined) return Promise.resolve();
    if (this.#session !== undefined) {
      return this.#session.bye({ by: 'local', status: 200, reason });
    }
    this.#cancelled = true;
    this.#finish({ by: 'local', status: 487, reason: 'cancelled' });
    if (this.#request === undefined) return Promise.resolve();
    this.#request.cancel();
    return this.#settled.promise;
  }

  /** Nothing is left to be said about the INVITE. */
  #settle(): void {
    this.#over = true;
    this.changed();
    this.#settled.resolve();
  }

  #finish(end: CallEnd): boolean {
    if (!this.record.finish(end)) return false;
    this.#steps.end();
    if (this.#session === undefined) this.#early.dropAll();
    this.changed();
    return true;
  }

  renegotiate(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.living().offering.renegotiate(options.signal);
  }

  info(body: Body): Promise<void> {
    return this.living().info(body);
  }

  snapshot(): CallSnapshot | undefined {
    if (this.#options.body !== undefined) return undefined;
    if (this.#session !== undefined) return this.inDialog(this.#session);
    const branch = this.#request?.branch;
    if (this.#over || branch === undefined) return undefined;
    const offer = hasKeys(this.#offer) ? undefined : this.#offer;
    return snapshotOf(this, 'inviting', {
      ...identityContent(this.#identity),
      ...this.#targets.snapshot(),
      branch,
      cseq: this.#cseq,
      target: this.#target,
      minSE: this.#minSE,
      lateOffer: !this.#offersFirst,
      ...(offer !== undefined && { offer }),
      cancelled: this.#cancelled,
      early: this.#early.snapshot(),
    });
  }

  /** Leaves without a word (the process goes, the call is to be taken up by the next). */
  abandon(): void {
    this.#request?.dispose();
    this.#session?.drop();
    this.#early.dropAll();
    this.#steps.end();
  }
}
