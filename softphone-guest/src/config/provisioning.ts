import { z } from 'zod';

/** `[provisioning]`. */
export const provisioning = z
  .object({
    url: z
      .string()
      .max(2048)
      .regex(/^https:\/\/\S+$/, 'must be an https: URL')
      .optional()
      .describe('Where the rest of the configuration comes from, TOML or JSON; keys here win'),
    ca: z
      .string()
      .optional()
      .describe('File of PEM certificates to trust for it; the system’s if absent'),
    refresh: z
      .int()
      .min(60)
      .max(2_592_000)
      .default(3600)
      .describe('Seconds after which it is asked for again'),
    commands: z
      .boolean()
      .default(false)
      .describe('Whether it may name commands to run: hooks, `password_command`, `away.command`'),
  })
  .prefault({})
  .describe('Configuration from a server');
