import type { Core } from 'sip.js';
import { describeError, type Clock, type Logger } from '@offhook/common';
import type { NextHop, Random, SavedRequest, TransportLayer } from '../../transport/layer.ts';
import type * as layer from '../../transport/layer.ts';
import { dialogKey, type DialogId, type RequestDraft } from '../dialog/dialog-state.ts';
import {
  readRequest,
  readResponse,
  type SipRequest,
  type SipResponse,
} from '../message/message.ts';
import { InboundRequest } from './inbound-request.ts';
import type { Keeper } from './keeper.ts';
import { RecentKeys } from './recent-keys.ts';
import {
  ClientTransaction,
  requestText,
  viaValue,
  type ServerTransaction,
  type ClientTransactionUser,
} from './sipjs-transactions.ts';

/** Who takes the requests and stray 2xx of one dialog. */
export interface DialogOwner {
  /** A request in the dialog, anything but ACK and CANCEL. */
  request(inbound: InboundRequest): void;
  acknowledged(message: SipRequest): void;
  /** A final answer to an INVITE of ours in the dialog that no transaction waits for any more. */
  late?(response: SipResponse): void;
}

export interface CoreOptions {
  readonly layer: TransportLayer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** `User-Agent` and `Server`. */
  readonly product: string;
  /** A request outside any dialog, checked for merging. */
  readonly outOfDialog: (inbound: InboundRequest) => void;
  readonly keeper: Keeper;
  /** True: what arrives waits for `release`. */
  readonly hold: boolean;
}

/** So much may wait; a peer asks again. */
const MAX_HELD = 10_000;

/** RFC 3261 Timer B, F and H in ms: what 64·T1 is. */
export const TRANSACTION_TIMEOUT = 32_000;
export const T1 = 500;
export const T2 = 4000;

/**
 * Matches messages with transactions and dialogs (RFC 3261 §8 and §12.2): the part of sip.js's
 * UserAgentCore that is worth having, with constant-time look-ups everywhere. sip.js finds merged
 * requests by a scan of all live transactions, which alone takes a core at 200 calls/s.
 */
export class SipCore {
  readonly layer: TransportLayer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly product: string;
  readonly keeper: Keeper;
  #held: (() => void)[] | undefined;
  readonly #outOfDialog: (inbound: InboundRequest) => void;
  /** Responses and stateless sends; the layer sends them back the way the request came. */
  readonly #responses: Core.Transport;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #invites = new Map<string, InboundRequest>();
  readonly #dialogs = new Map<string, DialogOwner>();
  /** Dialogs of which only our half is known, for a NOTIFY that is faster than the answer. */
  readonly #expected = new Map<string, DialogOwner>();
  readonly #servers = new Set<ServerTransaction>();
  readonly #merged: RecentKeys;
  /** Branches of INVITEs that have their final answer (RFC 6026: they can still be matched). */
  readonly #answered: RecentKeys;

  constructor(options: CoreOptions) {
    this.layer = options.layer;
    this.clock = options.clock;
    this.random = options.random;
    this.logger = options.logger;
    this.product = options.product;
    this.keeper = options.keeper;
    this.#held = options.hold ? [] : undefined;
    this.#outOfDialog = options.outOfDialog;
    this.#responses = options.layer.coreTransport();
    this.#merged = new RecentKeys(TRANSACTION_TIMEOUT, options.clock);
    this.#answered = new RecentKeys(TRANSACTION_TIMEOUT, options.clock);
    options.layer.receive({
      request: (event) => this.#arrived(() => this.#request(event)),
      response: (event) => this.#arrived(() => this.#response(event)),
    });
  }

  /** Serves what has arrived, and whatever arrives from now on. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const serve of held) {
      try {
        serve();
      } catch (error) {
        this.logger.warn({ reason: describeError(error) }, 'a message that waited was no good');
      }
    }
  }

  #arrived(serve: () => void): void {
    if (this.#held === undefined) serve();
    else if (this.#held.length < MAX_HELD) this.#held.push(serve);
  }

  /** An INVITE that came to an earlier process, as if it had come just now, with the tag it got then. */
  readmit(saved: SavedRequest, localTag: string): InboundRequest | undefined {
    const event = this.layer.readmit(saved);
    if (event === undefined) return undefined;
    const message = readRequest(event);
    const inbound = this.#inbound(message, localTag);
    this.#invites.set(message.branch, inbound);
    this.#merged.seen(mergeKey(message));
    return inbound;
  }

  /** `bytes` of randomness as hex: tags (8), branches (12), Call-IDs (16). */
  token(bytes: number): string {
    return Buffer.from(this.random.bytes(bytes)).toString('hex');
  }

  newBranch(): string {
    return `z9hG4bK${this.token(12)}`;
  }

  /** Sends a request in a transaction of its own; a CANCEL reuses the branch of its INVITE. */
  send(
    draft: RequestDraft,
    hop: NextHop,
    user: ClientTransactionUser,
    branch = this.newBranch(),
  ): ClientTransaction {
    const key = `${branch}\n${draft.method}`;
    this.#stamp(draft);
    this.keeper.commit();
    const transaction = new ClientTransaction(
      draft,
      branch,
      this.layer.coreTransport(() => hop),
      user,
      () => this.#clients.delete(key),
    );
    this.#clients.set(key, transaction);
    return transaction;
  }

  /** An ACK to a 2xx: no transaction, no answer (RFC 3261 §13.2.2.4). */
  sendAck(draft: RequestDraft, hop: NextHop): void {
    const transport = this.layer.coreTransport(() => hop);
    this.#stamp(draft);
    this.keeper.commit();
    const via = viaValue(transport.protocol, `z9hG4bK${this.token(12)}`);
    transport.send(requestText(draft, via)).catch((error: unknown) => {
      this.logger.warn({ error: describeError(error) }, 'the ACK could not be sent');
    });
  }

  addDialog(id: DialogId, owner: DialogOwner): void {
    this.#dialogs.set(dialogKey(id), owner);
  }

  removeDialog(id: DialogId): void {
    this.#dialogs.delete(dialogKey(id));
  }

  /** A request of ours may open a dialog, with whatever tag the peer will have (RFC 6665 §4.4.1). */
  expectDialog(id: Pick<DialogId, 'callId' | 'localTag'>, owner: DialogOwner): void {
    this.#expected.set(halfKey(id), owner);
  }

  forgetDialog(id: Pick<DialogId, 'callId' | 'localTag'>): void {
    this.#expected.delete(halfKey(id));
  }

  /** For Replaces (RFC 3891) and the like. */
  findDialog(id: DialogId): DialogOwner | undefined {
    return this.#dialogs.get(dialogKey(id));
  }

  get dialogCount(): number {
    return this.#dialogs.size;
  }

  #expecting(message: SipRequest): DialogOwner | undefined {
    if (message.method !== 'NOTIFY') return undefined;
    return this.#expected.get(halfKey({ callId: message.callId, localTag: message.toTag ?? '' }));
  }

  #stamp(draft: RequestDraft): void {
    if (!draft.headers.has('user-agent')) draft.headers.add('user-agent', this.product);
  }

  #request(event: layer.IncomingRequest): void {
    const message = readRequest(event);
    if (message.method === 'ACK') {
      this.#dialogs.get(requestDialog(message))?.acknowledged(message);
      return;
    }
    const inbound = this.#inbound(message, message.toTag ?? this.token(8));
    if (message.method === 'CANCEL') {
      this.#cancel(inbound);
      return;
    }
    if (message.method === 'INVITE') this.#invites.set(message.branch, inbound);
    if (message.toTag !== undefined) {
      const owner = this.#dialogs.get(requestDialog(message)) ?? this.#expecting(message);
      if (owner === undefined) inbound.reply(481);
      else owner.request(inbound);
      return;
    }
    // §8.2.2.2: the same request over two paths is served once.
    if (this.#merged.seen(mergeKey(message))) {
      inbound.reply(482);
      return;
    }
    this.#outOfDialog(inbound);
  }

  /** §9.2: the CANCEL is answered for itself; what becomes of the INVITE is its owner's business. */
  #cancel(inbound: InboundRequest): void {
    const invite = this.#invites.get(inbound.message.branch);
    if (invite === undefined) {
      // After the final answer a CANCEL is answered, and changes nothing.
      inbound.reply(this.#answered.seen(inbound.message.branch) ? 200 : 481);
      return;
    }
    inbound.reply(200);
    invite.cancel(inbound.message.headers);
  }

  #response(event: layer.IncomingResponse): void {
    const response = readResponse(event);
    const client = this.#clients.get(`${response.branch}\n${response.cseq.method}`);
    if (client !== undefined) client.receive(response);
    else if (response.cseq.method === 'INVITE') {
      const { callId, fromTag = '', toTag = '' } = response;
      const id: DialogId = { callId, localTag: fromTag, remoteTag: toTag };
      this.#dialogs.get(dialogKey(id))?.late?.(response);
    }
  }

  #inbound(message: SipRequest, localTag: string): InboundRequest {
    return new InboundRequest(message, {
      transport: this.#responses,
      localTag,
      product: this.product,
      beforeReply: () => this.keeper.commit(),
      finished: () => {
        if (this.#invites.delete(message.branch)) this.#answered.seen(message.branch);
      },
      live: this.#servers,
    });
  }

  dispose(): void {
    for (const client of this.#clients.values()) client.dispose();
    for (const server of this.#servers) server.dispose();
    this.#servers.clear();
    this.#clients.clear();
    this.#invites.clear();
    this.#dialogs.clear();
    this.#expected.clear();
  }
}

function halfKey({ callId, localTag }: Pick<DialogId, 'callId' | 'localTag'>): string {
  return `${callId}\n${localTag}`;
}

function mergeKey({ callId, fromTag, cseq, method }: SipRequest): string {
  return `${callId}\n${fromTag ?? ''}\n${cseq.number}\n${method}`;
}

function requestDialog(message: SipRequest): string {
  return dialogKey({
    callId: message.callId,
    localTag: message.toTag ?? '',
    remoteTag: message.fromTag ?? '',
  });
}
