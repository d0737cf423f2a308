import {
  describeError,
  isOffhookError,
  OffhookError,
  type Clock,
  type Logger,
  type Timer,
} from '@offhook/common';
import type { SessionState, SessionStats } from '@offhook/media-rpc';
import type { CallSnapshot, IncomingCall, SipCall } from '@offhook/signaling';
import type { AccountConfig } from '../config.ts';
import type { CallMedia } from './call-media.ts';
import { dtmfInfo, parseDtmfInfo } from './dtmf-info.ts';
import type { CallRecord, JournalRow } from '../journal/rows.ts';
import { ChangeWatch } from './change-watch.ts';
import { recordOf, resumedCall } from './call-record.ts';
import { recordByItself, recordMedia } from './record-media.ts';
import type { RecordingAction } from './recordings.ts';
import { step } from './machine.ts';
import { WillKeeper } from './will-keeper.ts';
import { isSilenced, newCall, type Call, type CallEffect, type CallInput } from './model.ts';

const INFO_DURATION_MS = 160;
/** No peer takes longer for a re-INVITE: Timer B and a glare. */
const NEGOTIATION_DEADLINE_MS = 45_000;

export interface CallSessionParts {
  readonly id: string;
  /** The far end's name in our own contacts. */
  readonly contact: string | undefined;
  readonly account: AccountConfig;
  readonly media: CallMedia;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who asked for it. */
  readonly referredBy?: string | undefined;
  /** After every change, `before` being the call as it was. */
  readonly onChange: (session: CallSession, before: Call) => void;
  readonly onDtmf: (session: CallSession, digit: string, durationMs: number) => void;
  /** The call is over and its last statistics are in. */
  readonly onFinished: (session: CallSession) => void;
  /** As an earlier process has left it. */
  readonly resumed?: CallRecord | undefined;
}

/** One call: the state machine, the dialog and the media session, tied together. */
export class CallSession {
  readonly media: CallMedia;
  readonly account: AccountConfig;
  readonly #parts: CallSessionParts;
  readonly #sip: SipCall;
  #call: Call;
  #lastStats: SessionStats | undefined;
  #autoAnswer: Timer | undefined;
  /** What the last negotiation came to; told to whoever waits for it. */
  #negotiationError: unknown;
  readonly #watch: ChangeWatch;
  #answering: Promise<void> | undefined;
  /** BYE, CANCEL or a refusal, under way or done. */
  #ending: Promise<void> | undefined;
  readonly #will: WillKeeper;
  readonly #finished = Promise.withResolvers<void>();

  constructor(sip: SipCall, parts: CallSessionParts) {
    this.#sip = sip;
    this.#parts = parts;
    this.#watch = new ChangeWatch(parts.clock);
    this.media = parts.media;
    this.account = parts.account;
    const fresh = newCall({
      id: parts.id,
      sipCallId: sip.callId,
      account: parts.account.aor,
      direction: sip.direction,
      remote: { ...sip.remote, contact: parts.contact },
      at: parts.clock.wall(),
      referredBy: parts.referredBy,
    });
    this.#call =
      parts.resumed === undefined
        ? fresh
        : resumedCall(fresh, parts.resumed, sip.state === 'established');
    const { clock, logger, media } = parts;
    this.#will = new WillKeeper({
      id: media.id,
      sip,
      port: () => media.port,
      open: () => media.open && this.#call.phase === 'established',
      clock,
      logger,
    });
    sip.on('state', (state) => {
      if (state !== 'established' && state !== 'ended') this.input({ type: 'sip-progress', state });
    });
    sip.on('established', ({ remoteIdentity }) =>
      this.input({ type: 'sip-established', remoteIdentity }),
    );
    sip.on('ended', (end) => this.input({ type: 'sip-ended', end }));
    sip.on('info', (body) => {
      const pressed = parseDtmfInfo(body);
      if (pressed !== undefined) parts.onDtmf(this, pressed.digit, pressed.durationMs);
    });
  }

  /** Resolves when the call is over, the last figures are in and the media session is freed. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  get id(): string {
    return this.#call.id;
  }

  get call(): Call {
    return this.#call;
  }

  /** The dialog, for what is no part of the call's own life: transfers, requests by hand. */
  get sip(): SipCall {
    return this.#sip;
  }

  /** Signaling's id of the call. */
  get sipId(): string {
    return this.#sip.id;
  }

  /** What another process needs to go on with the call; `sip` is signaling's half. */
  record(sip: CallSnapshot): JournalRow {
    return { sip, call: recordOf(this.#call), media: this.media.record };
  }

  /** The same as it is now; undefined when signaling has nothing to be written down. */
  get row(): JournalRow | undefined {
    const sip = this.#sip.snapshot();
    return sip === undefined ? undefined : this.record(sip);
  }

  /** After a restart, when signaling and the engine can be spoken to: what was under way goes on. */
  goOn(): void {
    const { resumed } = this.#parts;
    const { phase, hold } = this.#call;
    if (phase === 'incoming' && resumed?.phase === 'answering') this.input({ type: 'answer' });
    if (phase === 'established' && hold.wanted !== hold.inForce) {
      this.input({ type: 'media-stale' });
    }
  }

  /** The last statistics that were read. */
  get lastStats(): SessionStats | undefined {
    return this.#lastStats;
  }

  set lastStats(stats: SessionStats) {
    this.#lastStats = stats;
  }

  /** Puts an input through the state machine and carries out what comes of it. */
  input(input: CallInput): void {
    const before = this.#call;
    const { call, effects } = step(before, input, this.#parts.clock.wall());
    this.#call = call;
    if (call.phase !== 'incoming') this.#autoAnswer?.cancel();
    for (const effect of effects) this.#run(effect);
    if (call !== before) {
      if (call.phase === 'established') this.#will.refresh();
      recordByItself(this, before, this.#parts.logger);
      this.#parts.onChange(this, before);
      this.#watch.tell();
    }
  }

  answerAfter(ms: number): void {
    this.#whileRinging(ms, () => this.input({ type: 'answer' }));
  }

  /** Sends the caller elsewhere when nobody has taken the call by then. */
  forwardAfter(ms: number, target: string): void {
    this.#whileRinging(ms, () => this.input({ type: 'reject', status: 302, contacts: [target] }));
  }

  #whileRinging(ms: number, then: () => void): void {
    this.#autoAnswer?.cancel();
    this.#autoAnswer = this.#parts.clock.after(ms, () => {
      if (this.#call.phase === 'incoming') then();
    });
  }

  /** Resolves when our 200 has gone out; rejects when there could be no answer. */
  async answer(): Promise<void> {
    this.input({ type: 'answer' });
    await this.#answering;
  }

  /** Resolves when the peer has agreed; rejects with its refusal. */
  async hold(wanted: boolean, signal?: AbortSignal): Promise<void> {
    this.#negotiationError = undefined;
    this.input({ type: wanted ? 'hold' : 'resume' });
    await this.#negotiationSettled(signal);
    if (this.#negotiationError !== undefined) throw this.#negotiationError;
    if (this.#call.hold.inForce !== wanted) {
      throw new OffhookError('call', 'superseded', `call ${this.id} was changed meanwhile`);
    }
  }

  /** Resolves when the far end has answered, or has been waited for long enough. */
  async hangup(): Promise<void> {
    this.input({ type: 'hangup' });
    await this.#ending;
  }

  async dtmf(digits: string): Promise<void> {
    if (this.#call.phase !== 'established' && this.#call.phase !== 'early') {
      throw new OffhookError(
        'call',
        'wrong-state',
        `cannot send DTMF on call ${this.id}: it is ${this.#call.phase}`,
      );
    }
    const { dtmf } = this.account;
    if (dtmf !== 'auto') return this.#keys(dtmf, digits);
    if (this.media.telephoneEvent) return this.#keys('rfc4733', digits);
    try {
      return await this.#keys('info', digits);
    } catch (error) {
      // 405, 415, 501 …: a peer that knows neither hears the tones.
      if (!isOffhookError(error, 'refused')) throw error;
      return this.#keys('inband', digits);
    }
  }

  async #keys(method: 'rfc4733' | 'info' | 'inband', digits: string): Promise<void> {
    if (method !== 'info') return this.media.dtmf(digits, method);
    for (const digit of digits) await this.#sip.info(dtmfInfo(digit, INFO_DURATION_MS));
    return undefined;
  }

  /** @throws `wrong-state`, and what the thin client says: `not-allowed`, `recording-failed` … */
  async recordAudio(action: RecordingAction): Promise<void> {
    this.onMediaState(await recordMedia(this.media, this.#call, action));
  }

  /** Fresh statistics, or the last ones when the engine is away. */
  async stats(): Promise<SessionStats | undefined> {
    if (this.#call.phase !== 'ended')
      this.#lastStats = (await this.media.stats()) ?? this.#lastStats;
    return this.#lastStats;
  }

  /** There is a line to an engine again: it may know nothing of what the last one knew. */
  onEngine(): void {
    if (this.#call.phase === 'established') this.#will.forget();
  }

  onMediaState(state: SessionState): void {
    this.input({
      type: 'media-changed',
      remoteDirection: state.remoteDirection,
      locallyMuted: state.locallyMuted,
      recording: state.recording,
      remoteMedia: state.remote,
    });
  }

  #run(effect: CallEffect): void {
    switch (effect.type) {
      case 'sip-answer':
        this.#answering = this.#answer();
        this.#answering.catch(() => undefined);
        break;
      case 'sip-reject':
        this.#end(asIncoming(this.#sip).reject(rejection(effect)));
        break;
      case 'sip-hangup':
        this.#end(this.#sip.hangup());
        break;
      case 'renegotiate':
        void this.#renegotiate();
        break;
      case 'set-direction':
        this.media.setDirection(effect.direction);
        break;
      case 'set-conference':
        this.media.setConference(effect.conference);
        break;
      case 'set-mute':
        this.media.setMuted(effect.muted);
        break;
      case 'rebuild-media':
        this.media.markLost();
        this.media.setMuted(isSilenced(this.#call));
        break;
      case 'finish':
        this.#will.close();
        void this.#finish();
        break;
      default:
        effect satisfies never;
    }
  }

  async #answer(): Promise<void> {
    try {
      await asIncoming(this.#sip).answer();
    } catch (error) {
      this.input({ type: 'answer-failed' });
      // Signaling has refused what it could; a call that is left over is ended.
      this.#end(this.#sip.hangup({ status: 500 }));
      throw error;
    }
  }

  async #renegotiate(): Promise<void> {
    const { logger } = this.#parts;
    try {
      await this.#sip.renegotiate();
      this.#negotiationError = undefined;
      this.input({ type: 'negotiated' });
    } catch (error) {
      this.#negotiationError = error;
      if (this.#call.phase === 'established') {
        logger.warn({ call: this.id, reason: describeError(error) }, 'renegotiation failed');
      }
      this.input({ type: 'negotiation-failed' });
    }
  }

  async #finish(): Promise<void> {
    const { logger, onFinished } = this.#parts;
    const stats = await this.media.stats();
    if (stats !== undefined) this.#lastStats = stats;
    await this.media.close();
    const { call } = this;
    logger.info(
      {
        call: call.id,
        account: call.account,
        direction: call.direction,
        remote: call.remote.uri,
        seconds:
          call.answeredAt === undefined
            ? 0
            : Math.round(((call.endedAt ?? call.answeredAt) - call.answeredAt) / 1000),
        end: call.end,
      },
      'call ended',
    );
    onFinished(this);
    this.#finished.resolve();
  }

  #end(work: Promise<void>): void {
    this.#ending = work;
    work.catch((error: unknown) => {
      this.#parts.logger.debug({ call: this.id, reason: describeError(error) }, 'hang-up failed');
    });
  }

  /** Resolves when no offer of ours is under way, or the call is over. */
  async #negotiationSettled(signal?: AbortSignal): Promise<void> {
    const done = () => this.#call.negotiation === 'none';
    if (!(await this.until(done, NEGOTIATION_DEADLINE_MS, signal))) {
      signal?.throwIfAborted();
      throw new OffhookError('call', 'timeout', `call ${this.id}: the peer does not answer`);
    }
    if (this.#call.phase !== 'established') {
      throw new OffhookError('call', 'ended', `call ${this.id} has ended`);
    }
  }

  /** Resolves when `done` holds (true), or at the deadline or abort (false). */
  until(done: () => boolean, ms: number, signal?: AbortSignal): Promise<boolean> {
    return this.#watch.until(done, ms, signal);
  }

  /** Ends at this status for the peer when the call cannot be served at all. */
  async refuse(status: number, reason: string): Promise<void> {
    await asIncoming(this.#sip).reject({ status, reason });
  }
}

function rejection({
  status,
  reason,
  contacts,
}: Extract<CallEffect, { type: 'sip-reject' }>): Parameters<IncomingCall['reject']>[0] {
  return {
    status,
    ...(reason !== undefined && { reason }),
    ...(contacts !== undefined && { contacts }),
  };
}

function asIncoming(sip: SipCall): IncomingCall {
  if ('answer' in sip) return sip as IncomingCall;
  throw new OffhookError('call', 'wrong-state', 'an outgoing call cannot be answered here');
}
