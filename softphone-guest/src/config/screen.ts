import { z } from 'zod';

/** `[screen]`. */
export const screen = z
  .object({
    bell: z.boolean().default(true).describe('Whether the terminal rings its bell for a call'),
    title: z
      .boolean()
      .default(true)
      .describe('Whether the title of the terminal names who calls or talks; put back at the end'),
  })
  .prefault({})
  .describe('How the phone on the terminal draws attention to calls');
