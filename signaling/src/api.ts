import type { EventSource, Logger } from '@offhook/common';
import type { Publication, SubscribeOptions, Subscription } from './event-api.ts';
import type {
  IncomingReferral,
  ReferOptions,
  Referral,
  RequestHandler,
  RequestOptions,
  ServedAnswer,
  ServedRequest,
  SipAnswer,
} from './request-api.ts';
import type {
  InviteOptions,
  CallSnapshot,
  CallJournal,
  SipCall,
  IncomingCall,
} from './call-api.ts';

/**
 * What the rest of Offhook sees of SIP. No type of sip.js crosses this border, and no media: bodies
 * are opaque, and whoever makes a call brings an `SdpAgent` for it.
 */

export type TransportName = 'udp' | 'tcp' | 'tls';

export interface Body {
  /** Media type, e.g. `application/sdp`. */
  readonly type: string;
  readonly content: string;
}

/** A body that goes beside the description of an INVITE (RFC 5621, RFC 2045). */
export interface BodyPart extends Body {
  /** By which header fields point to it, without angle brackets (RFC 2392): `location@example.com`. */
  readonly contentId?: string | undefined;
}

/**
 * The application's half of offer/answer (RFC 3264, RFC 6337) for one call. signaling calls it
 * one step at a time, never concurrently for one call. A rejection with an OffhookError refuses the
 * offer: 488 for `no-common-codec`, `srtp-required`, `invalid-sdp` and `address-refused`, 480 for a call
 * that would begin with `not-connected`, `worker-down` or `limit-reached`, else 500; a call in progress
 * stays as it was.
 */
export interface SdpAgent {
  createOffer(signal: AbortSignal): Promise<string>;
  createAnswer(offer: string, signal: AbortSignal): Promise<string>;
  /** `provisional`: came in an early dialog; another answer to the same offer may follow. */
  acceptAnswer(
    answer: string,
    options: { provisional: boolean },
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * The last description of ours came to nothing: the offer was refused (RFC 3261 §14.1) or its answer
   * of no use, or the answer was not sent, because the peer cancelled. What was before stays in force.
   */
  rollback(): Promise<void>;
}

export interface TlsOptions {
  /** PEM; the system's store by default. */
  readonly ca?: string;
  /** PEM, for incoming connections and mutual authentication. */
  readonly cert?: string;
  readonly key?: string;
  /** Verification of the peer; true unless explicitly false. */
  readonly verify?: boolean;
}

export interface ListenAddress {
  readonly transport: TransportName;
  /** Numeric IPv4 or IPv6 (no brackets). */
  readonly address: string;
  /** 0: an ephemeral port. */
  readonly port: number;
}

export interface UserAgentOptions {
  readonly listen: readonly ListenAddress[];
  readonly tls?: TlsOptions;
  /** `User-Agent` and `Server`. */
  readonly product?: string;
  readonly logger?: Logger;
  /**
   * What stays the same over restarts of this phone and is its own (RFC 5626 §4.1): the host name by
   * default. By it an account knows the bindings that an earlier life left at its registrar.
   */
  readonly instance?: string;
  /** Where calls are written down, so that another process can go on with them. */
  readonly journal?: CallJournal;
  /**
   * Branches and tags are made with it: the process that goes on with the calls of another one has
   * the same secret, 16 bytes or more, so that what it sends again is known for the same.
   */
  readonly secret?: Uint8Array;
  /**
   * True: what arrives waits until `restored` is called, so that no request finds its dialog unknown
   * only because it has not been taken up yet.
   */
  readonly restoring?: boolean;
  /** A URI (`sip:proxy.example.com;transport=tls;lr`) every out-of-dialog request goes through. */
  readonly outboundProxy?: string;
  /** Every message as it crosses the wire; secrets already masked. */
  readonly trace?: (entry: TraceEntry) => void;
  /** DNS for RFC 3263; the system's resolver by default. */
  readonly resolver?: SipResolver;
  /**
   * Serves requests outside of dialogs that a phone has no use for (REGISTER, SUBSCRIBE …), for a
   * small registrar or test PBX; never asked for INVITE, ACK, CANCEL or OPTIONS. 405 when absent, or
   * when it returns undefined.
   */
  readonly serve?: (request: ServedRequest) => Promise<ServedAnswer | undefined>;
}

export interface TraceEntry {
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  readonly local: string;
  readonly remote: string;
  readonly message: string;
}

export interface SipResolver {
  naptr(name: string): Promise<
    readonly {
      order: number;
      preference: number;
      service: string;
      replacement: string;
      flags: string;
    }[]
  >;
  srv(
    name: string,
  ): Promise<readonly { priority: number; weight: number; port: number; name: string }[]>;
  addresses(name: string): Promise<readonly string[]>;
}

export interface Credentials {
  readonly username: string;
  /** Asked for when a challenge comes, so that it need not be kept in memory for long. */
  readonly password: () => Promise<string>;
  /** Only for this realm; any realm if absent. */
  readonly realm?: string;
}

export interface AccountOptions {
  /** `sip:alice@example.com`. */
  readonly aor: string;
  readonly displayName?: string;
  /** REGISTER goes here, in order, the next when one does not answer; default: the AOR's domain. */
  readonly registrars?: readonly string[];
  readonly register: boolean;
  /** Seconds asked for; default 300. */
  readonly expires?: number;
  readonly credentials?: readonly Credentials[];
  readonly outboundProxy?: string;
  /** Reliable provisional responses (RFC 3262). */
  readonly rel100?: 'off' | 'supported' | 'required';
  /** RFC 4028. `expires` and `minSE` in seconds. */
  readonly sessionTimer?:
    | {
        readonly expires: number;
        readonly minSE: number;
        readonly refresher: 'uac' | 'uas' | 'auto';
      }
    | false;
  /** 3xx of the peer: `follow` tries the contacts in order of q, at most 5. */
  readonly redirects?: 'follow' | 'refuse';
  /**
   * Bodies, beside SDP, whose INVITE is delivered as a call without media: `application/csta+xml`
   * (uaCSTA, ECMA TR/87).
   */
  readonly sessions?: readonly string[];
}

export type RegistrationState =
  | { readonly state: 'unregistered' }
  | { readonly state: 'registering' }
  | { readonly state: 'registered'; readonly expiresAt: number; readonly registrar: string }
  | {
      readonly state: 'failed';
      /** SIP status, or 0 when nothing answered. */
      readonly status: number;
      readonly reason: string;
      /** Wall-clock ms of the next try; absent when it waits for the user (wrong password). */
      readonly retryAt?: number;
    };

export interface AccountEvents {
  registration: RegistrationState;
  incoming: IncomingCall;
  /** MESSAGE (RFC 3428), already answered 200. */
  message: { readonly from: string; readonly displayName?: string; readonly body: Body };
  /** REFER outside of a dialog: somebody asks us to make a call. */
  refer: IncomingReferral;
}

export interface Account extends EventSource<AccountEvents> {
  readonly aor: string;
  readonly registration: RegistrationState;
  register(): Promise<void>;
  unregister(): Promise<void>;
  /** Whether a Contact, in what a registrar tells of its bindings, is that of this registration. */
  isOwnBinding(contact: string): boolean;
  /**
   * The registrar has said by other means (RFC 3680) that the binding is no more. After `retryAfter`
   * seconds it is made anew, 0 being at once; without it the account stays unregistered, with that
   * reason, until `register`.
   */
  bindingRemoved(why: { readonly reason: string; readonly retryAfter?: number | undefined }): void;
  /** A call to a SIP URI, or a service (`urn:service:sos`, RFC 5031); `invite` returns at once, what happens comes as events. */
  invite(target: string, agent: SdpAgent, options?: InviteOptions): SipCall;
  /**
   * Goes on with a call of an earlier process, in the state in which that was; a call that rings here
   * is an `IncomingCall`. What there is to say to the peer is said after `UserAgent.restored`. Throws
   * an OffhookError `bad-snapshot` for what is none, and `gone` for a call that cannot go on.
   */
  restore(snapshot: CallSnapshot, agent: SdpAgent): SipCall;
  /** OPTIONS to the registrar or a URI: the status, round trip and way, for `doctor`. */
  options(target?: string): Promise<PingAnswer>;
  /**
   * A request outside of any dialog (MESSAGE, INFO to a device …): the final answer, whatever its
   * status. Rejects with `no-answer` when nothing answers.
   */
  request(method: string, target: string, options?: RequestOptions): Promise<SipAnswer>;
  /** Serves a method outside of dialogs, before what would serve it otherwise; the last one set counts. */
  onRequest(method: string, handler: RequestHandler): () => void;
  /** Asks `target` to call `to` (RFC 3515), outside of any dialog. */
  refer(target: string, to: string, options?: ReferOptions): Referral;
  /** Watches an event package of a resource (RFC 6665) until closed; what happens comes as events. */
  subscribe(target: string, options: SubscribeOptions): Subscription;
  /** Publishes an event state of ours (RFC 3903) and keeps it; seconds, default 600. */
  publish(event: string, body: Body, options?: { readonly expires?: number }): Publication;
  close(): Promise<void>;
}

/** What came of an OPTIONS (RFC 3261 §11). */
export interface PingAnswer {
  /** 408 or 503 when nothing answered. */
  readonly status: number;
  readonly reason: string;
  readonly rttMs: number;
  /** Absent when nothing answered. */
  readonly path?: SipPath;
}

/** How we and a peer see our end of the way between us. */
export interface SipPath {
  readonly transport: TransportName;
  /** Where we listen for that peer: numeric, no brackets. */
  readonly local: { readonly address: string; readonly port: number };
  /** From where the peer has our request (`received` and `rport` of our Via, RFC 3581), if it says so. */
  readonly seenAs?: { readonly address: string; readonly port: number };
  /** Whether these differ: a NAT is between us. */
  readonly behindNat: boolean;
  /** The Contact URI that peer is given. */
  readonly contact: string;
}

export interface UserAgent {
  /** What was really bound, with ports. */
  readonly listening: readonly ListenAddress[];
  addAccount(options: AccountOptions): Account;
  readonly accounts: readonly Account[];
  /**
   * The calls of the earlier process are there: what has arrived meanwhile is served, and each call
   * goes on. A peer is told our Contact where it could not reach us any more, or where it may have
   * given up: `awayMs` is how long nobody was here, if that is known.
   */
  restored(options?: { awayMs?: number | undefined }): void;
  /**
   * Our addresses have changed, or a frozen process goes on: accounts register again, and the peer
   * of every established call is told our Contact, at once. `addresses`: those that this machine has
   * now; connections from others are given up.
   */
  refresh(options?: { addresses?: ReadonlySet<string> }): void;
  /** Unregisters, ends calls (within `timeoutMs`, default 2 s), closes sockets. */
  close(options?: { timeoutMs?: number; keepCalls?: boolean }): Promise<void>;
}
