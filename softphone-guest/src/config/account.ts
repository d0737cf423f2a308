import { codecName, srtpPolicy } from '@offhook/media-rpc';
import { z } from 'zod';
import { away } from './away.ts';
import { sipUri } from './sip.ts';

const autoAnswer = z
  .union([
    z.boolean(),
    z
      .string()
      .regex(/^\d{1,3}s$/, 'must be true, false or seconds such as "2s"')
      .transform((text) => Number(text.slice(0, -1)) * 1000),
  ])
  .transform((value): number | undefined =>
    typeof value === 'number' ? value : value ? 0 : undefined,
  );

const forwardTarget = z.string().min(1).max(256);

const forward = z.object({
  always: forwardTarget.optional().describe('Every call, without ringing'),
  busy: forwardTarget
    .optional()
    .describe('While the person talks or does not want to be disturbed'),
  no_answer: forwardTarget.optional().describe('When nobody takes it'),
  after: z.int().min(1).max(300).default(20).describe('Seconds of ringing until then'),
});

/** `[[account]]`. */
export const account = z
  .object({
    aor: sipUri.describe('Address of record, `sip:alice@example.com`'),
    display_name: z.string().max(128).optional().describe('The name that called people see'),
    registrar: z
      .union([sipUri, z.array(sipUri).min(1)])
      .transform((value) => (typeof value === 'string' ? [value] : value))
      .optional()
      .describe(
        'Where to register: a URI, or several tried in order; the domain of `aor` if absent',
      ),
    register: z.boolean().default(true).describe('Whether to register at start'),
    username: z
      .string()
      .max(256)
      .optional()
      .describe('Name for digest authentication; the user part of `aor` if absent'),
    password: z
      .string()
      .max(1024)
      .optional()
      .describe('Password in the clear; rather use one of the next'),
    password_command: z
      .string()
      .max(4096)
      .optional()
      .describe('Shell command whose first line of output is the password'),
    password_file: z.string().optional().describe('File whose first line is the password'),
    realm: z.string().max(256).optional().describe('Answer challenges of this realm only'),
    expires: z
      .int()
      .min(30)
      .max(86_400)
      .default(300)
      .describe('Seconds that a registration is asked to last'),
    outbound_proxy: sipUri.optional().describe('Instead of the one in `[sip]`'),
    auto_answer: autoAnswer
      .prefault(false)
      .describe(
        'Whether calls are taken by themselves: false, true, or after a while, `"2s"`. Such a call holds no other',
      ),
    codecs: z
      .array(codecName)
      .min(1)
      .optional()
      .describe('Codecs in order of preference: opus, G722, PCMA, PCMU'),
    srtp: srtpPolicy.default('off').describe('off, optional or required (SDES, RFC 4568)'),
    comfort_noise: z
      .boolean()
      .default(false)
      .describe(
        'Whether peers are told that they may send comfort noise (RFC 3389) in place of silence, with PCMA, PCMU and G722. What comes of it is played in any case',
      ),
    dtmf: z
      .enum(['rfc4733', 'info', 'inband', 'auto'])
      .default('rfc4733')
      .describe(
        'How keys are sent: RTP events (RFC 4733), SIP INFO, tones in the audio, or `auto`: the first of these that the peer takes',
      ),
    rel100: z
      .enum(['off', 'supported', 'required'])
      .default('supported')
      .describe('Reliable provisional responses (RFC 3262)'),
    session_timer: z
      .union([
        z.literal(false),
        z.object({
          expires: z.int().min(90).max(86_400).default(1800).describe('Seconds'),
          min_se: z
            .int()
            .min(90)
            .max(86_400)
            .default(90)
            .describe('Least that is accepted, seconds'),
          refresher: z.enum(['uac', 'uas', 'auto']).default('auto').describe('Who refreshes'),
        }),
      ])
      .default({ expires: 1800, min_se: 90, refresher: 'auto' })
      .describe('Session timers (RFC 4028), or false'),
    answer_on_request: z
      .boolean()
      .default(false)
      .describe(
        'Whether a caller may have itself taken at once: `answer-after` in Call-Info or Alert-Info, Answer-Mode (RFC 5373)',
      ),
    record: z
      .boolean()
      .default(false)
      .describe(
        'Whether every call is recorded from the moment it is taken, where the thin client allows recording',
      ),
    transfers: z
      .enum(['accept', 'refuse'])
      .default('accept')
      .describe('What to do when the other party of a call hands it on to somebody else'),
    click_to_dial: z
      .boolean()
      .default(false)
      .describe(
        'Whether a REFER outside of calls may dial: a call manager that lets this phone call',
      ),
    reg_event: z
      .boolean()
      .default(false)
      .describe(
        'Whether to ask the registrar to tell when it logs this phone out (RFC 3680, as in IMS)',
      ),
    publish: z
      .boolean()
      .default(false)
      .describe('Whether a presence server is told that the person is there, or on the phone'),
    voicemail: z
      .union([z.boolean(), sipUri])
      .default(false)
      .describe(
        'Whether to ask for messages that wait: true at `aor`, or a URI; false takes what is told unasked',
      ),
    forward: forward.optional().describe('Where calls go instead; can be changed while it runs'),
    away,
    redirects: z
      .enum(['follow', 'refuse'])
      .default('follow')
      .describe('What to do when the called side names another target (3xx)'),
  })
  .refine(
    (value) =>
      [value.password, value.password_command, value.password_file].filter(
        (one) => one !== undefined,
      ).length <= 1,
    { message: 'only one of password, password_command and password_file' },
  );
