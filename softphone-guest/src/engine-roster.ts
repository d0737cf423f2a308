import { Emitter, type Clock, type Logger, type Timer } from '@offhook/common';
import type {
  MediaClient,
  MethodInput,
  MethodName,
  MethodParams,
  MethodResult,
} from '@offhook/media-rpc';
import type { EngineLine } from './engine-line.ts';
import { MediaLink } from './media-link.ts';
import type { EngineStatus, MediaLinkEvents, MediaPort } from './media-port.ts';
import { OfflineHold } from './offline-hold.ts';
import type { DesiredSession } from './reconcile.ts';

export interface SeatOptions {
  /** For people: its address. */
  readonly channel: string;
  /** A thin client, or the engine inside the guest that stands in for one. */
  readonly kind: 'client' | 'fallback';
  readonly connect: (signal: AbortSignal) => Promise<MediaClient>;
}

export interface EngineRosterOptions {
  /** In order of preference; the first is a thin client. */
  readonly seats: readonly [SeatOptions, ...SeatOptions[]];
  readonly leaseMs: number;
  readonly desired: () => readonly DesiredSession[];
  readonly journal?: () => 'healthy' | 'lost';
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Seat {
  readonly channel: string;
  readonly kind: SeatOptions['kind'];
  readonly link: MediaLink;
}

export interface SeatInfo {
  readonly channel: string;
  readonly kind: SeatOptions['kind'];
  /** Calls are made and heard there. */
  readonly active: boolean;
  readonly connected: boolean;
}

const HEARD = [
  'status',
  'adopted',
  'stale',
  'lost',
  'stray',
  'session.changed',
  'session.stats',
  'session.dtmf',
  'session.rtpTimeout',
  'session.renegotiate',
  'session.hangup',
  'session.ended',
  'devices.changed',
  'headset.button',
  'engine.health',
  'frozen',
] as const satisfies readonly (keyof MediaLinkEvents)[];

/** How long a thin client may be away before another one that is there takes its place, ms. */
const GRACE_MS = 3000;
/** How long the audio at the former place goes on while a call moves, ms. */
const MOVE_MS = 15_000;

/**
 * The engines that the phone may be heard at, and the one where it is: exactly one at a time, and each
 * is told. The person who opens the desktop at another thin client finds the calls there; the former
 * one lets go. Commands of a session go to the engine that has it, all others to the active one.
 */
export class EngineRoster implements EngineLine {
  readonly #options: EngineRosterOptions;
  readonly #events = new Emitter<MediaLinkEvents>();
  readonly #seats: readonly Seat[];
  readonly #offline = new OfflineHold();
  /** Where sessions are; one that is not here will be opened at the active engine. */
  readonly #homes = new Map<string, Seat>();
  /** Where sessions still are that move. */
  readonly #leaving = new Map<string, { readonly seat: Seat; readonly timer: Timer }>();
  #active: Seat;
  #grace: Timer | undefined;
  #closed = false;

  constructor(options: EngineRosterOptions) {
    this.#options = options;
    const [first, ...others] = options.seats;
    this.#active = this.#seat(first);
    this.#seats = [this.#active, ...others.map((one) => this.#seat(one))];
  }

  get status(): EngineStatus {
    return this.#active.link.status;
  }

  get connected(): boolean {
    return this.#active.link.connected;
  }

  get maxSessions(): number | undefined {
    return this.#active.link.maxSessions;
  }

  get seats(): readonly SeatInfo[] {
    return this.#seats.map((seat) => ({
      channel: seat.channel,
      kind: seat.kind,
      active: seat === this.#active,
      connected: seat.link.connected,
    }));
  }

  /** What kind of place the phone is used at. */
  get kind(): SeatOptions['kind'] {
    return this.#active.kind;
  }

  /** Whether there is a thin client at which the phone is used. */
  get clientPresent(): boolean {
    return this.#active.kind === 'client' && this.connected;
  }

  on<K extends keyof MediaLinkEvents>(name: K, listener: (event: MediaLinkEvents[K]) => void) {
    return this.#events.on(name, listener);
  }

  start(): void {
    for (const { link } of this.#seats) link.start();
  }

  ready(timeoutMs: number): Promise<boolean> {
    return this.#active.link.ready(timeoutMs);
  }

  async settled(timeoutMs: number): Promise<void> {
    await this.#active.link.settled(timeoutMs);
  }

  notConnected() {
    return this.#active.link.notConnected();
  }

  portFor(id: string): MediaPort {
    const connected = () => this.#home(id).link.connected;
    return {
      get connected() {
        return connected();
      },
      call: (method, params, options) => this.call(method, params, options),
    };
  }

  async call<M extends MethodName>(
    method: M,
    params: MethodInput<M>,
    options: { signal?: AbortSignal; timeoutMs?: number; retry?: boolean } = {},
  ): Promise<MethodResult<M>> {
    const id = sessionOf(method, params);
    const seat = id === undefined ? this.#active : this.#home(id);
    if (!seat.link.connected) {
      const answer = this.#offline.answer(method, params as MethodParams<M>);
      if (answer !== undefined) return answer;
    }
    if (method === 'session.open' && id !== undefined) this.#homes.set(id, seat);
    const result = await seat.link.call(method, params, options);
    if (id !== undefined) this.#carriedOut(id, method, params, result);
    return result;
  }

  /** The person wants to use the phone there; false if no engine is connected at that address. */
  use(channel: string): boolean {
    const seat = this.#seats.find((one) => one.channel === channel);
    if (seat?.link.connected !== true) return false;
    this.#activate(seat, 'chosen');
    return true;
  }

  /** Moves these sessions, and whatever comes, to the engine in the guest. False if there is none. */
  fallBack(ids: readonly string[]): boolean {
    const seat = this.#seats.find(({ kind, link }) => kind === 'fallback' && link.connected);
    if (seat === undefined || this.clientPresent) return false;
    this.#setActive(seat, 'no thin client is there');
    for (const id of ids) this.#move(id, seat);
    return true;
  }

  /** The session is held although its engine is away. False if it cannot be. */
  holdOffline(id: string): boolean {
    return !this.#home(id).link.connected && this.#offline.begin(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#grace?.cancel();
    for (const { timer } of this.#leaving.values()) timer.cancel();
    this.#leaving.clear();
    await Promise.all(this.#seats.map(({ link }) => link.close()));
    this.#events.clear();
  }

  #seat({ channel, kind, connect }: SeatOptions): Seat {
    const { leaseMs, journal, clock, logger } = this.#options;
    const desired = () =>
      this.#options.desired().filter(({ id }) => (this.#homes.get(id) ?? this.#active) === seat);
    const link = new MediaLink({
      channel,
      connect,
      leaseMs,
      desired,
      clock,
      logger,
      ...(journal === undefined ? {} : { journal }),
    });
    const seat: Seat = { channel, kind, link };
    for (const name of HEARD) link.on(name, (event) => this.#heard(seat, name, event));
    return seat;
  }

  /** Sessions are heard of wherever they are; devices and the rest only where the phone is used. */
  #heard<K extends keyof MediaLinkEvents>(seat: Seat, name: K, event: MediaLinkEvents[K]): void {
    if (name === 'status') {
      this.#statusChanged(seat, event as EngineStatus);
      return;
    }
    const id = typeof event === 'object' && 'id' in event ? event.id : undefined;
    if (id === undefined ? seat !== this.#active : this.#home(id) !== seat) return;
    if (name === 'stale' || name === 'adopted') this.#offline.end(id ?? '');
    this.#events.emit(name, event);
  }

  #statusChanged(seat: Seat, status: EngineStatus): void {
    const { clock } = this.#options;
    if (status.state === 'connected') {
      if (seat === this.#active) this.#grace?.cancel();
      // What it still has of an earlier time is closed first, in the same turn.
      else if (this.#shouldTakeOver(seat)) queueMicrotask(() => this.#arrived(seat));
      this.#tellUse(seat);
    }
    if (seat !== this.#active) return;
    this.#events.emit('status', status);
    if (status.state !== 'disconnected' || this.#closed) return;
    this.#grace?.cancel();
    this.#grace = clock.after(GRACE_MS, () => {
      const next = this.#seats.find(({ kind, link }) => kind === 'client' && link.connected);
      if (next !== undefined && !this.#active.link.connected) this.#activate(next, 'it is there');
    });
  }

  /** A thin client comes while the phone is nowhere, or in the guest; the first one is waited for. */
  #shouldTakeOver(seat: Seat): boolean {
    return seat.kind === 'client' && !this.clientPresent && this.status.state !== 'connecting';
  }

  #arrived(seat: Seat): void {
    if (this.#closed || !seat.link.connected || !this.#shouldTakeOver(seat)) return;
    this.#activate(seat, 'the person is there now');
  }

  #activate(seat: Seat, why: string): void {
    this.#setActive(seat, why);
    for (const { id } of this.#options.desired()) this.#move(id, seat);
  }

  #setActive(seat: Seat, why: string): void {
    if (seat === this.#active) return;
    const before = this.#active;
    // What is open is where it was, until it moves.
    for (const { id } of this.#options.desired()) {
      if (!this.#homes.has(id)) this.#homes.set(id, before);
    }
    this.#active = seat;
    this.#grace?.cancel();
    this.#options.logger.warn({ from: before.channel, to: seat.channel, why }, 'the phone moves');
    this.#tellUse(before);
    this.#tellUse(seat);
    this.#events.emit('status', seat.link.status);
  }

  #move(id: string, seat: Seat): void {
    const from = this.#home(id);
    if (from === seat) return;
    this.#homes.set(id, seat);
    this.#offline.end(id);
    this.#leaving.get(id)?.timer.cancel();
    const timer = this.#options.clock.after(MOVE_MS, () => this.#leave(id));
    this.#leaving.set(id, { seat: from, timer });
    this.#events.emit('lost', { id });
  }

  /** The session has arrived at its new place: the former one lets go. */
  #leave(id: string): void {
    const leaving = this.#leaving.get(id);
    if (leaving === undefined) return;
    leaving.timer.cancel();
    this.#leaving.delete(id);
    this.#tell(leaving.seat, 'session.close', { id, reason: 'moved' });
  }

  #carriedOut<M extends MethodName>(
    id: string,
    method: M,
    params: MethodInput<M>,
    result: MethodResult<M>,
  ): void {
    if (method === 'session.close') {
      this.#leave(id);
      this.#homes.delete(id);
      this.#offline.forget(id);
      return;
    }
    if (method !== 'session.open' && method !== 'session.update') return;
    this.#offline.learn(result as MethodResult<'session.update'>);
    const { step } = params as MethodInput<'session.update'>;
    if (step.type === 'answer' || step.type === 'accept') this.#leave(id);
  }

  #tellUse(seat: Seat): void {
    this.#tell(seat, 'guest.use', { active: seat === this.#active });
  }

  /** What an engine that is away, or older than the method, need not know. */
  #tell<M extends MethodName>(seat: Seat, method: M, params: MethodInput<M>): void {
    if (!seat.link.connected) return;
    seat.link.call(method, params).catch((error: unknown) => {
      this.#options.logger.debug({ channel: seat.channel, method, err: error }, 'not told');
    });
  }

  #home(id: string): Seat {
    return this.#homes.get(id) ?? this.#active;
  }
}

/** The session that a command is about. */
function sessionOf<M extends MethodName>(method: M, params: MethodInput<M>): string | undefined {
  if (method.startsWith('session.')) return (params as { id: string }).id;
  if (method.startsWith('will.')) return (params as { session: string }).session;
  return undefined;
}
