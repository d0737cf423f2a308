import { OffhookError } from '@offhook/common';
import type { Body } from '../../api.ts';
import type { CallEnd } from '../../call-api.ts';
import type { Flow, NextHop } from '../../transport/layer.ts';
import type { ClientRequest } from '../core/client-request.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import type { DialogOwner } from '../core/sip-core.ts';
import {
  acceptRequest,
  draftRequest,
  refreshTarget,
  showContact,
  type DialogState,
  type RequestDraft,
} from '../dialog/dialog-state.ts';
import {
  sendInDialog,
  type DialogRequest,
  type DialogRequestHandlers,
} from '../dialog/dialog-request.ts';
import type { Headers, HeaderPair } from '../message/headers.ts';
import { bodyOf, type SipRequest, type SipResponse } from '../message/message.ts';
import { reasonInWords } from '../words.ts';
import { Answering } from './answering.ts';
import { hasKeys, type SessionSnapshot } from '../call/snapshot.ts';
import { Negotiation } from './negotiation.ts';
import { Offering } from './offering.ts';
import { ACCEPT, ALLOW, capabilityHeaders, supportedTags, type CallProfile } from './profile.ts';
import { Refresher } from './refresher.ts';
import type { SdpSteps } from './sdp-steps.ts';

/** A 481 to these ends what they are about, and not the call (RFC 5057 §5). */
const BESIDE = new Set(['NOTIFY', 'SUBSCRIBE']);

/** What a dialog tells the call that it belongs to. */
export interface SessionOwner {
  /** The dialog is over; told once. */
  ended(end: CallEnd): void;
  info(body: Body): void;
  message(request: SipRequest): void;
  /** PRACK to a reliable provisional response of ours. */
  prack(inbound: InboundRequest): void;
  /** A request that is no part of the call's own life; `otherwise` answers what nobody wants. */
  serve(inbound: InboundRequest, otherwise: () => void): void;
  /** The state that a journal would hold has changed. */
  changed(): void;
  /** Nothing answers at the peer's Contact; it is tried again after a while. */
  unreachable?(): void;
}

/** One dialog of a call, early or confirmed (RFC 3261 §12.2), and what happens inside it. */
export class Session implements DialogOwner {
  readonly profile: CallProfile;
  readonly steps: SdpSteps;
  readonly negotiation: Negotiation;
  readonly answering: Answering;
  readonly offering: Offering;
  readonly refresher: Refresher;
  readonly #owner: SessionOwner;
  #dialog: DialogState;
  #peerAllows: ReadonlySet<string> | undefined;
  #ended = false;
  #dropped = false;
  #leaving = false;
  /** CSeq of the last request that an earlier process got; it may not have answered it. */
  #unanswered: number | undefined;
  /** The session timer of an earlier process has run out, or cannot be told. */
  #overdue = false;
  #holds = 0;

  constructor(profile: CallProfile, dialog: DialogState, steps: SdpSteps, owner: SessionOwner) {
    this.profile = profile;
    this.steps = steps;
    this.#dialog = dialog;
    this.#owner = owner;
    this.negotiation = new Negotiation(profile.core.clock, () => owner.changed());
    this.answering = new Answering(this);
    this.offering = new Offering(this);
    this.refresher = new Refresher(
      profile.core.clock,
      (action) => this.#timer(action),
      () => owner.changed(),
    );
    profile.core.addDialog(dialog, this);
  }

  get dialog(): DialogState {
    return this.#dialog;
  }

  set dialog(dialog: DialogState) {
    if (dialog === this.#dialog) return;
    this.#dialog = dialog;
    this.#owner.changed();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** A BYE of ours waits for its answer. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** Whether the peer has said that it takes the method; undefined when it has said nothing. */
  allows(method: string): boolean | undefined {
    return this.#peerAllows?.has(method);
  }

  snapshot(): SessionSnapshot {
    const { current, since } = this.refresher;
    const { local, remote, offeredByPeer, keyed = false } = this.negotiation.descriptions;
    const secret = keyed || hasKeys(local) || hasKeys(remote);
    return {
      descriptions: {
        ...(!secret && { local, remote }),
        offeredByPeer,
        keyed: secret,
      },
      ...(current !== undefined && { timer: { ...current, since } }),
      ...(this.#peerAllows !== undefined && { peerAllows: [...this.#peerAllows] }),
    };
  }

  /** Goes on where a snapshot stopped; `contact` tells when there is something to say. */
  resume({ descriptions, timer, peerAllows }: SessionSnapshot): void {
    const { local, remote, offeredByPeer, keyed } = descriptions;
    this.negotiation.settle({ local, remote, offeredByPeer, keyed });
    this.#unanswered = this.#dialog.remoteCSeq;
    if (peerAllows !== undefined) this.#peerAllows = new Set(peerAllows);
    if (timer === undefined) return;
    const { since, interval, weRefresh } = timer;
    const elapsed = this.profile.core.clock.wall() - since;
    // A wall clock that was set back or forward tells nothing: the peer is asked instead.
    this.#overdue = elapsed < 0 || elapsed >= interval * 1000;
    this.refresher.restart({ interval, weRefresh }, this.#overdue ? 0 : elapsed);
  }

  /**
   * After `resume`: tells the peer our Contact where it could not reach us any more, and asks whether
   * it still has the dialog where it may have given up.
   */
  async reassure(mayHaveGivenUp: boolean): Promise<void> {
    if (this.#ended) return;
    if (mayHaveGivenUp || this.#overdue || !(await this.#reachable()))
      await this.offering.refresh();
  }

  /** Whether the peer's next request comes to us by itself: a connection would have to be opened. */
  async #reachable(): Promise<boolean> {
    const { core } = this.profile;
    try {
      const { nextHop } = draftRequest(this.#dialog, 'OPTIONS', 0);
      const flow = await core.layer.reach({ uri: nextHop });
      const contact = this.profile.contactOn(flow);
      return flow.transport === 'udp' && contact === this.#dialog.localContact;
    } catch {
      return false;
    }
  }

  unreachable(): void {
    if (!this.#ended) this.#owner.unreachable?.();
  }

  /** The flow's Contact is in what is sent next. */
  shows(flow: Flow): void {
    this.dialog = showContact(this.#dialog, this.profile.contactOn(flow));
  }

  /** Takes notice of Allow in any message of the peer. */
  learn(headers: Headers): void {
    if (headers.has('allow')) this.#peerAllows = new Set(headers.list('allow'));
  }

  /** A target refresh of the peer (request or 2xx) has taken effect. */
  moved(headers: Headers): void {
    this.dialog = refreshTarget(this.#dialog, headers);
  }

  /** Sends a request in the dialog; each attempt uses up a CSeq number. */
  send(request: DialogRequest, handlers: DialogRequestHandlers): ClientRequest {
    return sendInDialog(this.profile, this, request, {
      final: (response, draft, login) => {
        this.learn(response.headers);
        handlers.final(response, draft, login);
        // RFC 5057: the peer knows nothing of the dialog any more.
        if (response.status === 481 && !BESIDE.has(request.method)) this.#lost(response);
      },
      failed: (failure) => handlers.failed(failure),
    });
  }

  /** Acknowledges a 2xx to an INVITE of that CSeq; `hop` may be kept for repeating it. */
  ack(cseq: number, body?: Body): { draft: RequestDraft; hop: NextHop } {
    const draft = draftRequest(this.#dialog, 'ACK', cseq, body === undefined ? {} : { body });
    const hop: NextHop = { uri: draft.nextHop };
    this.profile.core.sendAck(draft, hop);
    return { draft, hop };
  }

  /**
   * Ends the dialog: the call is told at once, the promise resolves with the peer's answer, or after
   * Timer F without one.
   */
  async bye(end: CallEnd, headers: readonly HeaderPair[] = []): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#leaving = true;
    this.#owner.ended(end);
    // RFC 3261 §15: whoever has sent a 2xx waits for its ACK before the BYE.
    await this.answering.untilAcknowledged();
    if (this.#dropped) {
      this.#leaving = false;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.send({ method: 'BYE', headers }, { final: () => resolve(), failed: () => resolve() });
    this.drop();
    await promise;
    this.#leaving = false;
    this.#owner.changed();
  }

  /** Forgets the dialog and tells the call, without a message. */
  end(end: CallEnd): void {
    if (this.#ended) return;
    this.drop();
    this.#owner.ended(end);
  }

  /** Forgets the dialog silently (an early dialog that another one has beaten). */
  drop(): void {
    if (this.#dropped) return;
    this.#ended = true;
    this.#dropped = true;
    this.negotiation.end();
    this.answering.end();
    this.offering.end();
    this.refresher.stop();
    this.#forget();
  }

  /** Keeps the dialog known after the call, for what else goes on in it, until released. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      this.#forget();
    };
  }

  #forget(): void {
    if (this.#dropped && this.#holds === 0) this.profile.core.removeDialog(this.#dialog);
  }

  /** INFO (RFC 6086) with a body; rejects when the peer refuses it. */
  info(body: Body): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const refuse = (status: number, words: string): void =>
      reject(
        new OffhookError('signaling', 'refused', `INFO refused: ${words}`, { details: { status } }),
      );
    this.send(
      { method: 'INFO', body },
      {
        final: (response) => {
          if (response.status < 300) resolve();
          else refuse(response.status, reasonInWords(response.status, response.headers));
        },
        failed: ({ status, reason }) => refuse(status, reason),
      },
    );
    return promise;
  }

  /** RFC 4028 §10: somebody has to refresh, or the session is over. */
  #timer(action: 'refresh' | 'expire'): void {
    if (action === 'refresh') {
      void this.offering.refresh();
      return;
    }
    void this.bye({ by: 'network', status: 408, reason: 'the session timer ran out' }, [
      ['reason', 'SIP;cause=408;text="Session timer expired"'],
    ]);
  }

  #lost(response: SipResponse): void {
    this.end({
      by: 'remote',
      status: response.status,
      reason: reasonInWords(response.status, response.headers),
    });
  }

  /** The answer to an INVITE of an earlier process, or one that was long in coming. */
  late(response: SipResponse): void {
    const { status, cseq } = response;
    if (status >= 200 && status < 300 && cseq.number <= this.#dialog.localCSeq) {
      this.ack(cseq.number);
    }
  }

  acknowledged(message: SipRequest): void {
    this.answering.acknowledged(message);
  }

  request(inbound: InboundRequest): void {
    const { message } = inbound;
    const again = message.cseq.number === this.#unanswered;
    const state = again ? this.#dialog : acceptRequest(this.#dialog, message.cseq.number);
    if (state === undefined) {
      inbound.reply(500, { reason: 'Request Out Of Order' });
      return;
    }
    if (!again) this.#unanswered = undefined;
    const required = message.headers.tokens('require');
    const known = supportedTags(this.profile);
    const unknown = required.filter((tag) => !known.includes(tag));
    this.dialog = state;
    if (unknown.length > 0) {
      inbound.reply(420, { headers: [['unsupported', unknown.join(', ')]] });
      return;
    }
    this.learn(message.headers);
    this.#serve(inbound);
  }

  #serve(inbound: InboundRequest): void {
    const { message } = inbound;
    switch (message.method) {
      case 'INVITE':
      case 'UPDATE':
        if (this.#ended) {
          inbound.reply(481);
          break;
        }
        this.answering.incoming(inbound);
        break;
      case 'BYE':
        if (this.#ended) this.drop();
        this.end({ by: 'remote', status: 200, reason: reasonInWords(200, message.headers) });
        // Only now: there is nothing left of the call to be written down before.
        inbound.reply(200);
        break;
      case 'PRACK':
        this.#owner.prack(inbound);
        break;
      default:
        this.#owner.serve(inbound, () => this.#otherwise(inbound));
    }
  }

  #otherwise(inbound: InboundRequest): void {
    const { message } = inbound;
    switch (message.method) {
      case 'INFO':
        this.#info(inbound);
        break;
      case 'MESSAGE':
        inbound.reply(200);
        this.#owner.message(message);
        break;
      case 'OPTIONS':
        inbound.reply(200, {
          headers: [...capabilityHeaders(this.profile, inbound.flow), ['accept', ACCEPT]],
        });
        break;
      case 'NOTIFY':
      case 'SUBSCRIBE':
        inbound.reply(489);
        break;
      default:
        inbound.reply(501, { headers: [['allow', ALLOW]] });
    }
  }

  #info(inbound: InboundRequest): void {
    if (inbound.message.headers.has('info-package')) {
      // RFC 6086 §4.2.2: we have announced no package.
      inbound.reply(469, { reason: 'Bad Info Package', headers: [['recv-info', '']] });
      return;
    }
    inbound.reply(200);
    const body = bodyOf(inbound.message);
    if (body !== undefined) this.#owner.info(body);
  }
}
