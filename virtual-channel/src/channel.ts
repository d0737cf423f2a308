import type { EventSource } from '@offhook/common';

/** Who is at the other end, as far as the transport itself can tell. */
export interface PeerIdentity {
  /** `memory`, `unix`, `tcp`, `tls`, later `spice` and `port`. */
  readonly transport: string;
  /** For people and logs: `unix:/run/…`, `127.0.0.1:40213`. */
  readonly description: string;
  /** Subject of the peer's verified certificate (TLS with client certificates). */
  readonly certificateSubject?: string;
}

export interface ChannelEvents {
  /** Bytes in order. The receiver MUST NOT keep or change the chunk after the listener returns. */
  data: Uint8Array;
  /** The peer can take more: `write` returned false before and may be called again. */
  drain: undefined;
  /** The channel is gone: exactly once, last of all events; with the reason when it is an error. */
  close: Error | undefined;
}

/**
 * A reliable, ordered stream of bytes in both directions, already open.
 *
 * - Bytes MUST arrive in the order written, each once, until `close`; chunk borders mean nothing.
 * - No event MUST fire before the microtask after the channel was handed out, so that listeners can
 *   be set in the same turn; data that comes before the first `data` listener is kept, not lost.
 * - `write` returns false when the send buffer is over its high-water mark: the caller SHOULD wait
 *   for `drain`. The bytes are accepted all the same, up to `maxBuffered`; beyond that the channel
 *   MUST close with `{layer: 'channel', code: 'send-buffer-full'}`. The caller MUST NOT change the
 *   bytes afterwards.
 * - `write` on a channel that is `closed` (by `close` or `destroy` here, or after the `close` event)
 *   MUST throw `{layer: 'channel', code: 'closed'}`. Bytes written when the peer has gone and the
 *   event is still to come are lost.
 * - `close` MUST be idempotent; accepted bytes are flushed within a second, or dropped. No `data` and
 *   no `drain` comes any more. It resolves when the channel is gone.
 * - `destroy` drops everything at once; its error is the reason in `close`.
 * - `close` is ALWAYS emitted, exactly once, and nothing after it.
 * - `pause`/`resume` stop and go on with `data`: a paused channel MUST exert back-pressure on the
 *   peer where the transport can.
 */
export interface Channel extends EventSource<ChannelEvents> {
  readonly peer: PeerIdentity;
  readonly closed: boolean;
  /** Bytes accepted by `write` that the transport has not taken yet. */
  readonly buffered: number;
  write(bytes: Uint8Array): boolean;
  pause(): void;
  resume(): void;
  close(): Promise<void>;
  destroy(error?: Error): void;
}

/** A place where channels come in. `close` stops listening; open channels stay. */
export interface ChannelListener {
  /** The address in the form that `connectChannel` takes; with the real port where 0 was asked. */
  readonly address: string;
  close(): Promise<void>;
}
