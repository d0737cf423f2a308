import { z } from 'zod';
import { callStatistics } from '../statistics/schema.ts';

/** Rows of the method table for support staff. */
export const supportMethods = {
  'stats.get': {
    summary:
      'Figures of a call as in RTCP XR (RFC 3611 §4.7), also of one that is over as long as its file is kept',
    params: z.object({
      call: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .describe('Id, or its first letters; the only call that is up, else the last one'),
    }),
    result: callStatistics,
  },
} as const;
