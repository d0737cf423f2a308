import { z } from 'zod';
import { callStatistics } from '../statistics/schema.ts';
import { callId } from './call-id.ts';
import { callInfo, tracedMessage } from './schemas.ts';

/** Rows of the method table about what was: history, messages and figures of calls. */
export const supportMethods = {
  'history.list': {
    summary: 'Calls that are over, newest first',
    params: z.object({
      limit: z.int().min(1).max(10_000).default(50).describe('At most so many of those that fit'),
      query: z
        .string()
        .max(256)
        .default('')
        .describe('Words that name, number, address or line must all have'),
      missed: z.boolean().default(false).describe('Only those that came in and nobody took'),
      since: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('Only those that began then or later'),
    }),
    result: z.object({ calls: z.array(callInfo) }),
  },
  'trace.get': {
    summary: 'SIP messages of a call, also of one that is over, or with `all` of everything',
    params: z.object({
      call: callId.optional(),
      all: z.boolean().default(false).describe('Also what belongs to no call, e.g. REGISTER'),
      after: z.int().min(0).default(0).describe('Messages to leave out at the beginning'),
      wait: z
        .int()
        .min(0)
        .max(60_000)
        .default(0)
        .describe('Milliseconds to wait for a message when there is none to tell'),
    }),
    result: z.object({
      call: callInfo.nullable().describe('Null with `all`'),
      messages: z.array(tracedMessage).describe('Oldest first'),
      next: z.int().describe('`after` of the next request'),
      dropped: z.int().describe('Messages that were let go to bound the memory'),
    }),
  },
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
