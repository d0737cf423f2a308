import { z } from 'zod';

/** `away` of an account. */
export const away = z
  .object({
    policy: z
      .enum(['keep', 'hold', 'fallback', 'desk', 'handover'])
      .default('keep')
      .describe(
        '`keep`: nothing; the thin client plays on under its lease. `hold`: the peer is put on hold until a thin client is there. `fallback`: the engine in the guest takes the call (`engine.fallback`). `desk`: the call is handed on to the desk phone (`[desk]`), which rings. `handover`: `command` is run',
      ),
    after: z
      .int()
      .min(0)
      .max(86_400)
      .default(10)
      .describe('Seconds without a thin client until that is done'),
    limit: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe(
        'Seconds without a thin client after which the call is ended; 0 for no limit but the lease. A call that is not held ends 3 s before the lease does',
      ),
    command: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Shell command that hands the call over; it finds OFFHOOK_CALL, OFFHOOK_SIP_CALL_ID, OFFHOOK_ACCOUNT and OFFHOOK_REMOTE in its environment',
      ),
  })
  .refine((value) => value.policy !== 'handover' || value.command !== undefined, {
    message: 'handover needs a command',
    path: ['command'],
  })
  .prefault({})
  .describe('What becomes of calls when no thin client is there');
