import { OffhookError } from '@offhook/common';

/** Exit codes, the same for every Offhook command. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notReachable: 3,
  noSuch: 4,
  timeout: 5,
} as const;

const codesOf: Readonly<Record<string, number>> = {
  'unknown-call': exitCode.noSuch,
  'no-such-device': exitCode.noSuch,
  ambiguous: exitCode.usage,
  'invalid-params': exitCode.usage,
  timeout: exitCode.timeout,
};

/** Failures to get at the daemon's control socket at all. */
const unreachable = ['not-reachable', 'closed', 'permission-denied', 'path-too-long', 'starting'];

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OffhookError)) return exitCode.failed;
  if (error.layer === 'config') return exitCode.usage;
  if (error.layer === 'control' && unreachable.includes(error.code)) return exitCode.notReachable;
  return codesOf[error.code] ?? exitCode.failed;
}
