import {
  describeError,
  isOffhookError,
  OffhookError,
  type Clock,
  type Timer,
} from '@offhook/common';
import type { Channel, ChannelListener } from '../channel.ts';
import { openPort } from './port.ts';
import { openSession } from './session.ts';
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
  readonly clock: Clock;
  /** Milliseconds for each connection and link; 5,000. */
  readonly timeoutMs?: number;
}

export interface SpicePortListener extends ChannelListener {
  /** A fresh ticket or another address: used for the next connection, at once if none stands. */
  useSource(source: SpiceSource): void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

/**
 * Keeps a headless SPICE client at a desktop's port: connects, opens the port, hands out a channel
 * each time the guest opens its end, and connects again with back-off when the connection goes.
 */
export function listenSpicePort(options: ListenPortOptions): SpicePortListener {
  return new PortListener(options);
}

class PortListener implements SpicePortListener {
  readonly #options: ListenPortOptions;
  readonly #stop = new AbortController();
  #source: SpiceSource;
  #attempt: Promise<void> | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: ListenPortOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#connect();
  }

  get address(): string {
    return `spice://${this.#source.host}:${this.#source.tlsPort ?? this.#source.port ?? 0}`;
  }

  useSource(source: SpiceSource): void {
    this.#source = source;
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
      (reason) => this.#ended(reason),
      (error: unknown) => this.#ended(error),
    );
  }

  /** Resolves with the reason when a connection that stood is gone. */
  async #serveOnce(): Promise<unknown> {
    const { portName, timeoutMs = 5000 } = this.#options;
    const { signal } = this.#stop;
    const session = await openSession({ source: this.#source, timeoutMs, signal });
    const gone = Promise.withResolvers<unknown>();
    const onAbort = () => session.main.destroy();
    signal.addEventListener('abort', onAbort, { once: true });
    session.main.on('close', (error) => gone.resolve(error));
    try {
      const port = await openPort(session, {
        source: this.#source,
        timeoutMs,
        signal,
        name: portName,
        onStream: (stream) => this.#options.onChannel(stream),
      });
      port.channel.on('close', (error) => gone.resolve(error));
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.onState?.({ state: 'linked' });
      const reason = await gone.promise;
      port.channel.destroy();
      return reason;
    } finally {
      signal.removeEventListener('abort', onAbort);
      session.main.destroy();
    }
  }

  #ended(reason: unknown): void {
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
    if (isOffhookError(error, 'spice-permission-denied')) {
      this.#options.onState?.({ state: 'refused', error });
      return;
    }
    const retryInMs = this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#options.onState?.({ state: 'waiting', error, retryInMs });
    this.#timer = this.#options.clock.after(retryInMs, () => this.#connect());
  }
}
