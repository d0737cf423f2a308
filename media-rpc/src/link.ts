import { randomBytes } from 'node:crypto';
import {
  describeError,
  Emitter,
  OffhookError,
  type Clock,
  type EventSource,
  type Logger,
  type Timer,
} from '@offhook/common';
import {
  FrameReader,
  FrameWriter,
  type Channel,
  type DiscardReason,
} from '@offhook/virtual-channel';
import { PROTOCOL } from './contract.ts';
import { commonVersion, receiveHello, startHandshake, type HandshakeState } from './handshake.ts';
import { linkError } from './link-errors.ts';
import { linkMessage, type Hello, type LinkMessage, type LinkRole } from './link-messages.ts';
import { Outbox } from './outbox.ts';
import { Watchdog } from './watchdog.ts';

/** What the other end says of itself. */
export interface LinkPeer {
  /** Another one after each start of its process. */
  readonly instanceId: string;
  readonly capabilities: readonly string[];
  /** The version of the contract that both speak. */
  readonly version: number;
  /** Milliseconds: what a guest asks for, what an engine grants. */
  readonly leaseMs: number;
}

export interface LinkEvents {
  up: LinkPeer;
  /** A JSON-RPC message, not validated. Only between `up` and `down`. */
  message: unknown;
  /**
   * The peer is gone; without a reason when it left in good order. After `peer-restarted` and
   * `bytes-lost` the channel is still of use and another `up` may follow; after anything else it is
   * closed.
   */
  down: Error | undefined;
}

export interface LinkOptions {
  readonly role: LinkRole;
  /** Ours, for the life of the process. */
  readonly instanceId: string;
  readonly capabilities?: readonly string[] | undefined;
  /** What goes into our HELLO; an engine knows the guest's wish by the HELLO that counts. */
  readonly leaseMs: (asked: number | undefined) => number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Contract versions to offer; those of this code by default. */
  readonly protocol?: { readonly min: number; readonly max: number } | undefined;
  /** Milliseconds between signs of life; 1,000. */
  readonly heartbeatMs?: number | undefined;
  /** Milliseconds without one after which the peer counts as gone; 4,000. */
  readonly silenceMs?: number | undefined;
  /** Milliseconds for each handshake; 5,000. `Infinity` waits for ever. */
  readonly handshakeMs?: number | undefined;
  /** 32 hexadecimal digits. */
  readonly nonce?: (() => string) | undefined;
}

const FIRST_HELLO_AGAIN_MS = 250;
const LAST_HELLO_AGAIN_MS = 1000;
/** Messages that make no sense, in all the time of a link. */
const MAX_MALFORMED = 100;

/**
 * Messages between two living peers over a channel that may give us bytes of the dead: handshake
 * with nonces, heartbeats with a deadline, bounded queues. The channel belongs to the link.
 */
export class Link implements EventSource<LinkEvents> {
  readonly #channel: Channel;
  readonly #options: LinkOptions;
  readonly #events: Emitter<LinkEvents>;
  readonly #reader: FrameReader;
  readonly #outbox: Outbox;
  readonly #watchdog: Watchdog;
  readonly #unsubscribe: (() => void)[];
  #state: HandshakeState;
  #asked: number | undefined;
  #received = 0;
  #malformed = 0;
  #timers: Timer[] = [];
  #over = false;

  constructor(channel: Channel, options: LinkOptions) {
    const { clock, logger } = options;
    this.#channel = channel;
    this.#options = options;
    this.#events = new Emitter((error) => logger.error({ err: error }, 'link listener failed'));
    this.#reader = new FrameReader({
      onFrame: (payload) => this.#frame(payload),
      onDiscard: (reason, bytes) => this.#discarded(reason, bytes),
    });
    this.#outbox = new Outbox(channel, new FrameWriter(), (error) => this.#fail(error));
    this.#watchdog = new Watchdog({
      clock,
      beatMs: options.heartbeatMs ?? 1000,
      silenceMs: options.silenceMs ?? 4000,
      beat: () => this.#beat(),
      silent: (ms) => this.#fail(linkError.silent(this.#otherRole(), ms)),
    });
    this.#unsubscribe = [
      channel.on('data', (chunk) => this.#reader.push(chunk)),
      channel.on('close', (reason) => this.#end(reason ?? linkError.channelClosed())),
    ];
    const start = startHandshake(this.#freshNonce());
    this.#state = start.state;
    this.#greet();
    channel.resume();
    // Of a channel that closed before anybody listened no event will come.
    if (channel.closed) queueMicrotask(() => this.#end(linkError.channelClosed()));
    logger.debug({ peer: channel.peer.description }, 'link handshake');
  }

  get up(): boolean {
    return !this.#over && this.#state.phase === 'up';
  }

  /** No `up` will follow. */
  get over(): boolean {
    return this.#over;
  }

  on<K extends keyof LinkEvents>(name: K, listener: (event: LinkEvents[K]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /**
   * Sends a JSON-RPC message. A droppable one goes only when nothing holds it up. False if it was
   * not sent: not up, or dropped.
   *
   * @throws OffhookError layer `channel`, code `frame-too-large`.
   */
  send(message: object, droppable = false): boolean {
    if (!this.up) return false;
    return this.#outbox.message(message, droppable);
  }

  /** Says goodbye and closes the channel. Idempotent. */
  async close(): Promise<void> {
    if (!this.#over) this.#leave(undefined);
    await this.#channel.close();
  }

  /** Stops without closing the channel, so that another link can be made on it. */
  detach(): void {
    if (this.#over) return;
    this.#channel.pause();
    this.#stop();
  }

  /** A message of the peer was passed over; of one that sends little else the link rids itself. */
  complain(what: string): void {
    if (this.#over) return;
    this.#options.logger.warn({ peer: this.#channel.peer.description }, `${what}; passed over`);
    this.#malformed++;
    if (this.#malformed > MAX_MALFORMED) this.#fail(linkError.malformed(this.#otherRole()));
  }

  #frame(payload: Buffer): void {
    if (this.#over) return;
    let message: unknown;
    try {
      message = JSON.parse(payload.toString('utf8'));
    } catch {
      this.complain('a frame is not JSON');
      return;
    }
    if (typeof message === 'object' && message !== null && 'link' in message) {
      this.#linkFrame(message);
    } else if (this.#state.phase === 'up') {
      this.#received++;
      this.#watchdog.heard();
      this.#events.emit('message', message);
    }
  }

  #linkFrame(data: object): void {
    const parsed = linkMessage.safeParse(data);
    if (!parsed.success) {
      this.complain('a link message is not understood');
      return;
    }
    const message = parsed.data;
    if (message.link === 'hello') this.#hello(message);
    else if (message.link === 'bye') this.#bye(message);
    else if (this.#state.phase === 'up') this.#beaten(message);
  }

  #hello(hello: Hello): void {
    // Our own words: a port that is looped back, or shows what we wrote to an earlier peer.
    if (hello.nonce === this.#state.own) return;
    const wasUp = this.up;
    const { state, effects } = receiveHello(this.#state, hello, () => this.#freshNonce());
    this.#state = state;
    this.#asked = hello.leaseMs;
    for (const effect of effects) {
      if (this.#over) return;
      if (effect === 'send-hello') this.#sendHello();
      else if (effect === 'up') this.#established(hello);
      else if (wasUp) this.#restart(linkError.restarted(this.#otherRole()));
    }
  }

  #established(hello: Hello): void {
    const { role, logger, protocol = PROTOCOL } = this.#options;
    this.#clearTimers();
    if (hello.role === role) {
      this.#fail(linkError.wrongRole(role));
      return;
    }
    const version = commonVersion(protocol, hello.protocol);
    if (version === undefined) {
      this.#fail(linkError.versions(role, protocol, hello.protocol));
      return;
    }
    this.#received = 0;
    this.#outbox.restart();
    this.#watchdog.start();
    logger.debug({ peer: this.#channel.peer.description, version }, 'link up');
    this.#events.emit('up', {
      instanceId: hello.instance,
      capabilities: hello.capabilities,
      version,
      leaseMs: hello.leaseMs ?? 0,
    });
  }

  #beaten(beat: LinkMessage & { link: 'beat' }): void {
    this.#watchdog.heard();
    this.#outbox.acknowledged(beat.got);
    if (beat.sent !== this.#received) this.#lost();
  }

  #bye(bye: LinkMessage & { link: 'bye' }): void {
    // One without our nonce was meant for somebody before us.
    if (bye.echo !== this.#state.own) return;
    const { reason } = bye;
    const error = reason && new OffhookError('rpc', reason.code, reason.message);
    void this.#channel.close();
    this.#end(error);
  }

  #discarded(reason: DiscardReason, bytes: number): void {
    const { logger } = this.#options;
    if (this.#state.phase !== 'up') {
      logger.debug({ reason, bytes }, 'link bytes of an earlier life passed over');
      return;
    }
    logger.warn({ reason, bytes }, 'link bytes lost');
    if (reason === 'too-large') this.#fail(linkError.tooLarge(this.#otherRole()));
    else this.#lost();
  }

  /** Messages are missing: both ends begin again, and reconcile. */
  #lost(): void {
    if (!this.up) return;
    this.#state = startHandshake(this.#freshNonce()).state;
    this.#restart(linkError.bytesLost());
    if (!this.#over) this.#sendHello();
  }

  #restart(reason: OffhookError): void {
    this.#watchdog.stop();
    this.#events.emit('down', reason);
    if (!this.#over) this.#greet(false);
  }

  /** Greets until there is an answer, or the time for it is over. */
  #greet(now = true): void {
    const { clock, handshakeMs = 5000 } = this.#options;
    this.#clearTimers();
    if (now) this.#sendHello();
    const again = (ms: number) => {
      this.#timers[0] = clock.after(ms, () => {
        // Where nobody reads, one HELLO on its way is enough.
        if (this.#channel.buffered === 0) this.#sendHello();
        again(Math.min(2 * ms, LAST_HELLO_AGAIN_MS));
      });
    };
    again(FIRST_HELLO_AGAIN_MS);
    if (Number.isFinite(handshakeMs)) {
      this.#timers[1] = clock.after(handshakeMs, () =>
        this.#fail(linkError.handshakeTimeout(this.#otherRole(), handshakeMs)),
      );
    }
  }

  #sendHello(): void {
    const { role, instanceId, capabilities = [], protocol = PROTOCOL, leaseMs } = this.#options;
    this.#outbox.control({
      link: 'hello',
      role,
      protocol: { min: protocol.min, max: protocol.max },
      nonce: this.#state.own,
      ...(this.#state.peer === undefined ? {} : { echo: this.#state.peer }),
      instance: instanceId,
      capabilities: [...capabilities],
      leaseMs: leaseMs(this.#asked),
    });
  }

  #beat(): void {
    this.#outbox.control({ link: 'beat', sent: this.#outbox.sent, got: this.#received });
  }

  #fail(error: OffhookError): void {
    if (this.#over) return;
    this.#leave(error);
    // A peer that is silent or does not read takes no last words either.
    if (error.layer === 'channel') this.#channel.destroy(error);
    else void this.#channel.close();
  }

  #leave(error: OffhookError | undefined): void {
    const { peer } = this.#state;
    if (peer !== undefined) {
      const reason = error && { code: error.code, message: describeError(error).slice(0, 1024) };
      this.#outbox.control({ link: 'bye', echo: peer, ...(reason ? { reason } : {}) });
      this.#outbox.flush();
    }
    this.#end(error);
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    this.#stop();
    this.#events.emit('down', error);
    this.#events.clear();
  }

  #stop(): void {
    this.#over = true;
    this.#clearTimers();
    this.#watchdog.stop();
    this.#outbox.stop();
    for (const off of this.#unsubscribe) off();
  }

  #clearTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
  }

  #freshNonce(): string {
    return this.#options.nonce?.() ?? randomBytes(16).toString('hex');
  }

  #otherRole(): LinkRole {
    return this.#options.role === 'guest' ? 'engine' : 'guest';
  }
}
