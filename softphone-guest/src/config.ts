import { isIP } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import {
  isOffhookError,
  loadConfig,
  OffhookError,
  parseConfig,
  xdgRuntimeDir,
} from '@offhook/common';
import { codecName, srtpPolicy } from '@offhook/media-rpc';
import type { ListenAddress } from '@offhook/signaling';
import { z } from 'zod';
import { away } from './config-away.ts';
import { hookEvents } from './hooks/hook-events.ts';

/**
 * The guest's configuration file. What each key is for stands in its `describe`: the configuration
 * reference is made from it.
 */

const sipUri = z
  .string()
  .max(512)
  .regex(/^sips?:[^\s<>"\p{Cc}]+$/iu, 'must be a SIP URI such as sip:alice@example.com');

const listenAddress = z
  .string()
  .transform((text, context): ListenAddress => {
    const parsed = parseListenAddress(text);
    if (parsed !== undefined) return parsed;
    context.addIssue('must be TRANSPORT:ADDRESS:PORT, such as udp:0.0.0.0:5060 or tls:[::]:5061');
    return z.NEVER;
  })
  .describe('`udp:`, `tcp:` or `tls:`, a numeric address (IPv6 in brackets) and a port (0: any)');

/** `udp:127.0.0.1:5080`, `tcp:[::1]:5080`; undefined when it is neither. */
function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(udp|tcp|tls):(?:\[([0-9a-f:.%a-z]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const transport = match[1]?.toLowerCase();
  const address = match[2] ?? match[3] ?? '';
  const port = Number(match[4]);
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  if (isIP(address) !== (match[2] === undefined ? 4 : 6) || port > 65_535) return undefined;
  return { transport, address, port };
}

const sip = z
  .object({
    listen: z
      .array(listenAddress)
      .min(1, 'name at least one address')
      .prefault(['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060'])
      .describe('Where the phone takes SIP'),
    outbound_proxy: sipUri.optional().describe('Every request outside a dialog goes through it'),
    user_agent: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
      .optional()
      .describe('The `User-Agent` and `Server` header'),
    tls: z
      .object({
        ca: z
          .string()
          .optional()
          .describe('File of PEM certificates to trust; the system’s if absent'),
        cert: z.string().optional().describe('File with our PEM certificate'),
        key: z.string().optional().describe('File with its PEM private key'),
        verify: z.boolean().default(true).describe('Whether the peer’s certificate is verified'),
      })
      .refine((tls) => (tls.cert === undefined) === (tls.key === undefined), {
        message: 'cert and key go together',
      })
      .optional()
      .describe('Certificates for `tls:` addresses and TLS registrars'),
  })
  .prefault({})
  .describe('Signaling');

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

const account = z
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

const channelAddress = z
  .string()
  .regex(
    /^(unix:\/.+|(tcp|tls):.+:\d{1,5}|port:[\w.-]{1,64})$/,
    'must be port:NAME, unix:/PATH, tcp:HOST:PORT or tls:HOST:PORT',
  );

const engine = z
  .object({
    channel: channelAddress
      .default(() => `unix:${join(xdgRuntimeDir('offhook-engine'), 'engine.sock')}`)
      .describe(
        'Where the engine is: `port:NAME` for a port of the virtual desktop (`port:org.offhook.engine.0`), `unix:/path`, `tcp:HOST:PORT` or `tls:HOST:PORT`; where an engine of this machine listens if absent',
      ),
    also: z
      .array(channelAddress)
      .max(8)
      .default([])
      .describe(
        'Channels of further thin clients. The phone is used at one at a time: where the person last came when it was nowhere, or where `offhook use` says',
      ),
    fallback: channelAddress
      .optional()
      .describe(
        'Channel of an engine in the guest, for accounts whose `away.policy` is `fallback`',
      ),
    tls: z
      .object({
        ca: z.string().optional().describe('File of PEM certificates to trust'),
        cert: z.string().optional().describe('File with our PEM certificate'),
        key: z.string().optional().describe('File with its PEM private key'),
        verify: z.boolean().default(true).describe('Whether the engine’s certificate is verified'),
      })
      .optional()
      .describe('For a `tls:` channel'),
    lease: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe(
        'Seconds that audio goes on at the thin client when the channel is gone; what its policy grants counts',
      ),
  })
  .prefault({})
  .describe('The engine that makes the sound');

const countryCode = z.string().regex(/^[A-Za-z]{2}$/, 'must be a two-letter country code');

const dial = z
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
    country: countryCode
      .optional()
      .describe('Where numbers are dialled as at home, ISO 3166-1; contacts are known by it'),
  })
  .prefault({})
  .describe('What is dialled');

const calls = z
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

const codes = z
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

const hook = z
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

const log = z
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

export const guestConfigSchema = z
  .object({
    sip,
    account: z
      .array(account)
      .min(1, 'no account: add [[account]] with aor = "sip:you@example.com"')
      .describe('The phone’s lines'),
    engine,
    dial,
    calls,
    codes,
    hook: z
      .array(hook)
      .max(100)
      .default([])
      .describe('Commands that are run when something happens'),
    log,
  })
  .superRefine((config, context) => {
    const aors = config.account.map((one) => one.aor);
    for (const [index, aor] of aors.entries()) {
      if (aors.indexOf(aor) !== index) {
        context.addIssue({
          code: 'custom',
          path: ['account', index, 'aor'],
          message: 'another account has the same address of record',
        });
      }
    }
    if (config.dial.account !== undefined && !aors.includes(config.dial.account)) {
      context.addIssue({
        code: 'custom',
        path: ['dial', 'account'],
        message: 'no [[account]] has this aor',
      });
    }
    const tls = config.sip.listen.findIndex((one) => one.transport === 'tls');
    if (tls >= 0 && config.sip.tls?.cert === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['sip', 'listen', tls],
        message: 'a tls: address needs cert and key in [sip.tls]',
      });
    }
  });

export type GuestConfig = z.output<typeof guestConfigSchema>;
export type AccountConfig = GuestConfig['account'][number];

/**
 * Reads the configuration; paths in it are relative to the file.
 *
 * @throws OffhookError with layer `config`; see `loadConfig` of common.
 */
export function loadGuestConfig(path: string): GuestConfig {
  try {
    return absolutePaths(loadConfig({ path, schema: guestConfigSchema }), path);
  } catch (error) {
    if (!isOffhookError(error, 'not-found')) throw error;
    throw new OffhookError('config', 'not-found', `${path}: no such file`, {
      cause: error,
      remedy: `write one: ${MINIMAL}; or name another with --config`,
    });
  }
}

const MINIMAL =
  '[[account]] with aor = "sip:you@example.com" and a password_command, and [engine] with channel = "unix:/path/to/engine.sock"';

/** The same for text that is already there, for tests. */
export function parseGuestConfig(text: string, path = '/etc/offhook/config.toml'): GuestConfig {
  return absolutePaths(parseConfig(text, { path, schema: guestConfigSchema }), path);
}

function absolutePaths(config: GuestConfig, path: string): GuestConfig {
  const at = (file: string | undefined) =>
    file === undefined ? undefined : resolve(dirname(path), file);
  const tlsAt = <
    T extends { ca?: string | undefined; cert?: string | undefined; key?: string | undefined },
  >(
    tls: T,
  ): T => ({ ...tls, ca: at(tls.ca), cert: at(tls.cert), key: at(tls.key) });
  return {
    ...config,
    sip: config.sip.tls === undefined ? config.sip : { ...config.sip, tls: tlsAt(config.sip.tls) },
    engine:
      config.engine.tls === undefined
        ? config.engine
        : { ...config.engine, tls: tlsAt(config.engine.tls) },
    account: config.account.map((one) => ({ ...one, password_file: at(one.password_file) })),
  };
}
