import { describeError, isOffhookError, OffhookError, type Logger } from '@offhook/common';
import type { MethodInput, SdpStep, SessionState, SessionStats } from '@offhook/media-rpc';
import type { SdpAgent } from '@offhook/signaling';
import type { MediaPort } from '../media-port.ts';
import type { DesiredSession } from '../reconcile.ts';
import type { MediaRecord } from '../journal/rows.ts';
import { advance, newOrigin, nextOrigin, type OriginState } from './sdp-origin.ts';

type CallMediaOptions = MethodInput<'session.open'>['options'];
type OfferedDirection = 'sendrecv' | 'sendonly' | 'inactive';

/** A description must be there before the peer repeats itself in vain. */
const STEP_DEADLINE_MS = 8000;
const STATS_DEADLINE_MS = 1000;

export interface CallMediaParts {
  /** The session's id: a secret by which the engine knows its owner, too. */
  readonly id: string;
  readonly port: MediaPort;
  readonly options: CallMediaOptions;
  /** `o=` session id: a decimal number, unique for this call. */
  readonly originId: string;
  /** A name for a command that must not be carried out twice. */
  readonly commandId: () => string;
  readonly logger: Logger;
  /** The engine told its state in answer to a step. */
  readonly onState: (state: SessionState) => void;
  /** A step found that the engine has not got the session. */
  readonly onLost: () => void;
  /** `record` gives something else now. */
  readonly onChange: () => void;
  /** As an earlier process has left it. */
  readonly resumed?: MediaRecord | undefined;
  /** The call that is resumed still waits for the answer to its first offer. */
  readonly unanswered?: boolean | undefined;
}

/**
 * One call's media session: maps the steps of offer/answer to `session.open` and `session.update`,
 * and keeps the revision and the `o=` line continuous, whichever engine serves.
 */
export class CallMedia implements SdpAgent {
  readonly id: string;
  readonly #parts: CallMediaParts;
  #origin: OriginState;
  #direction: OfferedDirection = 'sendrecv';
  #muted = false;
  #conference: string | undefined;
  /** The engine has (as far as we know) a session of ours. */
  #open = false;
  #closed = false;
  #telephoneEvent = false;
  /** Highest revision handed out, and the highest that the engine has confirmed. */
  #issued = 0;
  #confirmed = 0;
  #running = 0;
  /** The description that a roll-back would take back. */
  #last: 'offer' | 'answer' | undefined;
  /** As it was before that description. */
  #originBefore: OriginState;
  /** One that came to nothing, which the engine may not know. */
  #leftOver: 'offer' | 'answer' | undefined;
  /** An earlier process got the last description, and it is wanted once more. */
  #repeatable = false;

  constructor(parts: CallMediaParts) {
    const { resumed, unanswered = false } = parts;
    this.id = parts.id;
    this.#parts = parts;
    this.#origin = resumed?.origin ?? newOrigin(parts.originId);
    this.#originBefore = this.#origin;
    if (resumed === undefined) return;
    this.#direction = resumed.direction;
    this.#muted = resumed.muted;
    this.#conference = resumed.conference;
    this.#open = resumed.open;
    this.#issued = resumed.revision;
    this.#confirmed = resumed.revision;
    if (unanswered) {
      this.#last = resumed.leftOver;
      this.#repeatable = resumed.leftOver === 'offer';
    } else this.#leftOver = resumed.leftOver;
  }

  /** What another process needs to go on with the session. */
  get record(): MediaRecord {
    const leftOver = this.#leftOver ?? (this.#last === 'offer' ? 'offer' : undefined);
    return {
      session: this.id,
      revision: this.#confirmed,
      open: this.#open || this.#running > 0,
      origin: this.#origin,
      direction: this.#direction,
      muted: this.#muted,
      ...(this.#conference !== undefined && { conference: this.#conference }),
      ...(leftOver !== undefined && { leftOver }),
    };
  }

  /** For reconciliation; undefined when the engine need not have anything. */
  get desired(): DesiredSession | undefined {
    if (this.#closed || (!this.#open && this.#running === 0)) return undefined;
    return {
      id: this.id,
      revision: this.#confirmed,
      inFlight: this.#running > 0,
      leftOver: this.#leftOver !== undefined,
      muted: this.#muted,
      conference: this.#conference,
    };
  }

  /** The line to the engine that has the session, or will have. */
  get port(): MediaPort {
    return this.#parts.port;
  }

  /** Whether the peer has agreed to RFC 4733 events. */
  get telephoneEvent(): boolean {
    return this.#telephoneEvent;
  }

  get open(): boolean {
    return this.#open && !this.#closed;
  }

  /** Goes into the next description. */
  setDirection(direction: OfferedDirection): void {
    this.#direction = direction;
  }

  setMuted(muted: boolean): void {
    this.#muted = muted;
    this.#parts.onChange();
    if (this.open) this.#sendMute();
  }

  setConference(conference: string | undefined): void {
    this.#conference = conference;
    this.#parts.onChange();
    if (this.open) this.#sendConference();
  }

  /** The engine has no such session any more: the next description opens it anew. */
  markLost(): void {
    this.#open = false;
  }

  /** Takes over a revision that the engine has and we did not know. */
  adoptRevision(revision: number): void {
    this.#issued = Math.max(this.#issued, revision);
    this.#confirmed = revision;
    this.#parts.onChange();
  }

  async createOffer(signal: AbortSignal): Promise<string> {
    if (this.#repeatable) return await this.#repeat(signal);
    return await this.#describe(
      'offer',
      (origin) => ({ type: 'offer', direction: this.#direction, origin }),
      signal,
    );
  }

  createAnswer(offer: string, signal: AbortSignal): Promise<string> {
    return this.#describe(
      'answer',
      (origin) => ({ type: 'answer', offer, direction: this.#direction, origin }),
      signal,
    );
  }

  async acceptAnswer(
    answer: string,
    { provisional }: { provisional: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    // The offer went down with its engine: the call is moved by another offer once it stands.
    if (!this.#open) return;
    try {
      await this.#update({ type: 'accept', answer, provisional }, signal);
    } catch (error) {
      // The process before us has had the same answer accepted, and was gone before it could say so.
      const done = this.#parts.resumed !== undefined && isOffhookError(error, 'wrong-state');
      if (!done && !isOffhookError(error, 'unknown-session')) throw error;
      if (!done) this.#lost();
    }
    this.#repeatable = false;
    if (provisional) return;
    this.#last = undefined;
    this.#parts.onChange();
  }

  /** A command that is repeated gives what it gave (see the contract). */
  async #repeat(signal: AbortSignal): Promise<string> {
    this.#repeatable = false;
    const step: SdpStep = {
      type: 'offer',
      direction: this.#direction,
      origin: nextOrigin(this.#origin),
    };
    const { sdp } = await this.#parts.port.call(
      'session.update',
      { id: this.id, revision: this.#confirmed, step },
      { retry: true, timeoutMs: STEP_DEADLINE_MS, signal },
    );
    if (sdp === undefined) throw this.#noSession();
    return sdp;
  }

  /** An engine that is away is told before the next description. */
  async rollback(): Promise<void> {
    this.#leftOver = this.#last;
    this.#parts.onChange();
    // An answer that is taken back was never sent: its version is free (RFC 3264 §8).
    if (this.#last === 'answer') this.#origin = this.#originBefore;
    if (this.#parts.port.connected) await this.#takeBack();
  }

  async stats(): Promise<SessionStats | undefined> {
    if (!this.open || !this.#parts.port.connected) return undefined;
    try {
      return await this.#parts.port.call(
        'session.stats',
        { id: this.id },
        { timeoutMs: STATS_DEADLINE_MS },
      );
    } catch (error) {
      this.#parts.logger.debug({ call: this.id, reason: describeError(error) }, 'no statistics');
      return undefined;
    }
  }

  async dtmf(digits: string, method: 'rfc4733' | 'inband'): Promise<void> {
    if (!this.open) throw this.#noSession();
    await this.#parts.port.call(
      'session.dtmf',
      { id: this.id, command: this.#parts.commandId(), digits, method },
      { retry: true, timeoutMs: STEP_DEADLINE_MS + digits.length * 300 },
    );
  }

  /** Frees the session; idempotent, never rejects: an engine that is away frees it when it is back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#open && this.#running === 0) return;
    try {
      await this.#parts.port.call('session.close', { id: this.id });
    } catch (error) {
      this.#parts.logger.debug({ call: this.id, reason: describeError(error) }, 'session left');
    }
  }

  async #describe(
    kind: 'offer' | 'answer',
    stepFor: (origin: ReturnType<typeof nextOrigin>) => SdpStep,
    signal: AbortSignal,
  ): Promise<string> {
    if (this.#leftOver !== undefined) await this.#takeBack(signal);
    this.#last = undefined;
    try {
      this.#originBefore = this.#origin;
      const sdp = await this.#carryOut(stepFor(nextOrigin(this.#origin)), signal);
      this.#last = kind;
      return sdp;
    } catch (error) {
      if (!isRefusal(error)) this.#leftOver = kind;
      throw error;
    }
  }

  async #carryOut(step: SdpStep, signal: AbortSignal): Promise<string> {
    let text: string | undefined;
    if (this.#open) {
      try {
        text = await this.#update(step, signal);
      } catch (error) {
        if (!isOffhookError(error, 'unknown-session')) throw error;
        this.#open = false;
      }
    }
    text ??= await this.#opening(step, signal);
    const { sdp, state } = advance(this.#origin, text);
    this.#origin = state;
    return sdp;
  }

  /** Has the engine forget a description that came to nothing. */
  async #takeBack(signal?: AbortSignal): Promise<void> {
    const left = this.#leftOver;
    if (this.#open && left !== undefined) {
      try {
        await this.#update({ type: 'rollback', of: left }, signal);
      } catch (error) {
        if (isOffhookError(error, 'unknown-session')) this.#lost();
        // Nothing was pending: it had not reached the engine.
        else if (!isOffhookError(error, 'wrong-state')) throw error;
      }
    }
    this.#leftOver = undefined;
    this.#last = undefined;
    this.#parts.onChange();
  }

  async #opening(step: SdpStep, signal: AbortSignal): Promise<string> {
    const { port, options } = this.#parts;
    const revision = ++this.#issued;
    const { sdp, session } = await this.#track(() =>
      port.call(
        'session.open',
        { id: this.id, revision, options, step },
        // A call must not begin with waiting for an engine that is away.
        { signal, retry: port.connected, timeoutMs: STEP_DEADLINE_MS },
      ),
    );
    if (this.#closed) {
      // The call ended while the engine was at it.
      await port.call('session.close', { id: this.id });
      throw this.#noSession();
    }
    this.#confirmed = revision;
    this.#open = true;
    this.#parts.onChange();
    if (this.#muted) this.#sendMute();
    if (this.#conference !== undefined) this.#sendConference();
    this.#tell(session);
    return sdp;
  }

  async #update(step: SdpStep, signal?: AbortSignal): Promise<string | undefined> {
    if (this.#closed) throw this.#noSession();
    const revision = ++this.#issued;
    const { sdp, session } = await this.#track(() =>
      this.#parts.port.call(
        'session.update',
        { id: this.id, revision, step },
        { retry: true, timeoutMs: STEP_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) },
      ),
    );
    this.#confirmed = revision;
    this.#parts.onChange();
    this.#tell(session);
    return sdp;
  }

  async #track<T>(command: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await command();
    } finally {
      this.#running--;
    }
  }

  #sendMute(): void {
    this.#parts.port
      .call('session.mute', { id: this.id, muted: this.#muted }, { retry: true })
      .catch((error: unknown) =>
        this.#parts.logger.warn({ call: this.id, reason: describeError(error) }, 'mute failed'),
      );
  }

  #sendConference(): void {
    const conference = this.#conference ?? null;
    this.#parts.port
      .call('session.conference', { id: this.id, conference }, { retry: true })
      .catch((error: unknown) =>
        this.#parts.logger.warn({ call: this.id, reason: describeError(error) }, 'not joined'),
      );
  }

  #tell(session: SessionState): void {
    this.#telephoneEvent = /^a=rtpmap:\d+ telephone-event\//im.test(session.remoteSdp ?? '');
    this.#parts.onState(session);
  }

  #lost(): void {
    this.#open = false;
    this.#parts.onLost();
  }

  #noSession(): OffhookError {
    return new OffhookError('call', 'no-media', `call ${this.id} has no media session`);
  }
}

/** What the engine has refused it has not got; of all else we cannot be sure. */
function isRefusal(error: unknown): boolean {
  return isOffhookError(error) && error.layer === 'engine' && error.code !== 'not-connected';
}
