import {
  describeError,
  isOffhookError,
  OffhookError,
  type Clock,
  type Timer,
} from '@offhook/common';
import type { Channel, ChannelListener } from '../channel.ts';
import { SpiceConnection, type MigrationNews } from './connection.ts';
import type { SpiceSource } from './source.ts';

export type SpiceLinkState =
  | { readonly state: 'connecting' }
  /** The port is ours; a stream comes when the guest opens its end. */
  | { readonly state: 'linked' }
  | { readonly state: 'waiting'; readonly error: OffhookError; readonly retryInMs: number }
  /** The ticket is refused: a fresh source is needed. */
  | { readonly state: 'refused'; readonly error: OffhookError };

export interface ListenPortOptions {
  readonly source: SpiceSource;
  readonly portName: string;
  readonly onChannel: (channel: Channel) => void;
  readonly onState?: (state: SpiceLinkState) => void;
  /** The desktop moves to another host. */
  readonly onMigration?: (news: MigrationNews) => void;
  readonly clock: Clock;
  /** Milliseconds for each connection and link; 5,000. */
  readonly timeoutMs?: number;
}

export interface SpicePortListener extends ChannelListener {
  /** Where the desktop is, or is looked for next. */
  readonly source: SpiceSource;
  /** A fresh ticket or another address: used for the next connection, at once if none stands. */
  useSource(source: SpiceSource): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;
/** The server has closed without a word, as it does when another client takes the desktop over. */
const TAKEN_FIRST_RETRY_MS = 5000;
const TAKEN_LAST_RETRY_MS = 300_000;
/** A connection that has stood for so long counts as ours again. */
const SETTLED_MS = 600_000;
/** Attempts at the host that a desktop has moved to, before it is looked for elsewhere: about 15 s. */
const PATIENCE = 8;

/**
 * Keeps a headless SPICE client at a desktop's port: connects, opens the port, hands out a channel
 * each time the guest opens its end, goes with a desktop that moves to another host, and connects
 * again with back-off when the connection goes.
 */
export function listenSpicePort(options: ListenPortOptions): SpicePortListener {
  return new PortListener(options);
}

class PortListener implements SpicePortListener {
  readonly #options: ListenPortOptions;
  readonly #stop = new AbortController();
  /** As it was given last. */
  #source: SpiceSource;
  /** Where the desktop may be, the one to try next first; never empty. */
  #candidates: readonly SpiceSource[];
  /** Failures that the first candidate has left. */
  #patience = 1;
  #attempt: Promise<void> | undefined;
  #connection: SpiceConnection | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #takenRetryMs = TAKEN_FIRST_RETRY_MS;

  constructor(options: ListenPortOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#candidates = [options.source];
    this.#connect();
  }

  get source(): SpiceSource {
    return this.#connection?.source ?? this.#candidates[0] ?? this.#source;
  }

  get address(): string {
    const { host, port, tlsPort } = this.source;
    return `spice://${host}:${tlsPort ?? port ?? 0}`;
  }

  useSource(source: SpiceSource): void {
    this.#source = source;
    this.#look([source]);
    this.#retryMs = FIRST_RETRY_MS;
    if (this.#attempt === undefined) this.#connect();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#stop.abort(new OffhookError('channel', 'closed', 'the SPICE listener was closed'));
    await this.#attempt;
  }

  #connect(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#stop.signal.aborted) return;
    this.#options.onState?.({ state: 'connecting' });
    this.#attempt = this.#serveOnce().then(
      (reason) => this.#retry(reason),
      (error: unknown) => this.#failed(error),
    );
  }

  /** Resolves with the reason when a connection that stood is gone. */
  async #serveOnce(): Promise<unknown> {
    const { portName, onChannel, onMigration, clock, timeoutMs = 5000 } = this.#options;
    const { source } = this;
    const { signal } = this.#stop;
    const connection = await SpiceConnection.open({
      source,
      portName,
      timeoutMs,
      clock,
      signal,
      onStream: onChannel,
      onMigration,
    });
    this.#retryMs = FIRST_RETRY_MS;
    this.#connection = connection;
    this.#options.onState?.({ state: 'linked' });
    const [given, since] = [this.#source, clock.now()];
    const { reason, next, moved } = await connection.ended;
    this.#connection = undefined;
    if (clock.now() - since >= SETTLED_MS) this.#takenRetryMs = TAKEN_FIRST_RETRY_MS;
    // Given meanwhile: a ticket for the desktop where it is now.
    if (this.#source !== given) this.#look([this.#source]);
    else this.#look(withoutRepeats([...next, given]), moved ? PATIENCE : 1);
    const silent = reason === undefined && next.length === 1 && this.#source === given;
    return silent && !moved ? takenOver() : reason;
  }

  #look(candidates: readonly SpiceSource[], patience = 1): void {
    this.#candidates = candidates;
    this.#patience = patience;
  }

  #failed(reason: unknown): void {
    const others = this.#candidates.slice(1);
    if (isOffhookError(reason, 'spice-permission-denied')) {
      if (others.length === 0 || this.#patience > 1) {
        this.#attempt = undefined;
        this.#options.onState?.({ state: 'refused', error: reason });
        return;
      }
      this.#look(others);
    } else if (others.length > 0 && --this.#patience <= 0) {
      this.#look([...others, ...this.#candidates.slice(0, 1)]);
    }
    this.#retry(reason);
  }

  /** Two clients that took the desktop from each other all the time would be of no use to anybody. */
  #nextRetry(error: OffhookError): number {
    if (isOffhookError(error, 'spice-taken-over')) {
      const ms = this.#takenRetryMs;
      this.#takenRetryMs = Math.min(4 * ms, TAKEN_LAST_RETRY_MS);
      return ms;
    }
    const ms = this.#retryMs;
    this.#retryMs = Math.min(2 * ms, LAST_RETRY_MS);
    return ms;
  }

  #retry(reason: unknown): void {
    this.#attempt = undefined;
    if (this.#stop.signal.aborted) return;
    const error =
      reason instanceof OffhookError
        ? reason
        : new OffhookError(
            'channel',
            'closed',
            reason === undefined ? 'the SPICE connection is gone' : describeError(reason),
          );
    const retryInMs = this.#nextRetry(error);
    this.#options.onState?.({ state: 'waiting', error, retryInMs });
    this.#timer = this.#options.clock.after(retryInMs, () => this.#connect());
  }
}

function takenOver(): OffhookError {
  return new OffhookError(
    'channel',
    'spice-taken-over',
    'the SPICE server has ended the session: another client may have taken the desktop',
    { remedy: 'close the other viewer or engine, or open the desktop with offhook-engine view' },
  );
}

/** The same object twice, or two with the same address, is one. */
function withoutRepeats(sources: readonly SpiceSource[]): SpiceSource[] {
  const seen = new Set<string>();
  return sources.filter(({ host, port, tlsPort }) => {
    const key = `${host} ${port} ${tlsPort}`;
    return !seen.has(key) && seen.add(key);
  });
}
