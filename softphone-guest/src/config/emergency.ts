import { z } from 'zod';

/** `[emergency]`. */
export const emergency = z
  .object({
    numbers: z
      .array(z.string().regex(/^\d{2,8}$/, 'must be 2 to 8 digits'))
      .max(50)
      .optional()
      .describe(
        'Numbers that are dialled past every rule, with the location of the thin client; those of `dial.country` if absent',
      ),
    account: z
      .string()
      .optional()
      .describe('`aor` of the account that dials them; one that is registered if absent'),
    target: z
      .enum(['number', 'urn'])
      .default('number')
      .describe('What the PBX is asked for: the number, or `urn:service:sos` (RFC 5031)'),
    resource_priority: z
      .string()
      .regex(/^[A-Za-z0-9-]+\.[A-Za-z0-9-]+$/, 'must look like esnet.1')
      .optional()
      .describe('Resource-Priority of such a call (RFC 4412): `esnet.1` (RFC 7135)'),
    callback: z
      .int()
      .min(0)
      .max(86_400)
      .default(1800)
      .describe(
        'Seconds after such a call in which calls ring whatever is set, so that help can call back',
      ),
    warn: z
      .boolean()
      .default(false)
      .describe(
        'Whether the screen warns all the time while the location is unknown; when such a number is called it always does',
      ),
  })
  .prefault({})
  .describe('Emergency calls');
