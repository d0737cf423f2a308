import { OffhookError } from '@offhook/common';
import type { Body } from '../../api.ts';
import type {
  Referral,
  ReferOptions,
  ReplacesHeader,
  RequestHandler,
  RequestOptions,
  SipAnswer,
} from '../../request-api.ts';
import { answered } from '../answered.ts';
import type { InboundRequest } from '../core/inbound-request.ts';
import { foreignMethod, MethodTable } from '../method-table.ts';
import type { CallProfile } from '../session/profile.ts';
import type { Session } from '../session/session.ts';
import { Reports } from '../refer/reports.ts';
import { referralOf } from '../refer/incoming-referral.ts';
import { ReferralImpl, referHeaders } from '../refer/referral.ts';
import type { CallRecord } from './call-record.ts';
import { headerPair } from './invite-draft.ts';

/** What goes on in a call's dialog besides the call: requests by hand, REFER, its reports. */
export class CallRequests {
  readonly #profile: CallProfile;
  readonly #record: CallRecord;
  readonly #session: () => Session | undefined;
  readonly #table: MethodTable;
  readonly #reports: Reports;
  /** In place of a description, in the INVITE or its 2xx. */
  body: Body | undefined;

  constructor(profile: CallProfile, record: CallRecord, session: () => Session | undefined) {
    this.#profile = profile;
    this.#record = record;
    this.#session = session;
    this.#table = new MethodTable(profile.logger);
    this.#reports = new Reports();
  }

  on(method: string, handler: RequestHandler): () => void {
    return this.#table.on(method, handler);
  }

  request(method: string, options: RequestOptions = {}): Promise<SipAnswer> {
    const name = foreignMethod(method);
    const session = this.#living();
    const { headers = [], body, signal } = options;
    return answered(
      (handlers) =>
        session.send({ method: name, headers: headers.map(headerPair), body }, handlers),
      signal,
    );
  }

  /** Throws an OffhookError `no-dialog` when the call, or the one to be replaced, has no dialog. */
  refer(to: string, options: ReferOptions = {}): Referral {
    const session = this.#living();
    const headers = referHeaders(this.#profile, to, options);
    const referral = new ReferralImpl(this.#profile, session);
    this.#reports.add(referral);
    referral.start(headers);
    return referral;
  }

  /** As the peer knows our dialog: its own tag comes first. */
  get replaceable(): ReplacesHeader | undefined {
    const dialog = this.#session()?.dialog;
    if (dialog === undefined) return undefined;
    return { callId: dialog.callId, toTag: dialog.remoteTag, fromTag: dialog.localTag };
  }

  /** A request in the dialog that is not part of the call's own life; `otherwise` when nobody wants it. */
  serve(session: Session, inbound: InboundRequest, otherwise: () => void): void {
    this.#table.serve(inbound, () => {
      const { method } = inbound.message;
      if (method === 'NOTIFY') {
        if (!this.#reports.notify(inbound)) otherwise();
      } else if (method === 'REFER') this.#refer(session, inbound);
      else otherwise();
    });
  }

  #refer(session: Session, inbound: InboundRequest): void {
    const referral = referralOf(inbound, this.#profile, () => session);
    if (referral === undefined) return;
    if (!session.ended) this.#record.emit('refer', referral);
    referral.settle();
  }

  #living(): Session {
    const session = this.#session();
    if (session !== undefined && !session.ended) return session;
    throw new OffhookError('signaling', 'no-dialog', 'the call is not established');
  }
}
