import { isOffhookError, OffhookError, type Timer } from '@offhook/common';
import type { DigestClient, RequestAuth } from '../../auth/digest-client.ts';
import type { Flow, NextHop, Target } from '../../transport/layer.ts';
import type { RequestDraft } from '../dialog/dialog-state.ts';
import { Headers, type HeaderPair } from '../message/headers.ts';
import type { SipResponse } from '../message/message.ts';
import type { SipCore } from './sip-core.ts';
import { TRANSACTION_TIMEOUT } from './sip-core.ts';
import type { ClientTransaction } from './sipjs-transactions.ts';

export interface DraftContext {
  /** What the request will leave on: `flow.contact` belongs into its Contact. */
  readonly flow: Flow;
  /** Header fields that the request must carry besides its own: Authorization. */
  readonly extra: readonly HeaderPair[];
}

export interface ClientRequestSpec {
  readonly method: string;
  /** Request-URI and body, which credentials may depend on. */
  readonly uri: string;
  readonly body?: string | undefined;
  /** The URI that RFC 3263 resolves, e.g. the first Route; or one flow. */
  readonly hop: { readonly uri: string } | { readonly flow: Flow };
  /** Called for each attempt (target, credentials), which gets a CSeq of its own. */
  readonly draft: (context: DraftContext) => RequestDraft;
  readonly digest: DigestClient;
  /** The first attempt has been sent by an earlier process, on this branch: it is sent again. */
  readonly branch?: string | undefined;
  /**
   * Send credentials for nonces in use unasked. Only for our registrar: everybody else would get
   * something to guess our password with. Default false.
   */
  readonly unasked?: boolean;
  /** Whether a challenge that came this way may be answered; any by default. */
  readonly trusts?: (flow: Flow | undefined) => boolean;
}

/** Nothing answered. */
export interface RequestFailure {
  /** 408: time-out; 503: could not be sent. */
  readonly status: 408 | 503;
  readonly reason: string;
  readonly error?: OffhookError;
}

/** Why a 401 or 407 was not answered. */
export type LoginRefusal = 'rejected' | 'no-credentials' | 'unsupported' | 'no-end';

export interface ClientRequestHandlers {
  /** 1xx of the attempt that is under way. */
  provisional?(response: SipResponse, draft: RequestDraft): void;
  /** A final response that is not handled here; for INVITE also every 2xx after the first. */
  final(response: SipResponse, draft: RequestDraft, login?: LoginRefusal): void;
  failed(failure: RequestFailure): void;
}

/**
 * One request to its final response: RFC 3263 targets in turn (§4.3: next on a transport error, a
 * time-out, or 503), digest challenges answered with a new CSeq (RFC 3261 §22), and CANCEL with its
 * waiting for a provisional response (§9.1).
 */
export class ClientRequest {
  readonly #core: SipCore;
  readonly #spec: ClientRequestSpec;
  readonly #handlers: ClientRequestHandlers;
  readonly #abort = new AbortController();
  #targets: NextHop[] = [];
  #hop: NextHop | undefined;
  #draft: RequestDraft | undefined;
  #transaction: ClientTransaction | undefined;
  #branch: string | undefined;
  readonly #auth: RequestAuth;
  #extra: readonly HeaderPair[] = [];
  #ringing = false;
  #cancelling: { headers: readonly HeaderPair[]; sent: boolean } | undefined;
  #cancelTimer: Timer | undefined;
  #done = false;

  constructor(core: SipCore, spec: ClientRequestSpec, handlers: ClientRequestHandlers) {
    this.#core = core;
    this.#spec = spec;
    this.#handlers = handlers;
    const { method, uri, body = '' } = spec;
    this.#auth = spec.digest.begin({ method, uri, body });
  }

  get finished(): boolean {
    return this.#done;
  }

  /** Of the attempt that is under way, as the transport layer was given it. */
  get branch(): string | undefined {
    return this.#branch;
  }

  start(): this {
    this.#run().catch((error: unknown) => this.#fail(503, error));
    return this;
  }

  /**
   * Gives up: an INVITE is cancelled and ends with what the peer makes of that (487, or a 2xx that
   * crossed); before anything was sent, or for another method, it just ends.
   */
  cancel(headers: readonly HeaderPair[] = []): void {
    if (this.#done || this.#cancelling !== undefined) return;
    this.#cancelling = { headers, sent: false };
    if (this.#transaction === undefined && this.#spec.branch === undefined) {
      this.#abort.abort();
      this.#fail(408, undefined, 'cancelled');
    } else if (this.#ringing) this.#sendCancel();
  }

  /** Forgets the request without a word to anybody. */
  dispose(): void {
    this.#end();
    this.#abort.abort();
    this.#transaction?.dispose();
  }

  async #run(): Promise<void> {
    if (this.#spec.unasked === true) this.#extra = pairs(await this.#auth.initial());
    if ('flow' in this.#spec.hop) {
      this.#targets = [this.#spec.hop];
    } else {
      const resolved = await this.#core.layer.resolve(this.#spec.hop.uri, this.#abort.signal);
      this.#targets = byTransport(resolved).map((targets) => ({ targets }));
    }
    await this.#tryNext(undefined);
  }

  /** Sends to the next target that can be reached; `last` is what the one before failed of. */
  async #tryNext(last: unknown): Promise<void> {
    let failure = last;
    for (;;) {
      if (this.#done) return;
      const hop = this.#targets.shift();
      if (hop === undefined) {
        this.#fail(503, failure);
        return;
      }
      try {
        const flow = await this.#core.layer.reach(hop, this.#abort.signal);
        if (this.#done) return;
        this.#hop = hop;
        this.#send(flow);
        return;
      } catch (error) {
        failure = error;
      }
    }
  }

  #send(flow: Flow): void {
    const hop = this.#hop;
    if (hop === undefined) return;
    const draft = this.#spec.draft({ flow, extra: this.#extra });
    if (exposes(draft, flow)) {
      void this.#tryNext(insecure(draft.uri, flow));
      return;
    }
    this.#draft = draft;
    this.#ringing = false;
    const first = this.#branch === undefined ? this.#spec.branch : undefined;
    this.#branch = first ?? this.#core.newBranch();
    const transaction = this.#core.send(
      draft,
      hop,
      {
        response: (response) => this.#response(transaction, draft, response),
        timeout: () => this.#lost(transaction, 408, undefined),
        transportError: (error) => this.#lost(transaction, 503, error),
      },
      this.#branch,
    );
    this.#transaction = transaction;
  }

  #response(transaction: ClientTransaction, draft: RequestDraft, response: SipResponse): void {
    if (transaction !== this.#transaction) return;
    if (response.status < 200) {
      this.#ringing = true;
      if (this.#cancelling !== undefined) this.#sendCancel();
      if (!this.#done) this.#handlers.provisional?.(response, draft);
      return;
    }
    if (response.flow === undefined) {
      // Made here, because the request could not be sent.
      const why = /"(.*)"$/.exec(response.headers.get('warning') ?? '')?.[1];
      this.#lost(transaction, 503, new Error(why ?? response.reason));
      return;
    }
    if (response.status === 503 && this.#cancelling === undefined && this.#targets.length > 0) {
      void this.#tryNext(undefined);
      return;
    }
    const challenged = response.status === 401 || response.status === 407;
    const trusted = this.#spec.trusts?.(response.flow) ?? true;
    if (challenged && trusted && this.#cancelling === undefined) {
      this.#authenticate(draft, response).catch((error: unknown) => this.#fail(503, error));
      return;
    }
    this.#finish(response, draft);
  }

  async #authenticate(draft: RequestDraft, response: SipResponse): Promise<void> {
    const { status, reason, headers } = response;
    const outcome = await this.#auth.challenged({
      kind: 'response',
      status,
      reason,
      fields: headers.fields,
    });
    if (this.#done) return;
    if (outcome.outcome === 'give-up') {
      this.#finish(response, draft, outcome.why);
      return;
    }
    if (this.#cancelling !== undefined || this.#hop === undefined) {
      this.#finish(response, draft);
      return;
    }
    this.#extra = pairs(outcome.fields);
    const flow = await this.#core.layer.reach(this.#hop, this.#abort.signal);
    if (!this.#done) this.#send(flow);
  }

  #finish(response: SipResponse, draft: RequestDraft, refused?: LoginRefusal): void {
    const success = response.status < 300;
    if (this.#done && !(success && this.#spec.method === 'INVITE')) return;
    this.#end();
    this.#handlers.final(response, draft, refused);
  }

  #lost(transaction: ClientTransaction, status: 408 | 503, error: Error | undefined): void {
    if (transaction !== this.#transaction || this.#done) return;
    if (this.#targets.length > 0 && !this.#ringing && this.#cancelling === undefined) {
      void this.#tryNext(error);
      return;
    }
    this.#fail(status, error);
  }

  #fail(status: 408 | 503, error: unknown, reason?: string): void {
    if (this.#done) return;
    this.#end();
    this.#handlers.failed({
      status,
      reason: reason ?? (error === undefined ? 'no answer' : wordsOf(error)),
      ...(isOffhookError(error) && { error }),
    });
  }

  #end(): void {
    this.#done = true;
    this.#cancelTimer?.cancel();
  }

  /** §9.1: same branch, CSeq number, Request-URI, To and Route as the INVITE. */
  #sendCancel(): void {
    const draft = this.#draft;
    const invite = this.#transaction;
    const hop = this.#hop;
    const cancelling = this.#cancelling;
    if (draft === undefined || invite === undefined || hop === undefined) return;
    if (cancelling === undefined || cancelling.sent || draft.method !== 'INVITE') return;
    cancelling.sent = true;
    const number = (draft.headers.get('cseq') ?? '').split(' ', 1)[0] ?? '';
    const kept = ['route', 'max-forwards', 'from', 'to', 'call-id'] as const;
    const headers = Headers.of([
      ...kept.flatMap((name) => draft.headers.all(name).map((value) => [name, value] as const)),
      ['cseq', `${number} CANCEL`],
      ...cancelling.headers,
    ]);
    const cancel: RequestDraft = { ...draft, method: 'CANCEL', headers, body: undefined };
    const ignore = { response: () => undefined, timeout: () => undefined };
    this.#core.send(cancel, hop, { ...ignore, transportError: () => undefined }, invite.branch);
    // A peer of RFC 2543 never answers the INVITE then: it counts as cancelled after 64·T1.
    this.#cancelTimer = this.#core.clock.after(TRANSACTION_TIMEOUT, () => {
      invite.dispose();
      this.#fail(408, undefined, 'cancelled');
    });
  }
}

function pairs(fields: readonly { readonly name: string; readonly value: string }[]): HeaderPair[] {
  return fields.map(({ name, value }) => [name, value] as const);
}

/**
 * Runs of targets with the same transport. Within one the transport layer goes on by itself, and
 * faster than a transaction would time out; with another transport we have another Contact.
 */
function byTransport(targets: readonly Target[]): (readonly Target[])[] {
  const runs: Target[][] = [];
  for (const target of targets) {
    const run = runs.at(-1);
    if (run !== undefined && run[0]?.transport === target.transport) run.push(target);
    else runs.push([target]);
  }
  return runs;
}

/**
 * RFC 5630 §3.1.3: what is asked of a SIPS URI travels by TLS on every hop. A dialog that a peer has
 * made so over another transport can still be ended.
 */
function exposes(draft: RequestDraft, flow: Flow): boolean {
  const opens = !/;\s*tag=/i.test(draft.headers.get('to') ?? '');
  return opens && /^sips:/i.test(draft.uri) && flow.transport !== 'tls';
}

function insecure(uri: string, { transport }: Flow): OffhookError {
  const way = transport.toUpperCase();
  return new OffhookError(
    'signaling',
    'insecure',
    `${uri} is for TLS, and the way goes by ${way}`,
    {
      remedy: 'use a proxy that is reached by TLS, or a sip: address',
    },
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
