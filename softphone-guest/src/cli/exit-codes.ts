import { OffhookError } from '@offhook/common/errors';

/** Exit codes of all Offhook commands. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notReachable: 3,
  noSuch: 4,
  timeout: 5,
} as const;

const NO_SUCH = new Set(['unknown-call', 'no-such-device']);
const USAGE = new Set(['ambiguous', 'bad-target', 'unknown-account', 'invalid-params']);
const NOT_REACHABLE = new Set(['not-reachable', 'closed', 'permission-denied', 'path-too-long']);

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OffhookError)) return exitCode.failed;
  if (error.layer === 'config') return exitCode.usage;
  if (error.code === 'timeout') return exitCode.timeout;
  if (NO_SUCH.has(error.code)) return exitCode.noSuch;
  if (USAGE.has(error.code)) return exitCode.usage;
  if (error.layer === 'control' && NOT_REACHABLE.has(error.code)) return exitCode.notReachable;
  return exitCode.failed;
}
