/** RFC 5626 §4.5: seconds; doubled for each failure, of which half to all is waited. */
const BASE = 4;
const MAX = 1800;

/** Milliseconds until the next try after so many failures in a row; at least what the peer asks. */
export function backoffMs(failures: number, random: number, retryAfter = 0): number {
  const upper = Math.min(MAX, BASE * 2 ** Math.min(failures, 20));
  return Math.round(Math.max(retryAfter, upper * (0.5 + random / 2)) * 1000);
}

/** Milliseconds until a refresh: between half and three quarters of the time, spread over phones. */
export function refreshMs(seconds: number, random: number): number {
  return Math.max(1, seconds) * 1000 * (0.5 + random / 4);
}

/** Answers to a first request after which trying again would not help. */
const PERMANENT = new Set([
  401, 403, 404, 405, 407, 410, 414, 415, 416, 420, 485, 489, 501, 603, 604, 606,
]);

export function isPermanent(status: number): boolean {
  return PERMANENT.has(status);
}
