/** What the guest is to be told: the peer is silent since so many milliseconds, or back (0). */
export type SilenceReport = number | undefined;

/**
 * Notices that nothing comes from the peer any more (RTP timeout). Times are milliseconds since the
 * epoch. A stream that is not expected, on hold for one, is never silent.
 */
export class SilenceWatch {
  #expectedSince: number | undefined;
  #reported = false;

  /** @param lastPacketAt When the last packet came, if ever one did. */
  check(options: {
    now: number;
    expected: boolean;
    lastPacketAt: number | undefined;
    timeoutMs: number;
  }): SilenceReport {
    const { now, expected, lastPacketAt, timeoutMs } = options;
    if (!expected) {
      this.#expectedSince = undefined;
      return this.#report(false, 0);
    }
    this.#expectedSince ??= now;
    const silentMs = now - Math.max(this.#expectedSince, lastPacketAt ?? 0);
    if (silentMs >= timeoutMs) return this.#report(true, silentMs);
    const heard = lastPacketAt !== undefined && lastPacketAt >= this.#expectedSince;
    return heard ? this.#report(false, 0) : undefined;
  }

  /** The peer was reported as silent, and not as back. */
  get silent(): boolean {
    return this.#reported;
  }

  #report(silent: boolean, silentMs: number): SilenceReport {
    if (silent === this.#reported) return undefined;
    this.#reported = silent;
    return silentMs;
  }
}
