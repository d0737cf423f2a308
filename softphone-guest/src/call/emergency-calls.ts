import {
  describeError,
  Emitter,
  isOffhookError,
  OffhookError,
  type Clock,
  type Logger,
} from '@offhook/common';
import type { GuestConfig } from '../config.ts';
import type { Journal } from '../journal/journal.ts';
import { geolocation, type GeolocationParts } from '../people/geolocation.ts';
import type { KnownLocation } from '../people/location.ts';
import type { CallManager, Line } from './call-manager.ts';
import type { CallSession } from './call-session.ts';
import type { DialPlan } from './dial-plan.ts';
import { lineOf } from './dialler.ts';
import { leastImportant } from './least-important.ts';
import { isOver, type Call } from './model.ts';

export interface EmergencyCallsParts {
  readonly config: GuestConfig['emergency'];
  readonly manager: CallManager;
  readonly plan: DialPlan;
  readonly lines: readonly Line[];
  /** Of the thin client where the person is. */
  readonly location: () => KnownLocation;
  /** Undefined: the time in which help may call back does not outlive this process. */
  readonly journal: Pick<Journal, 'meta' | 'setMeta'> | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** How long a call that has to give way may take to end. */
const ROOM_MS = 2000;
const META = 'emergency-callback-until';
/** Refusals that may be meant for the location and not for the call (RFC 6442 §4.3, RFC 5621). */
const NOT_SO = new Set([400, 415, 420, 424, 500]);

interface Attempt {
  readonly number: string;
  readonly lines: readonly Line[];
  readonly located: boolean;
}

/**
 * Calls for help: past number rules and limits, with the location of the thin client (RFC 6442). Other
 * calls give way. An attempt that comes to nothing is followed by one without the location, where that
 * may have been the reason, and by the other lines. Afterwards calls ring, whatever is set.
 */
export class EmergencyCalls {
  /** A call for help was begun: screens show where help will be sent. */
  readonly events = new Emitter<{
    begun: { readonly call: string; readonly warning: string | undefined };
  }>();
  readonly #parts: EmergencyCallsParts;
  readonly #running = new Map<string, Attempt>();
  #until: number;

  constructor(parts: EmergencyCallsParts) {
    this.#parts = parts;
    const kept = Number(parts.journal?.meta(META) ?? 0);
    this.#until = Number.isFinite(kept) ? kept : 0;
    parts.manager.events.on('ended', ({ call }) => this.#ended(call));
  }

  /** Whether a call has to ring although the person wants no calls: it may be the call back. */
  get mustRing(): boolean {
    return this.#running.size > 0 || this.#parts.clock.wall() < this.#until;
  }

  /** In the order in which they are tried. */
  lines(account?: string): readonly Line[] {
    const { lines, config } = this.#parts;
    const wanted = account ?? config.account;
    const first = wanted === undefined ? [] : [lineOf(lines, wanted)];
    const ready = lines.filter(({ account: one }) => one.registration.state === 'registered');
    return [...new Set([...first, ...ready, ...lines])];
  }

  /** @throws OffhookError when no call can be placed at all. */
  async call(number: string, account?: string): Promise<CallSession> {
    await this.#makeRoom();
    return this.#try({ number, lines: this.lines(account), located: true });
  }

  #try(attempt: Attempt): CallSession {
    const { manager, plan, location, logger, config } = this.#parts;
    const [line] = attempt.lines;
    if (line === undefined)
      throw new OffhookError('call', 'unknown-account', 'there is no account');
    const { aor } = line.config;
    const { warning } = location();
    const geo = attempt.located ? this.#geolocation(aor) : undefined;
    const priority = config.resource_priority;
    try {
      const session = manager.place(line, plan.uriOf(plan.decide(attempt.number), aor), {
        urgent: true,
        headers: [
          'Priority: emergency',
          ...(priority === undefined ? [] : [`Resource-Priority: ${priority}`]),
          ...(geo?.headers ?? []),
        ],
        ...(geo !== undefined && { parts: geo.parts }),
      });
      this.#running.set(session.id, attempt);
      this.#extend();
      logger.warn(
        { call: session.id, account: aor, location: warning ?? 'sent' },
        'emergency call',
      );
      this.events.emit('begun', { call: session.id, warning });
      return session;
    } catch (error) {
      const known = isOffhookError(error) ? error : undefined;
      throw new OffhookError(
        known?.layer ?? 'call',
        known?.code ?? 'failed',
        known?.message ?? describeError(error),
        { cause: error, remedy: 'USE ANOTHER TELEPHONE for the emergency call' },
      );
    }
  }

  #geolocation(aor: string): GeolocationParts | undefined {
    const { location, clock, random } = this.#parts;
    const { location: known } = location();
    return known === undefined
      ? undefined
      : geolocation(known, { aor, wall: clock.wall(), random });
  }

  #ended({ id, end, answeredAt }: Call): void {
    const attempt = this.#running.get(id);
    if (attempt === undefined) return;
    this.#running.delete(id);
    this.#extend();
    if (end === undefined || end.by === 'local' || answeredAt !== undefined) return;
    const { lines, located } = attempt;
    const again = located && NOT_SO.has(end.status);
    const next = again
      ? { ...attempt, located: false }
      : { ...attempt, lines: lines.slice(1), located: true };
    if (next.lines.length === 0) return;
    try {
      this.#try(next);
    } catch (error) {
      this.#parts.logger.error({ reason: describeError(error) }, 'emergency call not placed');
    }
  }

  #extend(): void {
    const { clock, config, journal } = this.#parts;
    this.#until = clock.wall() + config.callback * 1000;
    journal?.setMeta(META, String(this.#until));
  }

  /** Where there is no room for another call, the least important one is ended. */
  async #makeRoom(): Promise<void> {
    const { manager, clock, logger } = this.#parts;
    const calls = manager.list();
    if (calls.length < manager.limit) return;
    const victim = leastImportant(calls.map(({ call }) => call).filter((call) => !isOver(call)));
    if (victim === undefined) return;
    logger.warn({ call: victim.id }, 'ended to make room for an emergency call');
    const session = manager.get(victim.id);
    const late = Promise.withResolvers<void>();
    const timer = clock.after(ROOM_MS, () => late.resolve());
    session.hangup().catch((error: unknown) => {
      logger.warn({ call: victim.id, reason: describeError(error) }, 'hang-up failed');
    });
    await Promise.race([session.finished, late.promise]);
    timer.cancel();
  }
}
