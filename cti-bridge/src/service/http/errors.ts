import { OffhookError } from '@offhook/common';
import { z } from 'zod';

/** An error as REST and the event stream have it: a problem document (RFC 9457) with our code. */
export const problem = z.object({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable, for programs'),
  remedy: z.string().optional(),
});
export type Problem = z.output<typeof problem>;

const STATUS: Readonly<Record<string, number>> = {
  'invalid-params': 400,
  'bad-value': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'no-such-device': 404,
  'no-such-call': 404,
  'no-such-connection': 404,
  'method-not-allowed': 405,
  'invalid-state': 409,
  'out-of-service': 409,
  'too-large': 413,
  'not-supported': 422,
  'rate-limited': 429,
  'pbx-refused': 502,
  overloaded: 503,
  'pbx-gone': 503,
  'site-gone': 503,
  closed: 503,
  timeout: 504,
};

/** What a caller is told; of what nobody foresaw, nothing but that. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof OffhookError)) {
    const title = 'something went wrong in the bridge; its log has more';
    return { type: 'about:blank', title, status: 500, code: 'unexpected' };
  }
  return {
    type: 'about:blank',
    title: error.message,
    status: STATUS[error.code] ?? 500,
    code: error.code,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
  };
}
