import type { EventSource } from '@offhook/common';
import type { Body, ListenAddress } from './api.ts';
import type { SipCall } from './call-api.ts';

/** Requests beside those that make, change and end a call, on an account or in a call's dialog. */

export interface ServedRequest {
  readonly method: string;
  readonly uri: string;
  /** From, with the display name. */
  readonly from: { readonly uri: string; readonly displayName?: string };
  readonly to: { readonly uri: string };
  /** Every value of that header, in order, compact names expanded. */
  headers(name: string): readonly string[];
  readonly body: Body | undefined;
  /** Where it came from: numeric address and port. */
  readonly source: ListenAddress;
}

export interface ServedAnswer {
  readonly status: number;
  readonly reason?: string;
  /** Whole header lines: `WWW-Authenticate: Digest …`. */
  readonly headers?: readonly string[];
  readonly body?: Body;
}

/**
 * Answers a request. `undefined` leaves it to what would serve it otherwise; what it throws becomes a
 * 500. It MUST answer before the peer's Timer F, 32 s.
 */
export type RequestHandler = (
  request: ServedRequest,
) => ServedAnswer | undefined | Promise<ServedAnswer | undefined>;

/** Methods that belong to the life of a call: neither sent nor served by hand. */
export type CallMethod = 'INVITE' | 'ACK' | 'CANCEL' | 'BYE' | 'PRACK' | 'UPDATE' | 'REGISTER';

export interface RequestOptions {
  /** Whole header lines: `Event: presence`. */
  readonly headers?: readonly string[];
  readonly body?: Body;
  /** Gives up waiting; what was sent is sent. */
  readonly signal?: AbortSignal;
}

/** The final answer to a request of ours, whatever its status. */
export interface SipAnswer {
  readonly status: number;
  /** In words. */
  readonly reason: string;
  headers(name: string): readonly string[];
  readonly body: Body | undefined;
}

/** The half of a dialog that Replaces (RFC 3891) names, as its receiver sees it. */
export interface ReplacesHeader {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  /** Only while it is not established. */
  readonly earlyOnly?: boolean;
}

export interface ReferOptions {
  /** The target takes over that call's dialog: an attended transfer. */
  readonly replaces?: SipCall;
  /** `Referred-By` (RFC 3892) with our address; default true. */
  readonly referredBy?: boolean;
  /** Asks for no reports (RFC 4488); the peer may send them all the same. Default false. */
  readonly silent?: boolean;
}

/**
 * How a REFER of ours fares (RFC 3515). `status` is of the answer to the REFER (`refused`), or of the
 * call that the peer makes, as its NOTIFYs tell.
 */
export type ReferralState =
  | { readonly state: 'asked' }
  | { readonly state: 'accepted' }
  | { readonly state: 'progress'; readonly status: number; readonly reason: string }
  | { readonly state: 'succeeded'; readonly status: number; readonly reason: string }
  | { readonly state: 'failed'; readonly status: number; readonly reason: string }
  | { readonly state: 'refused'; readonly status: number; readonly reason: string }
  /** Accepted without reports (RFC 4488), or the reports ended without a result. */
  | { readonly state: 'unknown' };

export interface Referral extends EventSource<{ state: ReferralState }> {
  readonly state: ReferralState;
  /** The last state, or `unknown` when the call's dialog ends before. */
  readonly done: Promise<ReferralState>;
}

/** Somebody asks us to call a third party. Declined (603) unless accepted in the turn of its event. */
export interface IncomingReferral {
  /** URI to call, without headers. */
  readonly target: string;
  /** Of `?Replaces=` in the URI. */
  readonly replaces: ReplacesHeader | undefined;
  /** The URI of `Referred-By`, and the header as it was. */
  readonly referredBy: { readonly uri: string; readonly header: string } | undefined;
  readonly from: { readonly uri: string; readonly displayName?: string };
  /** 202, and a first report of `100 Trying` where the peer wants reports. */
  accept(): void;
  refuse(status: number): void;
  /** Reports how the call fares; a final status is the last report. */
  report(status: number, reason?: string): void;
}
