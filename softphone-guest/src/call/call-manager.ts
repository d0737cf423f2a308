import { describeError, Emitter, OffhookError, type Clock, type Logger } from '@offhook/common';
import type { Account, BodyPart, IncomingCall, ReplacesHeader, SipCall } from '@offhook/signaling';
import type { AccountConfig, GuestConfig } from '../config.ts';
import type { CallKeeper } from '../journal/call-keeper.ts';
import type { JournalRow } from '../journal/rows.ts';
import type { EngineLine } from '../engine-line.ts';
import type { DesiredSession } from '../reconcile.ts';
import type { CallMedia } from './call-media.ts';
import { CallSession } from './call-session.ts';
import type { DialPlan } from './dial-plan.ts';
import { hearEngine } from './hear-engine.ts';
import { ExpectedCalls } from './expected-calls.ts';
import type { CallHistory, HistoryEntry } from './history.ts';
import { Conferences } from './conferences.ts';
import type { Settings } from './person-settings.ts';
import { welcome, type ReceptionParts } from './reception.ts';
import { Transfers } from './transfers.ts';
import { letters } from './letters.ts';
import { mediaOf } from './media-of.ts';
import { isActive, isOver, type Call } from './model.ts';
import { TonePlayer } from './tone-player.ts';
import { countCall, endTone, noCalls, standingTones, type ToneCounts } from './tones.ts';

export interface CallManagerEvents {
  changed: Call;
  ended: HistoryEntry;
  dtmf: { readonly call: string; readonly digit: string; readonly durationMs: number };
}

export interface CallManagerParts {
  readonly link: EngineLine;
  /** The name of a far end in the person's contacts. */
  readonly nameOf?: (uri: string) => string | undefined;
  readonly config: Pick<GuestConfig, 'calls' | 'sip'>;
  readonly plan: DialPlan;
  readonly settings: Settings;
  /** Calls ring whatever is set: help may be calling back. */
  readonly mustRing: () => boolean;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly keeper: CallKeeper;
  readonly history: CallHistory;
}

/** A line: its configuration and its signaling account. */
export interface Line {
  readonly config: AccountConfig;
  readonly account: Account;
}

/** What a call is placed with besides its target. */
export interface Placing {
  readonly replaces?: ReplacesHeader;
  /** Whole header lines. */
  readonly headers?: readonly string[];
  /** Beside the description. */
  readonly parts?: readonly BodyPart[];
  /** Past our own limit, and never beside another active call. */
  readonly urgent?: boolean;
  /** Who asked for the call. */
  readonly referredBy?: string | undefined;
  /** A means to something else: nobody is held for it, and it is not remembered. */
  readonly aside?: boolean;
}

/** All calls of the phone: who may talk, what sounds, and what has been. */
export class CallManager {
  readonly events = new Emitter<CallManagerEvents>();
  readonly transfers: Transfers;
  readonly conferences: Conferences;
  /** Calls that come because we asked for them. */
  readonly expected = new ExpectedCalls();
  readonly #reception: ReceptionParts;
  readonly #parts: CallManagerParts;
  readonly #sessions = new Map<string, CallSession>();
  /** The same by the ids of their media sessions. */
  readonly #byMedia = new Map<string, CallSession>();
  /** Of `Placing.aside`. */
  readonly #aside = new WeakSet<CallSession>();
  readonly #tones: TonePlayer;
  #toneCounts: ToneCounts = noCalls;
  #closed = false;

  constructor(parts: CallManagerParts) {
    this.#parts = parts;
    this.transfers = new Transfers({
      place: (line, target, placing) => this.place(line, target, placing),
      resume: (id) => this.resume(id),
      check: (line, target) => this.targetOf(line, target),
      clock: parts.clock,
      logger: parts.logger,
    });
    this.conferences = new Conferences({
      list: () => this.list(),
      holdOthers: (taken) => this.#holdOthers(taken),
      newName: () => letters(parts.random, 6),
      logger: parts.logger,
    });
    this.#reception = {
      config: parts.config,
      settings: parts.settings,
      mustRing: parts.mustRing,
      busy: (but) => this.list().some((other) => other !== but && !isOver(other.call)),
      targetOf: (line, target) => this.targetOf(line, target),
      expected: this.expected,
      announce: (session) => this.#announce(session),
    };
    this.#tones = new TonePlayer(parts.link, parts.config.calls.country, parts.logger);
    hearEngine(parts.link, {
      find: (id) => this.#byMedia.get(id),
      dtmf: (event) => this.events.emit('dtmf', event),
      connected: () => {
        this.#tones.replay();
        for (const session of this.#sessions.values()) session.onEngine();
      },
    });
  }

  /** Calls that are not over, oldest first. */
  list(): readonly CallSession[] {
    return [...this.#sessions.values()];
  }

  get history(): CallHistory {
    return this.#parts.history;
  }

  /** @throws OffhookError `unknown-call` (layer `call`). */
  get(id: string): CallSession {
    const session = this.#sessions.get(id);
    if (session !== undefined) return session;
    const what = this.history.find(id) === undefined ? `no call ${id}` : `call ${id} is over`;
    throw new OffhookError('call', 'unknown-call', what, {
      details: { calls: [...this.#sessions.keys()] },
    });
  }

  /** What the calls want the engine to have. */
  desired(): readonly DesiredSession[] {
    return this.list().flatMap((session) => session.media.desired ?? []);
  }

  /** Places a call; what becomes of it comes as events. */
  dial(line: Line, target: string, placing: Placing = {}): CallSession {
    return this.place(line, this.targetOf(line, target), placing);
  }

  /** The SIP URI for what somebody dials on a line. @throws OffhookError `bad-target`, `blocked`. */
  targetOf(line: Line, target: string): string {
    const { plan } = this.#parts;
    return plan.uriOf(plan.decide(target), line.config.aor);
  }

  /** Takes up the held call and holds the one that is talked on. */
  async swap(signal?: AbortSignal): Promise<CallSession> {
    const held = this.list().filter(({ call }) => call.phase === 'established' && call.hold.wanted);
    const [only] = held;
    if (only === undefined || held.length > 1) {
      throw new OffhookError('call', 'wrong-state', `there are ${held.length} calls on hold`, {
        ...(held.length > 1 && { remedy: 'resume the one that is meant' }),
      });
    }
    await this.resume(only.id, signal);
    return only;
  }

  /** The same for a SIP URI that is what the number rules have made. */
  place(line: Line, uri: string, placing: Placing = {}): CallSession {
    if (this.#closed) throw new OffhookError('call', 'closing', 'the phone is shutting down');
    const { link } = this.#parts;
    const { limit } = this;
    const { headers, parts, replaces, referredBy, urgent = false } = placing;
    if (!link.connected) throw link.notConnected();
    if (this.#sessions.size >= limit && !urgent) {
      throw new OffhookError('call', 'limit-reached', `${limit} calls already`);
    }
    if (placing.aside !== true) this.#holdOthers(undefined, urgent);
    const id = this.#newId();
    const media = this.#media(id, line, uri);
    const { display_name: displayName } = line.config;
    const sip = line.account.invite(uri, media, {
      ...(displayName !== undefined && { displayName }),
      ...(headers !== undefined && { extraHeaders: headers }),
      ...(parts !== undefined && { parts }),
      ...(replaces !== undefined && { replaces }),
    });
    const session = this.#session(
      sip,
      { ...this.#partsOf(id, line, media, uri), referredBy },
      line,
    );
    if (placing.aside === true) this.#aside.add(session);
    this.#added(session);
    this.#announce(session);
    return session;
  }

  /** A call that signaling delivers. MUST be called in the turn of its event. */
  incoming(line: Line, sip: IncomingCall): void {
    const { link, logger } = this.#parts;
    const id = this.#newId();
    const media = this.#media(id, line, sip.remote.uri);
    sip.useAgent(media);
    const refusal = this.#closed
      ? { status: 503, reason: 'Shutting Down' }
      : !link.connected
        ? { status: 480, reason: 'No Media Engine' }
        : this.#sessions.size >= this.limit
          ? { status: 486, reason: 'Busy Here' }
          : undefined;
    const session = this.#session(sip, this.#partsOf(id, line, media, sip.remote.uri), line);
    this.#added(session);
    if (refusal !== undefined) {
      logger.warn({ call: id, remote: sip.remote.uri, ...refusal }, 'call refused');
      session.refuse(refusal.status, refusal.reason).catch((error: unknown) => {
        logger.debug({ call: id, reason: describeError(error) }, 'refusal failed');
      });
      return;
    }
    welcome(this.#reception, line, session, sip);
  }

  /**
   * Takes up the calls of an earlier process; what cannot be taken up is forgotten, and told. Signaling
   * says nothing to the peers yet.
   */
  restore(rows: readonly JournalRow[], lines: readonly Line[]): void {
    const { keeper, logger } = this.#parts;
    for (const row of rows) {
      const { sip, call } = row;
      try {
        const line = lines.find(({ config }) => config.aor === sip.account);
        if (line === undefined) {
          throw new OffhookError(
            'call',
            'no-account',
            `there is no account ${sip.account} any more`,
          );
        }
        const media = this.#media(call.id, line, sip.remote.uri, row);
        const restored = line.account.restore(sip, media);
        const parts = { ...this.#partsOf(call.id, line, media, sip.remote.uri), resumed: call };
        const session = this.#session(restored, parts, line);
        this.#added(session);
        keeper.inherited(session);
      } catch (error) {
        logger.error({ call: call.id, reason: describeError(error) }, 'a call cannot go on');
        keeper.drop(sip.id);
      }
    }
  }

  /** After `restore`, when signaling can speak to the peers. */
  goOn(): void {
    for (const session of this.#sessions.values()) {
      this.#announce(session);
      session.goOn();
    }
  }

  #session(
    sip: SipCall,
    parts: ConstructorParameters<typeof CallSession>[1],
    line: Line,
  ): CallSession {
    const session = new CallSession(sip, parts);
    this.#parts.keeper.add(session);
    sip.on('refer', (referral) => this.transfers.asked(line, session, referral));
    return session;
  }

  async answer(id: string): Promise<void> {
    const session = this.get(id);
    if (session.call.phase === 'incoming') this.#holdOthers(session);
    await session.answer();
  }

  async resume(id: string, signal?: AbortSignal): Promise<void> {
    const session = this.get(id);
    if (session.call.phase === 'established') this.#holdOthers(session);
    const members = this.conferences.of(session);
    await Promise.all(members.map((one) => one.hold(false, signal)));
  }

  /** Ends what there is; resolves when the far ends have answered, or the deadline has passed. */
  async close(timeoutMs: number): Promise<void> {
    this.#closed = true;
    const { clock, logger } = this.#parts;
    const deadline = Promise.withResolvers<void>();
    const timer = clock.after(timeoutMs, () => deadline.resolve());
    const ended = this.list().map(async (session) => {
      try {
        await session.hangup();
        await session.finished;
      } catch (error) {
        logger.debug({ call: session.id, reason: describeError(error) }, 'hang-up failed');
      }
    });
    await Promise.race([Promise.all(ended), deadline.promise]);
    timer.cancel();
    this.#tones.want([]);
  }

  #added(session: CallSession): void {
    this.#sessions.set(session.id, session);
    this.#byMedia.set(session.media.id, session);
    this.#toneCounts = countCall(this.#toneCounts, session.call, 1);
  }

  #changed(session: CallSession, before: Call): void {
    if (!this.#sessions.has(session.id)) return;
    this.#parts.keeper.touch(session);
    const without = countCall(this.#toneCounts, before, -1);
    this.#toneCounts = countCall(without, session.call, 1);
    if (before.end === undefined && session.call.end !== undefined) {
      this.conferences.ended(session);
      const others = this.list().map((other) => other.call);
      const tone = endTone(session.call, others);
      if (tone !== undefined) this.#tones.play(tone);
    }
    this.#announce(session);
  }

  #announce(session: CallSession): void {
    this.#tones.want(standingTones(this.#toneCounts));
    this.events.emit('changed', session.call);
  }

  #finished(session: CallSession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#byMedia.delete(session.media.id);
    this.#parts.keeper.finished(session);
    this.#toneCounts = countCall(this.#toneCounts, session.call, -1);
    const entry: HistoryEntry = { call: session.call, stats: session.lastStats };
    if (!this.#aside.has(session)) this.history.add(entry);
    this.events.emit('ended', entry);
  }

  /** Talking to one means not talking to the others. */
  #holdOthers(taken: CallSession | undefined, urgent = false): void {
    if (!this.#parts.config.calls.one_active && !urgent) return;
    const together = taken === undefined ? [] : this.conferences.of(taken);
    for (const other of this.#sessions.values()) {
      if (together.includes(other) || !isActive(other.call)) continue;
      other.hold(true).catch((error: unknown) => {
        if (isOver(other.call)) return;
        this.#parts.logger.warn(
          { call: other.id, reason: describeError(error) },
          'the call could not be held',
        );
      });
    }
  }

  #media(id: string, line: Line, remote: string, row?: JournalRow): CallMedia {
    return mediaOf(this.#parts, {
      id,
      account: line.config,
      remote,
      row,
      session: () => this.#sessions.get(id),
    });
  }

  #partsOf(
    id: string,
    line: Line,
    media: CallMedia,
    remote: string,
  ): ConstructorParameters<typeof CallSession>[1] {
    const { clock, logger, nameOf } = this.#parts;
    return {
      id,
      contact: nameOf?.(remote),
      account: line.config,
      media,
      clock,
      logger,
      onChange: (session, before) => this.#changed(session, before),
      onDtmf: (session, digit, durationMs) =>
        this.events.emit('dtmf', { call: session.id, digit, durationMs }),
      onFinished: (session) => this.#finished(session),
    };
  }

  /** Ours, or the engine's where that is lower: a call that could not have audio must not ring. */
  get limit(): number {
    const { link, config } = this.#parts;
    return Math.min(config.calls.max, link.maxSessions ?? config.calls.max);
  }

  #newId(): string {
    for (;;) {
      const id = letters(this.#parts.random, 6);
      if (!this.#sessions.has(id) && this.history.find(id) === undefined) return id;
    }
  }
}
