import {
  Emitter,
  isOffhookError,
  OffhookError,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { Channel } from '@offhook/virtual-channel';
import {
  events,
  methods,
  type MediaEvents,
  type MethodInput,
  type MethodName,
  type MethodResult,
} from './contract.ts';
import type { MediaClient, MediaClientEvents } from './engine.ts';
import { CANCEL, fromEngine, fromWire, type WireError } from './json-rpc.ts';
import { Link, type LinkPeer } from './link.ts';
import { Turnstile } from './turnstile.ts';

export interface ConnectMediaOptions {
  /** This guest daemon's instance: another one after each start. */
  instanceId: string;
  /** Milliseconds for which the engine is asked to keep sessions when the channel goes. */
  leaseMs: number;
  clock?: Clock;
  logger?: Logger;
  signal?: AbortSignal | undefined;
  capabilities?: readonly string[];
  /** Milliseconds; 5,000. `Infinity` waits until an engine comes. */
  handshakeMs?: number;
  /** Milliseconds between signs of life (1,000) and without one until the peer is gone (4,000). */
  heartbeatMs?: number;
  silenceMs?: number;
  /** For tests of other versions. */
  protocol?: { readonly min: number; readonly max: number };
}

/** A guest's connection to an engine. */
export interface MediaConnection extends MediaClient {
  readonly engine: LinkPeer;
  readonly closed: boolean;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Greets the engine at the other end of the channel. The channel then belongs to the connection,
 * and is closed with it; except that after `closed` with `peer-restarted` or `bytes-lost` it is
 * still open, and `connectMedia` may be called on it again instead of closing the client.
 *
 * @throws OffhookError: `version-mismatch`, `wrong-role` (layer `rpc`), `handshake-timeout`,
 * `closed` or what else befell the channel (layer `channel`), or the signal's reason.
 */
export async function connectMedia(
  channel: Channel,
  options: ConnectMediaOptions,
): Promise<MediaConnection> {
  const { signal, clock = systemClock, logger = silentLogger } = options;
  if (signal?.aborted === true) {
    channel.destroy();
    signal.throwIfAborted();
  }
  const link = new Link(channel, {
    role: 'guest',
    instanceId: options.instanceId,
    capabilities: options.capabilities,
    leaseMs: () => options.leaseMs,
    clock,
    logger,
    protocol: options.protocol,
    heartbeatMs: options.heartbeatMs,
    silenceMs: options.silenceMs,
    handshakeMs: options.handshakeMs,
  });
  const { promise, resolve, reject } = Promise.withResolvers<MediaConnection>();
  const offUp = link.on('up', (peer) => resolve(new LinkedClient(link, peer, clock, logger)));
  const offDown = link.on('down', (error) =>
    reject(error ?? new OffhookError('channel', 'closed', 'the engine closed the connection')),
  );
  const onAbort = () => {
    reject(signal?.reason);
    link.detach();
    channel.destroy();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    offUp();
    offDown();
    signal?.removeEventListener('abort', onAbort);
  }
}

interface Waiting {
  readonly method: MethodName;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

class LinkedClient implements MediaConnection {
  readonly engine: LinkPeer;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #events: Emitter<MediaEvents & MediaClientEvents>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #turnstile = new Turnstile();
  #nextId = 1;
  #closed = false;

  constructor(link: Link, engine: LinkPeer, clock: Clock, logger: Logger) {
    this.#link = link;
    this.engine = engine;
    this.#clock = clock;
    this.#logger = logger;
    this.#events = new Emitter((error) =>
      logger.error({ err: error }, 'media event listener failed'),
    );
    // Whoever awaits the connection is about to subscribe.
    this.#turnstile.hold();
    link.on('message', (message) => this.#message(message));
    link.on('down', (error) => {
      // Where the link could go on with the peer's next life: that is a new connection.
      link.detach();
      this.#end(error);
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  on<K extends keyof (MediaEvents & MediaClientEvents)>(
    name: K,
    listener: (event: (MediaEvents & MediaClientEvents)[K]) => void,
  ): () => void {
    return this.#events.on(name, listener);
  }

  call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<MethodResult<M>> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(connectionClosed());
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<MethodResult<M>>();
    const timer = this.#clock.after(timeoutMs, () => takeBack(timedOut(method, timeoutMs)));
    const onAbort = () => takeBack(signal?.reason);
    const settle = () => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      this.#waiting.delete(id);
    };
    const takeBack = (reason: unknown) => {
      settle();
      this.#link.send({ jsonrpc: '2.0', method: CANCEL, params: { id } });
      reject(reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(id, {
      method,
      resolve: (result) => {
        settle();
        // Validated by the method's own schema just before.
        resolve(result as MethodResult<M>);
      },
      reject: (error) => {
        settle();
        reject(error);
      },
    });
    try {
      this.#link.send({ jsonrpc: '2.0', id, method, params });
    } catch (error) {
      this.#waiting.get(id)?.reject(error);
    }
    return promise;
  }

  async close(): Promise<void> {
    const closing = this.#link.close();
    this.#end(undefined);
    await closing;
  }

  #message(data: unknown): void {
    const parsed = fromEngine.safeParse(data);
    if (!parsed.success) {
      this.#link.complain('a message of the engine is not understood');
      return;
    }
    const { id, result, error, method, params } = parsed.data;
    if (method !== undefined) this.#turnstile.event(() => this.#event(method, params));
    else if (id !== undefined) this.#turnstile.response(() => this.#response(id, result, error));
  }

  #response(id: number, result: unknown, error: WireError | undefined): void {
    const waiting = this.#waiting.get(id);
    // Taken back meanwhile.
    if (waiting === undefined) return;
    if (error !== undefined) {
      waiting.reject(fromWire(error));
      return;
    }
    const parsed = methods[waiting.method].result.safeParse(result);
    if (parsed.success) waiting.resolve(parsed.data);
    else waiting.reject(invalidResult(waiting.method, this.#logger, parsed.error.message));
  }

  #event(name: string, params: unknown): void {
    // A newer engine may tell of more than we know.
    if (!isEvent(name)) return;
    const parsed = events[name].params.safeParse(params);
    if (!parsed.success) {
      this.#link.complain(`the event ${name} of the engine is not understood`);
      return;
    }
    this.#events.emit(name, parsed.data);
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#turnstile.stop();
    this.#closed = true;
    const lost = connectionClosed(error);
    for (const waiting of this.#waiting.values()) waiting.reject(lost);
    this.#events.emit('closed', error);
    this.#events.clear();
  }
}

function isEvent(name: string): name is keyof typeof events {
  return Object.hasOwn(events, name);
}

function connectionClosed(cause?: Error): OffhookError {
  if (isOffhookError(cause, 'closed') && cause.layer === 'channel') return cause;
  const why = cause === undefined ? '' : `: ${cause.message}`;
  return new OffhookError('channel', 'closed', `the connection to the engine is closed${why}`, {
    cause,
  });
}

function timedOut(method: string, ms: number): OffhookError {
  return new OffhookError('rpc', 'timeout', `${method}: the engine has not answered in ${ms} ms`);
}

function invalidResult(method: string, logger: Logger, problem: string): OffhookError {
  logger.warn({ method, problem }, 'an answer of the engine is not understood');
  return new OffhookError(
    'rpc',
    'invalid-result',
    `${method}: the engine's answer is not understood`,
    {
      remedy: 'update guest and engine to the same version',
    },
  );
}
