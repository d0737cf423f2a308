import { isOffhookError, OffhookError, type Clock, type Timer } from '@offhook/common';
import type { Channel } from '../../channel.ts';
import type { SpiceLinkState } from '../listen-port.ts';
import { openPort } from '../port.ts';
import { PortLine } from '../port-line.ts';
import type { ChannelRef } from '../session.ts';
import type { SpiceSource } from '../source.ts';

export interface SessionPortOptions {
  readonly sessionId: number;
  /** What the server offers in this session; the likeliest port first. */
  readonly channels: readonly ChannelRef[];
  readonly name: string;
  /** With the ticket that is good now. */
  readonly source: () => SpiceSource;
  /** Milliseconds for each connection and link. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onChannel: (channel: Channel) => void;
  readonly onState: (state: SpiceLinkState) => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;

/** Our port in a viewer's session: opened beside the viewer's channels, and again when it breaks. */
export class SessionPort {
  readonly #options: SessionPortOptions;
  readonly #stop = new AbortController();
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | undefined;
  #line: PortLine | undefined;
  #refused = false;
  /** Once it has been found. */
  #id: number | undefined;

  constructor(options: SessionPortOptions) {
    this.#options = options;
  }

  /** The port's channel id once it is open; undefined when it is not to be had for now. */
  async open(): Promise<number | undefined> {
    if (this.#stop.signal.aborted) return undefined;
    const { sessionId, channels, name, source, timeoutMs, onChannel, onState } = this.#options;
    this.#refused = false;
    onState({ state: 'connecting' });
    try {
      const port = await openPort(
        { sessionId, channels: channels.filter(({ id }) => id === (this.#id ?? id)) },
        { source: source(), timeoutMs, signal: this.#stop.signal, name },
      );
      if (this.#stop.signal.aborted || port.channel.closed) {
        port.channel.destroy();
        throw closedByServer();
      }
      this.#retryMs = FIRST_RETRY_MS;
      port.channel.on('close', (error) => {
        this.#line?.end(error);
        this.#line = undefined;
        this.#closed();
      });
      onState({ state: 'linked' });
      this.#line = new PortLine(port, name, onChannel);
      this.#id = port.channel.id;
      return this.#id;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  /** There is another ticket: a port that was refused is tried again. */
  sourceChanged(): void {
    if (this.#refused) void this.open();
  }

  /** Idempotent; tells no state any more. */
  close(): void {
    this.#timer?.cancel();
    this.#stop.abort(new OffhookError('channel', 'closed', 'the viewer has gone'));
    this.#line?.end(undefined);
    this.#line?.port.channel.destroy();
  }

  /** Mostly because the session ends, which shows at once. */
  #closed(): void {
    if (this.#stop.signal.aborted) return;
    this.#options.onState({ state: 'connecting' });
    this.#again();
  }

  #again(): number {
    const retryInMs = this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#timer = this.#options.clock.after(retryInMs, () => void this.open());
    return retryInMs;
  }

  #failed(reason: unknown): void {
    if (this.#stop.signal.aborted) return;
    const error = reason instanceof OffhookError ? reason : closedByServer(reason);
    // To look again would open ports that are the viewer's.
    const final = FINAL.some((code) => isOffhookError(error, code));
    if (final) {
      this.#refused = isOffhookError(error, 'spice-permission-denied');
      this.#options.onState({ state: 'refused', error });
      return;
    }
    this.#options.onState({ state: 'waiting', error, retryInMs: this.#again() });
  }
}

const FINAL = ['spice-permission-denied', 'spice-no-port', 'spice-port-busy'];

function closedByServer(cause?: unknown): OffhookError {
  return new OffhookError('channel', 'closed', 'the SPICE server closed the port', { cause });
}
