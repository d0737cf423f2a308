import { z } from 'zod';
import { isCountry } from '../people/phone-number.ts';

const digits = z.string().regex(/^[0-9*#]{1,16}$/, 'must be digits, * or #');
const name = z.string().min(1).max(64).optional();

const pattern = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => compiles(text), 'must be a regular expression')
  .describe(
    'Regular expression for the whole number, without spaces and the like, as it was dialled or in E.164',
  );

const rule = z
  .object({
    name: name.describe('What errors and previews call it'),
    pattern,
    replacement: z
      .string()
      .max(256)
      .optional()
      .describe('What is dialled instead, as it is: `$1` is the first group; the number if absent'),
    account: z.string().optional().describe('`aor` of the account that dials it'),
  })
  .describe('What becomes of some numbers; the first rule that fits counts');

const block = z
  .object({
    name: name.describe('What errors call it'),
    pattern,
    reason: z.string().min(1).max(200).default('not allowed').describe('What the person is told'),
  })
  .describe('Numbers that are not dialled; emergency numbers are, whatever stands here');

/** `[dial]`. */
export const dial = z
  .object({
    domain: z
      .string()
      .regex(/^[A-Za-z0-9.-]+$|^\[[0-9A-Fa-f:.]+\]$/, 'must be a host name or address')
      .optional()
      .describe('Completes a dialled name or number without `@`; the account’s domain if absent'),
    account: z
      .string()
      .optional()
      .describe('The account that dials if none is named; the first if absent'),
    country: z
      .string()
      .refine((code) => isCountry(code), 'must be a two-letter country code')
      .optional()
      .describe('Where numbers are dialled as at home, ISO 3166-1; contacts are known by it'),
    area: z
      .string()
      .regex(/^\d{1,6}$/, 'must be digits')
      .optional()
      .describe('Area code without its `trunk` prefix, for numbers that are dialled without one'),
    trunk: digits.default('0').describe('What goes before an area code'),
    international: digits
      .optional()
      .describe('What goes before a country code; that of `country` if absent'),
    extension_digits: z
      .int()
      .min(0)
      .max(15)
      .default(6)
      .describe('Numbers with no more digits are extensions: they are dialled as they are'),
    format: z
      .enum(['dialled', 'e164', 'national'])
      .default('dialled')
      .describe(
        'How numbers of the public network go out: as they were dialled, as `+493012345`, or as they are dialled in `country`',
      ),
    outside: digits
      .optional()
      .describe('What gets an outside line: goes before numbers of the public network'),
    rule: z.array(rule).max(1000).default([]).describe('Rewrites numbers'),
    block: z.array(block).max(1000).default([]).describe('Refuses numbers'),
  })
  .refine((value) => value.outside === undefined || value.format !== 'e164', {
    path: ['outside'],
    message: 'goes with format "dialled" or "national" only',
  })
  .refine((value) => value.format === 'dialled' || value.country !== undefined, {
    path: ['format'],
    message: 'needs country',
  })
  .prefault({})
  .describe('What is dialled');

function compiles(text: string): boolean {
  try {
    return new RegExp(`^(?:${text})$`, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
