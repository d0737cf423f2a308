import { OffhookError } from '@offhook/common';

/** The lease is over: whatever was said under it was not taken. */
export function fenced(pbx: string): OffhookError {
  return new OffhookError('cti', 'fenced', `another bridge has ${pbx} by now`);
}

/** What bridges share cannot be reached. */
export function siteGone(reason: string, cause?: unknown): OffhookError {
  return new OffhookError('cti', 'site-gone', `the site cannot be reached: ${reason}`, {
    remedy: 'see that the Redis of [site] runs and can be reached',
    cause,
  });
}
