import type { Core } from 'sip.js';
import type { Body } from '../../api.ts';
import type { Flow } from '../../transport/layer.ts';
import { Headers, type HeaderPair } from '../message/headers.ts';
import { serialize, type SipRequest } from '../message/message.ts';
import { reasonPhrase } from '../words.ts';
import { ServerTransaction } from './sipjs-transactions.ts';

export interface ReplyOptions {
  readonly reason?: string | undefined;
  readonly headers?: Iterable<HeaderPair> | undefined;
  readonly body?: Body | undefined;
}

interface Context {
  readonly transport: Core.Transport;
  /** Tag of our responses; the same in all of them (RFC 3261 §8.2.6.2). */
  readonly localTag: string;
  readonly product: string;
  /** What a journal has to know must be there before the peer sees it. */
  readonly beforeReply: () => void;
  readonly finished: () => void;
  /** Transactions whose timers run. They outlive the request, and do not hold it. */
  readonly live: Set<ServerTransaction>;
}

/** A request that somebody sent us, and how it is answered. */
export class InboundRequest {
  readonly message: SipRequest;
  readonly localTag: string;
  readonly #context: Context;
  readonly #transaction: ServerTransaction;
  /** Set by whoever serves an INVITE: the peer has cancelled it, with these header fields. */
  onCancel: ((headers: Headers) => void) | undefined;

  constructor(message: SipRequest, context: Context) {
    this.message = message;
    this.localTag = context.localTag;
    this.#context = context;
    this.#transaction = new ServerTransaction(message, context.transport, context.live);
  }

  get flow(): Flow {
    return this.message.flow;
  }

  /** A final response has been given. */
  get answered(): boolean {
    return this.#transaction.finished;
  }

  reply(status: number, options: ReplyOptions = {}): void {
    if (this.answered) return;
    this.#context.beforeReply();
    this.#transaction.send(status, this.#render(status, options));
    if (status >= 200) this.#context.finished();
  }

  /** Sends the 2xx again. */
  resend(): void {
    this.#transaction.resendAccepted();
  }

  cancel(headers: Headers): void {
    if (!this.answered) this.onCancel?.(headers);
  }

  /** RFC 3261 §8.2.6: what a response takes over from its request. */
  #render(status: number, options: ReplyOptions): string {
    const { headers, toTag, method } = this.message;
    const to = headers.get('to') ?? '';
    const opensDialog = method === 'INVITE' && status > 100 && status < 300;
    const fields = Headers.of([
      // The layer puts the Via values of the request in place of this one.
      ['via', `SIP/2.0/UDP offhook.invalid;branch=${this.message.branch}`],
      ...(opensDialog ? headers.all('record-route') : []).map(
        (value) => ['record-route', value] as const,
      ),
      ['from', headers.get('from') ?? ''],
      ['to', toTag === undefined && status > 100 ? `${to};tag=${this.localTag}` : to],
      ['call-id', this.message.callId],
      ['cseq', headers.get('cseq') ?? ''],
      ...(options.headers ?? []),
      ['server', this.#context.product],
    ]);
    const timestamp = headers.get('timestamp');
    if (status === 100 && timestamp !== undefined) fields.add('timestamp', timestamp);
    return serialize(
      `SIP/2.0 ${status} ${oneLine(options.reason ?? reasonPhrase(status))}`,
      fields,
      options.body,
    );
  }
}

/** What an application says must not become header fields of its own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ');
}
