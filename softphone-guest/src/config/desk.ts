import { z } from 'zod';

const dialled = z
  .string()
  .regex(/^[0-9A-Za-z*#+._-]{1,64}$/, 'must be 1 to 64 of letters, digits and * # + . _ -');

/** `[desk]`. */
export const desk = z
  .object({
    url: z
      .url({ protocol: /^(?:https?|wss?)$/ })
      .describe('Where the CTI bridge (`offhook-cti`) is: `https://cti.example.com`'),
    token_file: z
      .string()
      .min(1)
      .describe(
        'File whose first line is the token for it; read at every connect, so that a new one counts at once',
      ),
    device: z
      .string()
      .regex(/^[\x21-\x7e]{1,160}$/, 'must be printable without spaces')
      .describe('The desk phone, as the bridge names it (`offhook-cti devices`)'),
    number: dialled
      .optional()
      .describe(
        'What is dialled to reach it, to move calls there; as the bridge says, else `device`, if absent',
      ),
    soft_number: dialled
      .optional()
      .describe(
        'What it dials to reach the softphone, to move calls back; the user part of `account` if absent',
      ),
    account: z
      .string()
      .max(512)
      .optional()
      .describe('The line by which calls move; the one that dials if absent'),
    answer: z
      .boolean()
      .default(true)
      .describe(
        'Whether the desk phone takes a call by itself that the person moves there, where it can',
      ),
    ca: z.string().optional().describe('File of PEM certificates to trust; the system’s if absent'),
  })
  .describe('The hardware phone on the desk, worked through the CTI bridge');
