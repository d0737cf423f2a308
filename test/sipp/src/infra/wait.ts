/** A wait that ended without what it waited for; the message tells what was there instead. */
export class WaitError extends Error {
  override readonly name = 'WaitError';
}

export interface WaitOptions {
  /** Milliseconds until it gives up. */
  readonly within: number;
  /** Milliseconds between looks; for conditions that nothing announces. */
  readonly every?: number;
  readonly signal?: AbortSignal | undefined;
  /** The present state, for the message of the failure. */
  readonly seen?: () => string;
}

/** Looks again and again until `look` gives something other than undefined or false. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.within;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= deadline) {
      const seen = options.seen === undefined ? '' : `; ${options.seen()}`;
      throw new WaitError(`waited ${options.within} ms in vain for ${what}${seen}`);
    }
    await pause(options.every ?? 25, options.signal);
  }
}

/** Rejects with a WaitError when `promise` has not settled in time. */
export async function within<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new WaitError(`waited ${ms} ms in vain for ${what}`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The interval of a poll, or a peer's scripted thinking time; never a substitute for an event. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', stop, { once: true });
    function done(): void {
      signal?.removeEventListener('abort', stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('stopped'));
    }
  });
}
