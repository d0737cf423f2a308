import { Core } from 'sip.js';
import type { RequestDraft } from '../dialog/dialog-state.ts';
import { serialize, type SipResponse } from '../message/message.ts';

/**
 * The one place that drives sip.js's transactions, with what is wrong in them put right around them:
 *
 * - a branch has 24 bits of `Math.random`, so two of some thousand live transactions collide: ours
 *   has 96 bits (RFC 3261 §8.1.1.7 wants it unique across space and time);
 * - it tells its user of a failure in the middle of a state change and again for every failed send:
 *   users are told in a turn of their own, once, and nothing after the end (stock sip.js threw
 *   `Invalid state transition from Terminated to Terminated` out of a timer and took the process);
 * - a 408 to a non-INVITE request is turned into a local time-out and its headers are lost;
 * - the ACK to a refused INVITE carries the first Route only;
 * - 2xx retransmissions are swallowed while the ACK is being made: they go past the transaction;
 * - a server transaction keeps the whole request for 32 s: it gets a stub of two fields;
 * - every transaction writes debug lines that nobody reads: its logger drops them.
 */

const silent = {
  error: () => undefined,
  warn: () => undefined,
  log: () => undefined,
  debug: () => undefined,
};
const loggerFactory = { getLogger: () => silent } as unknown as Core.LoggerFactory;

export interface ClientTransactionUser {
  /** Every provisional and final response; every 2xx to an INVITE, retransmissions too. */
  response(response: SipResponse): void;
  /** Timer B or F: no final (INVITE: no) response in 64·T1. */
  timeout(): void;
  transportError(error: Error): void;
}

/** What sip.js's client transactions use of their outgoing request. */
class TransactionRequest {
  readonly method: string;
  readonly ruri: string;
  readonly callId: string;
  readonly cseq: string;
  readonly #draft: RequestDraft;
  readonly branch: string;
  #via = '';

  constructor(draft: RequestDraft, branch: string) {
    this.method = draft.method;
    this.ruri = draft.uri;
    this.callId = draft.headers.get('call-id') ?? '';
    this.cseq = (draft.headers.get('cseq') ?? '').split(' ', 1)[0] ?? '';
    this.#draft = draft;
    this.branch = branch;
  }

  /** sent-by is the transport layer's business: it knows the socket. */
  setViaHeader(_id: string, protocol: string): void {
    this.#via = viaValue(protocol, this.branch);
  }

  getHeader(name: string): string | undefined {
    if (name === 'via') return this.#via;
    if (name === 'route') {
      const routes = this.#draft.headers.all('route');
      return routes.length === 0 ? undefined : routes.join(', ');
    }
    return this.#draft.headers.get(name);
  }

  toString(): string {
    return requestText(this.#draft, this.#via);
  }
}

export function viaValue(protocol: string, branch: string): string {
  return `SIP/2.0/${protocol} offhook.invalid;branch=${branch};rport`;
}

export function requestText(draft: RequestDraft, via: string): string {
  return serialize(
    `${draft.method} ${draft.uri} SIP/2.0\r\nVia: ${via}`,
    draft.headers,
    draft.body,
  );
}

export class ClientTransaction {
  readonly branch: string;
  readonly #user: ClientTransactionUser;
  readonly #transaction: Core.InviteClientTransaction | Core.NonInviteClientTransaction;
  readonly #invite: boolean;
  readonly #ended: () => void;
  #accepted = false;
  #done = false;

  /** Sends the request. `ended` is called once, when no response can come any more. */
  constructor(
    draft: RequestDraft,
    branch: string,
    transport: Core.Transport,
    user: ClientTransactionUser,
    ended: () => void,
  ) {
    this.branch = branch;
    this.#user = user;
    this.#ended = ended;
    this.#invite = draft.method === 'INVITE';
    const request = new TransactionRequest(draft, branch);
    const coreUser: Core.ClientTransactionUser = {
      loggerFactory,
      onRequestTimeout: () => this.#report(() => user.timeout()),
      onTransportError: (error) => this.#report(() => user.transportError(error)),
      onStateChange: (state) => {
        if (state === Core.TransactionState.Terminated) this.#end();
      },
    };
    const Transaction = this.#invite
      ? Core.InviteClientTransaction
      : Core.NonInviteClientTransaction;
    this.#transaction = new Transaction(
      request as unknown as Core.OutgoingRequestMessage,
      transport,
      coreUser,
    );
  }

  receive(response: SipResponse): void {
    if (this.#done) return;
    const again = this.#accepted && response.status < 300;
    const success = response.status >= 200 && response.status < 300;
    if (!again) this.#feed(response);
    if (this.#invite && success) this.#accepted = true;
    if (!again || success) this.#user.response(response);
  }

  /** Moves sip.js's machine on; it acknowledges a refused INVITE itself. */
  #feed(response: SipResponse): void {
    const view = {
      // See above: sip.js would drop a 408 and claim a time-out.
      statusCode: response.status === 408 ? 480 : response.status,
      toTag: response.toTag ?? '',
      getHeader: (name: string) => response.headers.get(name),
    };
    this.#transaction.receiveResponse(view as unknown as Core.IncomingResponseMessage);
  }

  /** Forgets the transaction: later responses match nothing. */
  dispose(): void {
    this.#transaction.dispose();
    this.#end();
  }

  #report(tell: () => void): void {
    if (this.#done) return;
    // sip.js goes on with a state change after this call; the user must not be inside it.
    queueMicrotask(tell);
  }

  #end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#ended();
  }
}

/** Server half; what retransmits and absorbs is below it, in the transport layer. */
export class ServerTransaction {
  readonly #transaction: Core.InviteServerTransaction | Core.NonInviteServerTransaction;
  #final = false;

  /** Is in `live` until nothing is absorbed or repeated any more. */
  constructor(
    request: { method: string; branch: string },
    transport: Core.Transport,
    live: Set<ServerTransaction>,
  ) {
    const stub = { method: request.method, viaBranch: request.branch };
    const Transaction =
      request.method === 'INVITE' ? Core.InviteServerTransaction : Core.NonInviteServerTransaction;
    this.#transaction = new Transaction(stub as unknown as Core.IncomingRequestMessage, transport, {
      loggerFactory,
      onStateChange: (state) => {
        if (state === Core.TransactionState.Terminated) live.delete(this);
      },
    });
    live.add(this);
  }

  get finished(): boolean {
    return this.#final;
  }

  /** Sends a response; anything after a final one is dropped. */
  send(status: number, text: string): void {
    if (this.#final) return;
    this.#final = status >= 200;
    this.#transaction.receiveResponse(status, text);
  }

  /** The 2xx once more, while nobody has acknowledged it (RFC 3261 §13.3.1.4). */
  resendAccepted(): void {
    if (this.#transaction instanceof Core.InviteServerTransaction) {
      this.#transaction.retransmitAcceptedResponse();
    }
  }

  dispose(): void {
    this.#transaction.dispose();
  }
}
