import { describeError, type Clock, type Logger, type Timer } from '@offhook/common';
import { expectsAudio } from '../guest-engine.ts';
import type { LegStats } from '../media-plane.ts';
import type { LiveSession } from './live-session.ts';
import type { Sessions } from './sessions.ts';

const WATCH_MS = 1000;

export interface LegWatchParts {
  readonly sessions: Sessions;
  /** `[rtp] timeout`. */
  readonly timeoutMs: number;
  readonly workerUp: () => boolean;
  /** Whether that guest is there. */
  readonly connected: (instance: string) => boolean;
  /** What the worker has counted; undefined while it cannot be asked. */
  readonly leg: (session: LiveSession) => Promise<LegStats | undefined>;
  /** The peer has fallen silent. */
  readonly silent: (session: LiveSession, silentMs: number) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks once a second whether peers have fallen silent, legs that failed can be made, and addresses are
 * still those of this machine.
 */
export class LegWatch {
  readonly #parts: LegWatchParts;
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: LegWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.after(WATCH_MS, () => void this.#look());
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { sessions, workerUp, logger } = this.#parts;
    try {
      await sessions.leaveLostAddresses();
      const all = sessions.table.all;
      // A leg that could not be made is tried again; with the worker away that would be in vain.
      if (workerUp() && all.some((session) => session.recovering)) sessions.settle();
      for (const session of all) await this.#lookAt(session);
    } catch (error) {
      logger.warn({ reason: describeError(error) }, 'silence could not be looked for');
    } finally {
      this.start();
    }
  }

  async #lookAt(session: LiveSession): Promise<void> {
    const { clock, timeoutMs, silent } = this.#parts;
    const expected = expectsAudio(session);
    const leg = expected ? await this.#parts.leg(session) : undefined;
    if (expected && leg === undefined) return;
    const silentMs = session.silence.check({
      now: clock.wall(),
      expected,
      lastPacketAt: leg?.rx.lastPacketAt,
      timeoutMs,
    });
    this.#lookForDeserted(session);
    if (silentMs !== undefined) silent(session, silentMs);
  }

  /**
   * A guest that is away and a peer that has fallen silent: the call was most likely moved to another
   * thin client. The microphone here must not go on speaking into it; heard again, it is sent again.
   */
  #lookForDeserted(session: LiveSession): void {
    const { connected, sessions, logger } = this.#parts;
    const deserted = session.silence.silent && !connected(session.guest.instance);
    if (deserted === session.deserted) return;
    session.deserted = deserted;
    logger.warn({ session: session.id, deserted }, 'neither guest nor peer');
    sessions.settle();
  }
}
