import { param, parseParams } from '../message/lexer.ts';

/** A Subscription-State header (RFC 6665 §8.2.3); times in seconds. */
export interface SubscriptionStateHeader {
  readonly state: 'pending' | 'active' | 'terminated';
  readonly expires: number | undefined;
  readonly reason: string | undefined;
  readonly retryAfter: number | undefined;
}

/** Undefined when the header is missing or empty. A state that is not known counts as active. */
export function parseSubscriptionState(
  value: string | undefined,
): SubscriptionStateHeader | undefined {
  const [name = '', ...rest] = (value ?? '').split(';');
  const state = name.trim().toLowerCase();
  if (state === '') return undefined;
  const params = parseParams(rest.join(';'));
  return {
    state: state === 'pending' || state === 'terminated' ? state : 'active',
    expires: seconds(param(params, 'expires')),
    reason: param(params, 'reason')?.toLowerCase(),
    retryAfter: seconds(param(params, 'retry-after')),
  };
}

function seconds(value: string | undefined): number | undefined {
  return /^\d{1,9}$/.test(value ?? '') ? Number(value) : undefined;
}
