import type { EventSource } from '@offhook/common';
import type {
  IncomingReferral,
  ReferOptions,
  Referral,
  ReplacesHeader,
  RequestHandler,
  RequestOptions,
  SipAnswer,
} from './request-api.ts';
import type { Body, BodyPart, SdpAgent } from './api.ts';

/** Calls, as the rest of Offhook sees them. */

export interface InviteOptions {
  readonly displayName?: string;
  readonly extraHeaders?: readonly string[];
  /** No SDP in the INVITE: the peer offers (RFC 3261 §13.2.1). */
  readonly lateOffer?: boolean;
  /**
   * Goes into the INVITE in place of an offer: a session without media, whose agent is never asked
   * for anything (uaCSTA: `application/csta+xml`).
   */
  readonly body?: Body;
  /** Make the body `multipart/mixed`: the description first, then these. */
  readonly parts?: readonly BodyPart[];
  /** The call is to take the place of that dialog of the peer's (RFC 3891). */
  readonly replaces?: ReplacesHeader;
}

export type CallState = 'trying' | 'ringing' | 'early' | 'established' | 'ended';

export interface CallEnd {
  readonly by: 'local' | 'remote' | 'network';
  /** SIP status that ended it; 200 for a BYE. */
  readonly status: number;
  /** In words: "busy", "declined", "no such number", from the status and Reason (RFC 3326). */
  readonly reason: string;
}

export interface SipCallEvents {
  /** `ringing` for 180; `early` when a 183 or 18x brought a description. */
  state: CallState;
  /** Our INVITE was answered, or our 200 was acknowledged. */
  established: { readonly remoteIdentity: string };
  /** The peer asks us to call a third party: it transfers this call. */
  refer: IncomingReferral;
  /** INFO with DTMF (`application/dtmf-relay`), or another body; already answered. */
  info: Body;
  ended: CallEnd;
}

/**
 * A call as plain data (it survives JSON): enough for another process to go on with its dialog. It has
 * no SRTP key and no credentials in it.
 */
export interface CallSnapshot {
  readonly version: 2;
  readonly id: string;
  readonly direction: 'outgoing' | 'incoming';
  /** AOR of the account. */
  readonly account: string;
  readonly remote: { readonly uri: string; readonly displayName?: string };
  /**
   * `inviting`: our INVITE has no final answer; `ringing`: the peer's has none, or our 2xx no ACK;
   * `ending`: a BYE of ours has no answer.
   */
  readonly state: 'inviting' | 'ringing' | 'established' | 'ending';
  /** Nobody's business but signaling's. */
  readonly content: unknown;
}

export interface CallJournal {
  /**
   * Called before a message leaves that shows a change to the peer, with all calls that have changed
   * since, and soon after other changes. MUST have committed when it returns, and MUST NOT throw.
   */
  commit(changes: readonly CallChange[]): void;
}

export interface CallChange {
  /** `SipCall.id`. */
  readonly id: string;
  /** Undefined: the call is over on both sides, and there is nothing left to say. */
  readonly snapshot: CallSnapshot | undefined;
}

/** A message that ends a call, ready to be sent. */
export interface CallWill {
  readonly transport: 'udp' | 'tcp';
  /** Numeric, no brackets. */
  readonly address: string;
  readonly port: number;
  readonly message: string;
  /** Of its Via: what every answer to it contains. */
  readonly branch: string;
}

export interface SipCall extends EventSource<SipCallEvents> {
  /** Local id, stable for the life of the call. */
  readonly id: string;
  readonly callId: string;
  readonly direction: 'outgoing' | 'incoming';
  readonly account: string;
  readonly state: CallState;
  /** `sip:bob@example.com` and the display name, as From/To or P-Asserted-Identity give them. */
  readonly remote: { readonly uri: string; readonly displayName?: string };
  readonly end: CallEnd | undefined;
  /**
   * CANCEL, BYE, or a 4xx-6xx response, whichever fits; idempotent. Resolves when the call is over
   * for us; the peer's silence does not keep it waiting beyond Timer F.
   */
  hangup(options?: { status?: number; reason?: string }): Promise<void>;
  /**
   * re-INVITE with a new offer of the agent (hold, codec change, target refresh). Glare (491) is
   * retried as RFC 3261 §14.1 says. Rejects with the peer's status when it refuses; the call goes on.
   */
  renegotiate(options?: { signal?: AbortSignal }): Promise<void>;
  info(body: Body): Promise<void>;
  /** A request in the dialog: the final answer, whatever its status. */
  request(method: string, options?: RequestOptions): Promise<SipAnswer>;
  /** Serves a method in the dialog, before what would serve it otherwise; the last one set counts. */
  onRequest(method: string, handler: RequestHandler): () => void;
  /** Asks the peer to call `to` (RFC 3515): a transfer. The call itself goes on. */
  refer(to: string, options?: ReferOptions): Referral;
  /** The dialog's identity, for a Replaces that the peer is to get; undefined before there is one. */
  readonly replaceable: ReplacesHeader | undefined;
  /** What came in the INVITE (incoming) or its 2xx (outgoing) in place of a description. */
  readonly body: Body | undefined;
  /** For `Account.restore`; undefined before the INVITE, when the call is over, and without media. */
  snapshot(): CallSnapshot | undefined;
  /**
   * The BYE that somebody else may send if this phone is lost. It takes a CSeq number that our next
   * request skips, so that it does no harm once we have sent another; the same again as long as
   * nothing has changed. Undefined unless the call is established, and where only TLS leads to the
   * peer. Rejects when the next hop cannot be reached.
   */
  will(): Promise<CallWill | undefined>;
}

export interface IncomingCall extends SipCall {
  readonly direction: 'incoming';
  /** The call whose place this one takes when it is answered (RFC 3891); that one is ended then. */
  readonly replaces: SipCall | undefined;
  /** Header values of the INVITE that policy may look at (`Alert-Info`, `Call-Info`, `Subject` …). */
  header(name: string): string | undefined;
  /** 180, or 183 with early media when asked. Done automatically (180) when the call is delivered. */
  progress(options?: { earlyMedia?: boolean }): Promise<void>;
  /** `body`: of the 2xx, for a session without media. */
  answer(options?: { body?: Body }): Promise<void>;
  /** 486 unless told otherwise; 3xx with `contacts`. */
  reject(options?: {
    status?: number;
    reason?: string;
    contacts?: readonly string[];
  }): Promise<void>;
  /** The agent that makes the answer; MUST be set in the turn in which the call is delivered. */
  useAgent(agent: SdpAgent): void;
}
