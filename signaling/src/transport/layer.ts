import type { Core } from 'sip.js';
import type { Clock, EventSource, Logger, OffhookError } from '@offhook/common';
import type { ListenAddress, SipResolver, TlsOptions, TraceEntry, TransportName } from '../api.ts';
import type { Network } from './network.ts';
import type { RequestHead, ResponseHead, SipHead } from './head.ts';

/**
 * Everything below sip.js's transaction users: sockets, Via, response routing (RFC 3261 §18),
 * retransmission over UDP (§17), framing, keep-alive (RFC 5626) and fail-over (RFC 3263).
 *
 * sip.js sees a reliable transport, whatever the wire is: Timers A, D, E, G, I, J and K run here,
 * per transaction and transport, so `Core.Timers` stays as it is.
 */
export interface TransportLayer extends EventSource<TransportEvents> {
  /** What was really bound, with ports, in the order asked for. */
  readonly listening: readonly ListenAddress[];
  readonly counters: Readonly<TransportCounters>;
  /**
   * What `UserAgentCoreConfiguration.transportAccessor` returns. `router` chooses the next hop of
   * each request; without it, or when it gives undefined, that is the topmost Route, else the
   * Request-URI. CANCEL and the ACK of a non-2xx response ALWAYS follow their INVITE and are not
   * asked about; responses go back the way the request came.
   */
  coreTransport(router?: Router): Core.Transport;
  /**
   * Who gets the messages, parsed and checked; MUST be set in the turn in which the layer was
   * created. Retransmissions never arrive here. A handler that throws on a request makes the layer
   * answer 500.
   */
  receive(handler: MessageHandler): void;
  /**
   * An INVITE that came to an earlier process, as if it had come just now: its transaction stands
   * again, and is answered the way that its Via says. Undefined for what is none, or is here already.
   */
  readmit(saved: SavedRequest): IncomingRequest | undefined;
  /** RFC 3263, in the order in which they will be tried; targets that failed lately come last. */
  resolve(uri: string, signal?: AbortSignal): Promise<readonly Target[]>;
  /**
   * The flow that a request to this next hop would take now, opened if it is a connection. Its
   * `contact` is what belongs in a Contact header for that peer.
   */
  reach(nextHop: NextHop, signal?: AbortSignal): Promise<Flow>;
  /**
   * Keeps a flow up: CRLF ping and pong (RFC 5626 §3.5.1) on a connection, a CRLF datagram on UDP.
   * A missing pong ends the connection (`flowLost`) if `requirePong`, or once the peer has shown
   * that it sends them: many servers never do. Returns the function that stops it.
   */
  keepAlive(flow: Flow, options?: { intervalMs?: number; requirePong?: boolean }): () => void;
  /**
   * The machine has other addresses now, these: routes are looked up anew, and connections from an
   * address that is gone end (`flowLost`); nothing would tell of their end for a long time.
   */
  moved(addresses: ReadonlySet<string>): void;
  /** Closes every socket; what is pending fails. Idempotent. */
  close(): Promise<void>;
}

export interface TransportLayerOptions {
  readonly listen: readonly ListenAddress[];
  readonly tls?: TlsOptions | undefined;
  /** Whether an incoming TLS connection must show a certificate of `tls.ca`. Default false. */
  readonly requireClientCertificate?: boolean | undefined;
  readonly logger?: Logger | undefined;
  /** Every message as it crosses the wire, retransmissions too; secrets already masked. */
  readonly trace?: ((entry: TraceEntry) => void) | undefined;
  /** Makes branches that nobody can guess; random by default. */
  readonly secret?: Uint8Array | undefined;
  readonly resolver?: SipResolver | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  readonly network?: Network | undefined;
  /** RFC 3261 §17.1.1.1, in ms: 500, 4000, 5000. */
  readonly timers?: { readonly t1: number; readonly t2: number; readonly t4: number } | undefined;
  readonly limits?: Partial<Limits> | undefined;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** In [0, 1). */
  fraction(): number;
}

/** Caps on what a peer can make us hold. Sizes in bytes, times in ms. */
export interface Limits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly datagramBytes: number;
  /** In each direction. */
  readonly connections: number;
  /** Bytes queued to one connection before it is given up. */
  readonly sendQueueBytes: number;
  /** From the first byte of a message to its last. */
  readonly messageDeadlineMs: number;
  readonly connectTimeoutMs: number;
  /** A connection that carries nothing is closed after this. */
  readonly idleMs: number;
  /** A request longer than this goes by TCP rather than UDP (RFC 3261 §18.1.1). */
  readonly udpRequestBytes: number;
  readonly transactions: number;
}

/** One place to send to, after RFC 3263. */
export interface Target {
  readonly transport: TransportName;
  /** Numeric IPv4 or IPv6 (no brackets). */
  readonly address: string;
  readonly port: number;
  /** The SIP domain that the certificate must be for (RFC 5922), not the SRV target. */
  readonly tlsName?: string | undefined;
}

export type NextHop =
  | { readonly uri: string }
  | { readonly targets: readonly Target[] }
  | { readonly flow: Flow };

export type Router = (
  request: OutgoingRequest,
) => NextHop | undefined | Promise<NextHop | undefined>;

/** What a router sees of a request that is about to leave. */
interface OutgoingRequest {
  readonly method: string;
  readonly uri: string;
  readonly callId: string;
  readonly head: SipHead;
}

export interface Endpoint {
  /** Numeric, no brackets. */
  readonly address: string;
  readonly port: number;
}

/** A connection, or one UDP socket towards one remote endpoint. */
export interface Flow {
  /** Unique in the life of the layer. */
  readonly id: string;
  readonly transport: TransportName;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Where that peer can open a flow to us: our listening point, or `local` if there is none. */
  readonly contact: Endpoint;
}

/** A request as it came, for another process. */
export interface SavedRequest {
  readonly text: string;
  readonly transport: TransportName;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/**
 * A request that is sound in its outer form. Who takes it reads the values it needs from `head`, and
 * throws `MalformedMessage` if one is no good, which makes the layer answer 400.
 */
export interface IncomingRequest {
  readonly head: RequestHead;
  readonly body: string;
  /**
   * Stands for the transaction: the branch of the one Via of the responses that are given to
   * `coreTransport`. A CANCEL has that of its INVITE.
   */
  readonly branch: string;
  readonly flow: Flow;
  /**
   * For transaction users of sip.js, made when it is asked for: its parser rebuilds its whole PEG
   * machine for each header field, 2 ms an INVITE, and collapses at 200 calls/s by that alone.
   */
  readonly message: Core.IncomingRequestMessage;
}

export interface IncomingResponse {
  /** All headers, also those of which sip.js keeps only the last (WWW-Authenticate). */
  readonly head: ResponseHead;
  readonly body: string;
  /** The branch that its request had when it was given to `coreTransport`. */
  readonly branch: string;
  /** Absent in a response that the layer made because the request could not be sent. */
  readonly flow: Flow | undefined;
  /** Our endpoint as the peer saw it (`received` and `rport` of our Via, RFC 3581). */
  readonly seenAs: Endpoint | undefined;
  /**
   * False for a 2xx to an INVITE that this layer did not send: of an earlier life, or very late.
   * Other responses without a transaction are dropped (RFC 6026 §8.9).
   */
  readonly matched: boolean;
  /** As in `IncomingRequest`. */
  readonly message: Core.IncomingResponseMessage;
}

export interface MessageHandler {
  request(event: IncomingRequest): void;
  /**
   * A final response, a provisional one, or a 503 made here when sending failed after
   * `send` had resolved (RFC 3261 §8.1.3.1). Retransmitted finals to non-INVITE requests and
   * non-2xx finals to INVITE are absorbed; every 2xx to INVITE arrives.
   */
  response(event: IncomingResponse): void;
}

export interface TransportEvents {
  /** A connection that was up has gone: closed by the peer, reset, or without pong. */
  flowLost: { readonly flow: Flow; readonly error: OffhookError };
  /** A connection came up, either way. */
  flowUp: { readonly flow: Flow; readonly direction: 'in' | 'out' };
}

export interface TransportCounters {
  received: number;
  sent: number;
  retransmissionsSent: number;
  retransmissionsAbsorbed: number;
  /** Not SIP, or too broken to answer. */
  dropped: number;
  /** Requests refused below sip.js (400, 413, 505 …). */
  refused: number;
  sendFailures: number;
  connectionsRefused: number;
}
