import { OffhookError, type Logger, type Timer } from '@offhook/common';
import type { WebSocket } from 'ws';
import { z } from 'zod';
import { unauthenticated, type Principal } from '../access.ts';
import type { Authenticator } from '../authenticator.ts';
import type { Metrics } from '../metrics.ts';
import { invalid, type Office, type Subscription } from '../office.ts';
import { entryJson, isService, queries, type LogEntry, type QueryName } from '../wire.ts';
import { problemOf } from './errors.ts';
import { LAST_WORD_MS, UnreadLimit } from './unread.ts';

export interface RpcOptions {
  readonly office: Office;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly maxUnread: number;
  /** Who it is, where a header said so; else `authenticate` must come first. */
  readonly who: Principal | undefined;
  readonly from: string;
}

/** A close code of ours (RFC 6455 §7.4.2). */
const NOBODY = 4001;

/** RFC 6455 §7.4.1, as registered with IANA: come again. */
const SERVICE_RESTART = 1012;

/** As registered with IANA: less at a time. */
const TRY_AGAIN_LATER = 1013;

const AUTHENTICATE_WITHIN_MS = 5000;
const MAX_PENDING = 32;

const request = z.object({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string().max(128), z.number()]),
  method: z.string().max(64),
  params: z.unknown().optional(),
});

/** One WebSocket: JSON-RPC 2.0, one message an object, no batches. */
export class RpcConnection {
  readonly #socket: WebSocket;
  readonly #options: RpcOptions;
  readonly #closing = new AbortController();
  readonly #limit: UnreadLimit;
  readonly #deadline: NodeJS.Timeout;
  #who: Principal | undefined;
  #subscription: Subscription | undefined;
  #expiry: Timer | undefined;
  #pending = 0;

  constructor(socket: WebSocket, options: RpcOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#limit = new UnreadLimit(options.maxUnread);
    this.#who = options.who;
    this.#deadline = setTimeout(() => {
      if (this.#who === undefined) socket.close(NOBODY, 'nobody');
    }, AUTHENTICATE_WITHIN_MS);
    if (options.who !== undefined) this.#expireIn(options.who);
    socket.on('message', (data: Buffer, binary) => {
      if (binary) socket.close(1003, 'text only');
      else void this.#message(data.toString('utf8'));
    });
    socket.on('error', () => socket.terminate());
    socket.once('close', () => {
      clearTimeout(this.#deadline);
      this.#expiry?.cancel();
      this.#subscription?.close();
      this.#closing.abort(new OffhookError('cti', 'closed', 'the caller left'));
    });
  }

  #expireIn(who: Principal): void {
    this.#expiry?.cancel();
    this.#expiry = this.#options.office.atExpiry(who, () =>
      this.#socket.close(NOBODY, 'the token has expired'),
    );
  }

  async #message(text: string): Promise<void> {
    const parsed = request.safeParse(parse(text));
    if (!parsed.success) {
      this.#send({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no request' } });
      return;
    }
    const { id, method, params = {} } = parsed.data;
    this.#pending++;
    try {
      if (this.#pending > MAX_PENDING) {
        throw new OffhookError('cti', 'overloaded', `more than ${MAX_PENDING} requests at a time`);
      }
      const { result, after } = await this.#call(method, params);
      this.#send({ jsonrpc: '2.0', id, result }, true);
      after?.();
    } catch (error) {
      if (!(error instanceof OffhookError)) {
        this.#options.logger.error({ err: error, method }, 'a request failed');
      }
      const { title, code, remedy } = problemOf(error);
      const number =
        code === 'unknown-method' ? -32601 : code === 'invalid-params' ? -32602 : -32000;
      this.#send({
        jsonrpc: '2.0',
        id,
        error: { code: number, message: title, data: { layer: 'cti', code, remedy } },
      });
    } finally {
      this.#pending--;
    }
  }

  async #call(method: string, params: unknown): Promise<{ result: object; after?: () => void }> {
    const { office, authenticator, from } = this.#options;
    if (method === 'authenticate') {
      const { token } = check('authenticate', params);
      this.#who = await authenticator.authenticate(token);
      this.#expireIn(this.#who);
      return { result: { name: this.#who.name } };
    }
    const who = this.#who;
    if (who === undefined) throw unauthenticated('`authenticate` must be the first request');
    if (isService(method)) {
      const signal = this.#closing.signal;
      return { result: await office.perform(who, method, params, { from, signal }) };
    }
    if (method === 'subscribe') return this.#subscribe(who, params);
    if (method === 'unsubscribe') {
      this.#subscription?.close();
      this.#subscription = undefined;
      return { result: {} };
    }
    if (!Object.hasOwn(queries, method)) {
      throw new OffhookError('cti', 'unknown-method', `there is no method ${method}`);
    }
    const name = method as Exclude<QueryName, 'authenticate' | 'subscribe' | 'unsubscribe'>;
    return { result: office.query(who, name, check(name, params)) };
  }

  #subscribe(who: Principal, params: unknown): { result: object; after: () => void } {
    const { since } = check('subscribe', params);
    this.#subscription?.close();
    // What happens before the result is out goes after it, in order.
    const early: LogEntry[] = [];
    let tell = (entry: LogEntry): void => void early.push(entry);
    const subscription = this.#options.office.subscribe(who, since, {
      entry: (entry) => tell(entry),
      restart: () => this.#socket.close(SERVICE_RESTART, 'the numbers of events begin anew'),
    });
    this.#subscription = subscription;
    const { resumed, position, snapshot, missed } = subscription;
    const seq = resumed ? (since?.seq ?? 0) : position.seq;
    const result = { epoch: position.epoch, seq, resumed, ...(resumed ? {} : { snapshot }) };
    const after = () => {
      tell = (entry) => this.#event(entry);
      for (const entry of missed) this.#event(entry, true);
      for (const entry of early) this.#event(entry);
    };
    return { result, after };
  }

  #event(entry: LogEntry, start = false): void {
    this.#write(`{"jsonrpc":"2.0","method":"event","params":${entryJson(entry)}}`, start);
  }

  #send(message: object, start = false): void {
    this.#write(JSON.stringify(message), start);
  }

  /** `start`: part of what the reader was promised to begin with, or asked for. */
  #write(text: string, start: boolean): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (start) this.#limit.begin(text.length);
    if (this.#limit.exceededBy(socket.bufferedAmount)) {
      this.#options.metrics.dropped.inc();
      this.#options.logger.warn(
        { principal: this.#who?.name },
        'a reader of events does not read: disconnected',
      );
      this.#subscription?.close();
      // Comes after what waits, if it is read at all.
      socket.close(TRY_AGAIN_LATER, 'too much waits that is not read');
      const giveUp = setTimeout(() => socket.terminate(), LAST_WORD_MS);
      socket.once('close', () => clearTimeout(giveUp));
    } else {
      socket.send(text);
    }
  }
}

function check<N extends QueryName>(
  name: N,
  params: unknown,
): z.output<(typeof queries)[N]['params']> {
  const parsed = queries[name].params.safeParse(params);
  if (!parsed.success) throw invalid(name, parsed.error);
  return parsed.data as z.output<(typeof queries)[N]['params']>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
