import { z } from 'zod';

/** Names a call in the parameters of methods. */
export const callId = z
  .string()
  .min(1)
  .max(64)
  .describe('Id, or its first letters; may be left out when only one call can be meant');
