import type { CallSession } from './call-session.ts';
import { userOf } from './dial-target.ts';

/** A call that is about to come because we asked for it. */
export interface ExpectedCall {
  readonly arrived: Promise<CallSession>;
  /** It is waited for no longer. Idempotent. */
  cancel(): void;
}

/** Calls that do not ring: whoever asked for them takes them. */
export class ExpectedCalls {
  readonly #waiting = new Set<{
    fits: (user: string) => boolean;
    take: (s: CallSession) => void;
  }>();

  /** The next call from one of these numbers. */
  from(numbers: readonly string[]): ExpectedCall {
    const { promise, resolve } = Promise.withResolvers<CallSession>();
    const entry = { fits: (user: string) => numbers.includes(user), take: resolve };
    this.#waiting.add(entry);
    return { arrived: promise, cancel: () => void this.#waiting.delete(entry) };
  }

  /** True for a call that somebody waits for. */
  take(session: CallSession): boolean {
    const user = userOf(session.call.remote.uri);
    for (const entry of this.#waiting) {
      if (!entry.fits(user)) continue;
      this.#waiting.delete(entry);
      entry.take(session);
      return true;
    }
    return false;
  }
}
