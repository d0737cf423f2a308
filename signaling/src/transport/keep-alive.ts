import type { Clock } from '@offhook/common';

export const UDP_KEEP_ALIVE_MS = 25_000;
export const STREAM_KEEP_ALIVE_MS = 30_000;
/** RFC 5626 §3.5.1. */
export const PING = Buffer.from('\r\n\r\n');

/**
 * Calls `act` every `intervalMs`, each time between 80 and 100 % of it (RFC 5626 §4.4.1), until
 * the returned function is called.
 */
export function atIntervals(
  options: { clock: Clock; intervalMs: number; fraction: () => number },
  act: () => void,
): () => void {
  const { clock, intervalMs, fraction } = options;
  const next = (): number => intervalMs * (0.8 + 0.2 * fraction());
  const fire = (): void => {
    // Armed first, so that `act` may stop it.
    timer = clock.after(next(), fire);
    act();
  };
  let timer = clock.after(next(), fire);
  return () => timer.cancel();
}
