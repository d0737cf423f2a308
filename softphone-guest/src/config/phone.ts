import { z } from 'zod';
import { hookEvents } from '../hooks/hook-events.ts';

const countryCode = z.string().regex(/^[A-Za-z]{2}$/, 'must be a two-letter country code');

/** `[calls]`. */
export const calls = z
  .object({
    one_active: z
      .boolean()
      .default(true)
      .describe('Whether taking, resuming or dialling a call puts the others on hold'),
    waiting: z
      .boolean()
      .default(true)
      .describe('Whether a call that comes while another one is up knocks; else it is busy'),
    max: z.int().min(1).max(1000).default(1000).describe('More calls at once are refused as busy'),
    history: z.int().min(0).max(10_000).default(200).describe('Ended calls that are remembered'),
    statistics: z
      .int()
      .min(0)
      .max(10_000)
      .default(200)
      .describe('Ended calls of which a statistics file is kept, for 90 days; 0 writes none'),
    country: countryCode
      .optional()
      .describe('Tone plan, ISO 3166-1; the thin client’s own if absent'),
  })
  .prefault({})
  .describe('Calls');

const featureCode = z
  .string()
  .min(1)
  .max(64)
  .regex(/^(?:[0-9A-Za-z*#+]|\{extension\})+$/, 'must be digits, * and #, with {extension}');

/** `[codes]`. */
export const codes = z
  .object({
    pickup: featureCode
      .optional()
      .describe('Takes a call that rings at another phone: `*8{extension}`'),
    group_pickup: featureCode.optional().describe('Takes a call that rings in the group: `*8`'),
    park: featureCode.optional().describe('Where calls are handed on to be parked: `700`'),
    retrieve: featureCode.optional().describe('Takes a parked call: `{extension}` is its slot'),
  })
  .prefault({})
  .describe('Feature codes of the PBX');

/** `[[hook]]`. */
export const hook = z
  .object({
    event: z.enum(hookEvents).describe('When it is run'),
    command: z
      .array(z.string().max(4096))
      .min(1)
      .max(64)
      .describe(
        'Program and arguments, without a shell; the event comes as JSON on standard input',
      ),
    timeout: z.number().min(0.1).max(600).default(10).describe('Seconds; then it is ended'),
  })
  .describe('A command that is run when something happens');

/** `[log]`. */
export const log = z
  .object({
    level: z
      .enum(['error', 'warn', 'info', 'debug', 'silent'])
      .default('info')
      .describe('error, warn, info (one line a call), debug, silent'),
    sip_trace: z
      .boolean()
      .default(false)
      .describe('Whether SIP messages are logged at debug, secrets masked'),
  })
  .prefault({})
  .describe('The log on standard error');
