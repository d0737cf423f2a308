import { z } from 'zod';

/** `[[watch]]`. */
export const watch = z
  .array(
    z.object({
      target: z.string().min(1).max(256).describe('Number, name or SIP URI'),
      name: z.string().max(64).optional().describe('What the lamp is called'),
      event: z
        .enum(['dialog', 'presence'])
        .default('dialog')
        .describe('`dialog`: the phone’s calls (RFC 4235); `presence`: the person (RFC 3856)'),
      account: z
        .string()
        .max(512)
        .optional()
        .describe('The line that watches; the first if absent'),
    }),
  )
  .max(500)
  .default([])
  .describe('Phones and persons that have a lamp');
