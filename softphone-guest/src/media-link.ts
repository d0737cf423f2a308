import { describeError, Emitter, isOffhookError, OffhookError, type Timer } from '@offhook/common';
import type {
  MediaClient,
  MediaEvents,
  MethodInput,
  MethodName,
  MethodResult,
} from '@offhook/media-rpc';
import type { EngineLine } from './engine-line.ts';
import type { EngineStatus, MediaLinkEvents, MediaLinkOptions, MediaPort } from './media-port.ts';
import { reconcile, type ReconcileAction } from './reconcile.ts';
import { Strays } from './strays.ts';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;
/** While there are calls: nobody tells when the line is back, and the person waits for control. */
const URGENT_RETRY_MS = 50;
/** How long a command of a call waits for a channel that has just gone. */
const COMMAND_DEADLINE_MS = 8000;
/** Clocks that disagree by less say nothing: the engine notices late that we are gone. */
const FROZEN_MS = 3000;
const CONNECT_DEADLINE_MS = 5000;

const FORWARDED = [
  'session.changed',
  'session.stats',
  'session.dtmf',
  'session.rtpTimeout',
  'session.renegotiate',
  'session.hangup',
  'session.ended',
  'devices.changed',
  'headset.button',
] as const satisfies readonly (keyof MediaEvents)[];

/**
 * The guest's end of the line to the engine: connects, reconnects with back-off, and on each
 * connection brings engine and calls in line by `reconcile`.
 */
export class MediaLink implements EngineLine {
  readonly #options: MediaLinkOptions;
  readonly #events = new Emitter<MediaLinkEvents>();
  readonly #closing = new AbortController();
  #client: MediaClient | undefined;
  #status: EngineStatus;
  #retryMs = FIRST_RETRY_MS;
  #retry: Timer | undefined;
  #waiting = new Set<() => void>();
  /** By our own monotonic clock. */
  #downAt: number | undefined;
  /** The channel has been up: a command may wait for it to come back. */
  #wasUp = false;
  #maxSessions: number | undefined;
  readonly #strays: Strays;

  constructor(options: MediaLinkOptions) {
    this.#options = options;
    this.#strays = new Strays({
      clock: options.clock,
      logger: options.logger,
      found: (id) => options.desired().some((one) => one.id === id),
      close: (id) => {
        if (this.#client !== undefined) this.#forget(this.#client.call('session.close', { id }));
      },
    });
    this.#status = { state: 'connecting', channel: options.channel };
  }

  get status(): EngineStatus {
    return this.#status;
  }

  get connected(): boolean {
    return this.#status.state === 'connected';
  }

  /** How many sessions the engine allows us; undefined as long as none has said. */
  get maxSessions(): number | undefined {
    return this.#maxSessions;
  }

  on<K extends keyof MediaLinkEvents>(name: K, listener: (event: MediaLinkEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  portFor(): MediaPort {
    return this;
  }

  /** Starts to connect; returns at once. */
  start(): void {
    void this.#connect();
  }

  /** Resolves when an engine serves, or the deadline has passed; true in the first case. */
  ready(timeoutMs: number): Promise<boolean> {
    if (this.connected) return Promise.resolve(true);
    return this.#untilChange(timeoutMs, undefined, () => this.connected);
  }

  /** Resolves when the first attempt to connect has come to something, or at the deadline. */
  async settled(timeoutMs: number): Promise<void> {
    const done = () => this.#status.state !== 'connecting';
    if (!done()) await this.#untilChange(timeoutMs, undefined, done);
  }

  async call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options: { signal?: AbortSignal; timeoutMs?: number; retry?: boolean } = {},
  ): Promise<MethodResult<M>> {
    const { clock } = this.#options;
    const deadline = clock.now() + (options.timeoutMs ?? COMMAND_DEADLINE_MS);
    for (;;) {
      options.signal?.throwIfAborted();
      const client = this.#client;
      const left = deadline - clock.now();
      if (client !== undefined && this.connected) {
        try {
          return await client.call(method, params, {
            timeoutMs: Math.max(1, left),
            ...(options.signal === undefined ? {} : { signal: options.signal }),
          });
        } catch (error) {
          const broken = isOffhookError(error, 'closed') && error.layer === 'channel';
          if (!broken || options.retry !== true) throw error;
          // The link learns of it by the client's own `closed`, which may come after this.
          if (this.#client === client) this.#down(client, error);
        }
      } else if (
        options.retry !== true ||
        !this.#wasUp ||
        left <= 0 ||
        this.#closing.signal.aborted
      ) {
        throw this.notConnected();
      } else {
        await this.#untilChange(left, options.signal, () => this.connected);
      }
    }
  }

  /** In words, with the layer: what `status` and `doctor` say too. */
  notConnected(): OffhookError {
    const { channel } = this.#options;
    const status = this.#status;
    const why = status.state === 'disconnected' ? ` (${status.layer}: ${status.reason})` : '';
    return new OffhookError('engine', 'not-connected', `not connected: ${channel}${why}`, {
      remedy: 'start offhook-engine at the thin client, or correct [engine] channel',
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(notNow());
    this.#retry?.cancel();
    this.#strays.clear();
    const client = this.#client;
    this.#client = undefined;
    this.#setStatus(this.#disconnected(notNow()));
    await client?.close();
    this.#events.clear();
  }

  async #connect(): Promise<void> {
    const { channel, connect, logger } = this.#options;
    const attempt = new AbortController();
    const deadline = this.#options.clock.after(CONNECT_DEADLINE_MS, () =>
      attempt.abort(new OffhookError('channel', 'timeout', `${channel}: no answer`)),
    );
    const signal = AbortSignal.any([attempt.signal, this.#closing.signal]);
    let client: MediaClient | undefined;
    try {
      client = await connect(signal);
      signal.throwIfAborted();
      const opened = client;
      client.on('closed', (reason) => this.#down(opened, reason));
      await this.#up(client, signal);
    } catch (error) {
      await client?.close();
      if (this.#closing.signal.aborted) return;
      if (client !== undefined && this.#client === client) this.#client = undefined;
      this.#setStatus(this.#disconnected(error));
      logger.debug({ channel, reason: describeError(error) }, 'no engine');
      this.#later();
    } finally {
      deadline.cancel();
    }
  }

  async #up(client: MediaClient, signal: AbortSignal): Promise<void> {
    const { channel, desired, journal, logger } = this.#options;
    const leaseMs = await this.#lease(client, signal);
    const snapshot = await client.call('snapshot', {}, { signal });
    signal.throwIfAborted();
    this.#client = client;
    for (const name of FORWARDED) {
      client.on(name, (event) => this.#events.emit(name, event as never));
    }
    client.on('engine.health', (health) => this.#health(client, health));
    client.on('location.changed', ({ location }) => {
      if (this.#client !== client || this.#status.state !== 'connected') return;
      this.#setStatus({ ...this.#status, location: location ?? undefined });
    });
    client.on('session.released', ({ id }) =>
      logger.warn({ call: id }, 'another phone has taken the media session over'),
    );
    const actions = reconcile(
      { sessions: desired(), journal: journal?.() ?? 'healthy' },
      { sessions: snapshot.sessions, ended: snapshot.ended ?? [] },
    );
    this.#retryMs = FIRST_RETRY_MS;
    this.#wasUp = true;
    this.#maxSessions = snapshot.maxSessions;
    const { engine, health, location } = snapshot;
    const worker = health?.worker ?? 'up';
    this.#setStatus({
      state: 'connected',
      channel,
      engine,
      worker,
      leaseMs,
      location: location ?? undefined,
    });
    const { awayMs } = snapshot;
    this.#tellFrozen(awayMs);
    logger.info({ channel, engine, awayMs, actions: actions.length }, 'engine connected');
    for (const action of actions) this.#apply(client, action, leaseMs);
  }

  #tellFrozen(awayMs: number | undefined): void {
    const { clock, logger } = this.#options;
    const downAt = this.#downAt;
    this.#downAt = undefined;
    if (awayMs === undefined || downAt === undefined) return;
    const ms = awayMs - (clock.now() - downAt);
    if (ms < FROZEN_MS) return;
    logger.info({ ms: Math.round(ms) }, 'this machine was paused');
    this.#events.emit('frozen', { ms });
  }

  #apply(client: MediaClient, action: ReconcileAction, leaseMs: number): void {
    switch (action.type) {
      case 'adopt':
        this.#events.emit('adopted', action.session);
        break;
      case 'renegotiate':
        this.#events.emit('stale', action.session);
        break;
      case 'rebuild':
        this.#events.emit('lost', { id: action.id });
        break;
      case 'hangup':
        this.#options.logger.info({ call: action.id, because: action.because }, 'call is over');
        this.#events.emit('session.hangup', { id: action.id });
        break;
      case 'mute':
        this.#forget(client.call('session.mute', { id: action.id, muted: action.muted }));
        break;
      case 'conference':
        this.#forget(
          client.call('session.conference', {
            id: action.id,
            conference: action.conference ?? null,
          }),
        );
        break;
      case 'close':
        this.#forget(client.call('session.close', { id: action.id }));
        break;
      case 'keep':
        this.#strays.keep(action.session, leaseMs);
        this.#events.emit('stray', action.session);
        break;
      case 'forget': {
        const { id, label, will } = action.ended;
        this.#options.logger.warn({ call: id, label, will }, 'the engine ended it: we were away');
        this.#forget(client.call('session.close', { id }));
        break;
      }
      default:
        action satisfies never;
    }
  }

  async #lease(client: MediaClient, signal: AbortSignal): Promise<number> {
    const { leaseMs: asked, logger } = this.#options;
    const { ms } = await client.call('lease.set', { ms: asked }, { signal });
    if (ms < asked) logger.warn({ asked, granted: ms }, 'the thin client grants a shorter lease');
    return ms;
  }

  /** A command whose failure the next reconciliation sees. */
  #forget(command: Promise<unknown>): void {
    command.catch((error: unknown) =>
      this.#options.logger.debug({ reason: describeError(error) }, 'engine command failed'),
    );
  }

  #health(client: MediaClient, health: MediaEvents['engine.health']): void {
    if (this.#client !== client || this.#status.state !== 'connected') return;
    this.#setStatus({ ...this.#status, worker: health.worker });
    this.#events.emit('engine.health', health);
  }

  #down(client: MediaClient, reason: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    const { channel, clock, logger } = this.#options;
    this.#downAt = clock.now();
    const error = reason ?? new OffhookError('channel', 'closed', 'the engine closed the channel');
    this.#setStatus(this.#disconnected(error));
    logger.warn({ channel, reason: describeError(error) }, 'engine lost');
    void client.close();
    this.#later();
  }

  #disconnected(error: unknown): EngineStatus {
    const known = error instanceof OffhookError ? error : undefined;
    return {
      state: 'disconnected',
      channel: this.#options.channel,
      layer: known?.layer ?? 'channel',
      reason: known?.message ?? describeError(error),
      remedy: known?.remedy,
    };
  }

  #later(): void {
    if (this.#closing.signal.aborted) return;
    this.#retry?.cancel();
    const urgent = this.#options.desired().length > 0;
    const ms = urgent ? Math.min(this.#retryMs, URGENT_RETRY_MS) : this.#retryMs;
    this.#retry = this.#options.clock.after(ms, () => void this.#connect());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #setStatus(status: EngineStatus): void {
    const before = this.#status;
    this.#status = status;
    if (JSON.stringify(before) === JSON.stringify(status)) return;
    this.#events.emit('status', status);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves at the next change for which `done` holds (true), at the deadline, abort or close (false). */
  #untilChange(ms: number, signal: AbortSignal | undefined, done: () => boolean): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const finish = () => {
      timer.cancel();
      this.#waiting.delete(wake);
      signal?.removeEventListener('abort', finish);
      resolve(done());
    };
    const wake = () => {
      if (done() || this.#closing.signal.aborted) finish();
    };
    const timer = this.#options.clock.after(ms, finish);
    this.#waiting.add(wake);
    signal?.addEventListener('abort', finish, { once: true });
    return promise;
  }
}

function notNow(): OffhookError {
  return new OffhookError('engine', 'not-connected', 'the phone is shutting down');
}
