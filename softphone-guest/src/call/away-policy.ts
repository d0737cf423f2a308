import type { AccountConfig } from '../config.ts';

/** What is known of a call while no thin client is there. All times in ms. */
export interface AwayFacts {
  readonly rule: AccountConfig['away'];
  /** How long no thin client has been there. */
  readonly awayMs: number;
  /** What the thin client grants; infinite if none ever was there. */
  readonly leaseMs: number;
  /** What the policy says has been done. */
  readonly acted: boolean;
  /** The engine in the guest has the call: somebody can speak. */
  readonly fallenBack: boolean;
}

export type AwayStep = 'wait' | 'act' | 'end';

/** A living guest ends its call before the thin client's lease does, ms. */
const MARGIN_MS = 3000;

/** What is due for one call. Pure. */
export function awayStep({ rule, awayMs, leaseMs, acted, fallenBack }: AwayFacts): AwayStep {
  if (fallenBack) return 'wait';
  const limit = rule.limit === 0 ? Infinity : rule.limit * 1000;
  // A call on hold hears nothing of the thin client any more, whose will the peer would refuse.
  const audio = acted && rule.policy === 'hold' ? Infinity : Math.max(0, leaseMs - MARGIN_MS);
  if (awayMs >= Math.min(limit, audio)) return 'end';
  if (rule.policy !== 'keep' && !acted && awayMs >= rule.after * 1000) return 'act';
  return 'wait';
}
