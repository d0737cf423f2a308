import { loadConfig, xdgConfigFile } from '@offhook/common';
import { z } from 'zod';
import { asteriskSettings } from '../asterisk/settings.ts';
import { cstaTcpSettings, uaCstaSettings } from '../csta/settings.ts';
import { drachtioSettings } from '../drachtio/settings.ts';
import { freeSwitchSettings } from '../freeswitch/settings.ts';
import { sipSettings } from '../sip/settings.ts';
import { scope } from './access.ts';

/**
 * The bridge's configuration file. What each key is for stands in its `describe`: the configuration
 * reference is made from it.
 */

const token = z.object({
  name: z.string().min(1).max(160).describe('Who has it, for the audit log'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal; `offhook-cti token` prints one')
    .describe('Hash of the token; `offhook-cti token` makes both'),
  devices: z
    .array(z.string().min(1).max(80))
    .max(1000)
    .describe('Devices that it is good for; `*` stands for any characters'),
  scopes: z
    .array(scope)
    .min(1)
    .describe('`monitor`, `control`, `supervise`, `metrics`, or single services'),
});
export type TokenConfig = z.output<typeof token>;

const jwt = z
  .object({
    issuer: z.string().min(1).describe('`iss` that a token must have'),
    audience: z.string().min(1).describe('`aud` that it must have'),
    jwks_url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Where the issuer’s keys are; else its discovery document says so'),
    ca_file: z
      .string()
      .optional()
      .describe('File with a PEM certificate to trust when the issuer is asked'),
    jwks_file: z.string().optional().describe('Or a file with them (a JSON Web Key Set)'),
    algorithms: z
      .array(z.enum(['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA']))
      .min(1)
      .default(['RS256', 'ES256', 'EdDSA'])
      .describe('Signatures that are accepted'),
    devices_claim: z
      .string()
      .min(1)
      .default('offhook_devices')
      .describe('Claim with the list of devices'),
  })
  .refine((one) => one.jwks_url === undefined || one.jwks_file === undefined, {
    message: 'jwks_url or jwks_file, not both',
  })
  .refine(
    (one) => one.jwks_url !== undefined || one.jwks_file !== undefined || URL.canParse(one.issuer),
    { message: 'an issuer that is no address needs jwks_url or jwks_file', path: ['issuer'] },
  )
  .describe('Tokens of an OpenID Connect issuer; scopes are `cti:monitor`, `cti:control` …');
export type JwtConfig = z.output<typeof jwt>;

const pbx = z.discriminatedUnion('kind', [
  asteriskSettings,
  cstaTcpSettings,
  uaCstaSettings,
  sipSettings,
  freeSwitchSettings,
  drachtioSettings,
]);
export type PbxConfig = z.output<typeof pbx>;

const site = z
  .object({
    redis: z
      .url({ protocol: /^rediss?$/ })
      .refine((url) => URL.parse(url)?.password === '' && URL.parse(url)?.username === '', {
        message: 'the password belongs in password_file, not in the address',
      })
      .describe('Its address: `redis://host:6379/0`, or `rediss://` for TLS'),
    username: z.string().optional().describe('User of its ACL'),
    password_file: z.string().optional().describe('File with its password'),
    ca_file: z
      .string()
      .optional()
      .describe('File with the PEM certificate of the authority to trust'),
    name: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'must be letters, digits and . _ -')
      .default('site')
      .describe('Bridges of one name belong together'),
    lease_ms: z
      .int()
      .min(500)
      .max(60_000)
      .default(1500)
      .describe('After so long without a sign of life, what a bridge had goes to another'),
  })
  .describe('Redis that several bridges share the PBXs through; all of them list the same PBXs');
export type SiteConfig = z.output<typeof site>;

export const ctiConfigSchema = z.object({
  listen: z
    .object({
      address: z.string().default('127.0.0.1').describe('Numeric address to serve at'),
      port: z.int().min(0).max(65_535).default(8090).describe('Its port'),
      cert: z.string().optional().describe('File with a PEM certificate, to serve TLS'),
      key: z.string().optional().describe('File with its PEM private key'),
    })
    .refine((one) => (one.cert === undefined) === (one.key === undefined), {
      message: 'cert and key go together',
    })
    .prefault({})
    .describe('Where JSON-RPC, REST and the web page are served'),
  pbx: z.array(pbx).min(1, 'name at least one PBX').describe('The PBXs'),
  site: site.optional(),
  token: z.array(token).default([]).describe('Tokens of programs and people'),
  jwt: jwt.optional(),
  limits: z
    .object({
      requests_per_second: z
        .int()
        .min(1)
        .default(50)
        .describe('Of one token, on average; bursts of twice that pass'),
      subscribers: z.int().min(1).default(1000).describe('Event streams at a time'),
      events_kept: z
        .int()
        .min(100)
        .max(1_000_000)
        .default(20_000)
        .describe('For readers that come back'),
      unread_kib: z
        .int()
        .min(64)
        .default(1024)
        .describe('What may wait for a reader that does not read, before it is disconnected'),
    })
    .prefault({})
    .describe('Bounds'),
  log: z
    .object({
      level: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('Least level'),
      audit_file: z
        .string()
        .optional()
        .describe('File for one JSON line a request that changes something; else the log'),
    })
    .prefault({})
    .describe('Logging'),
});
export type CtiConfig = z.output<typeof ctiConfigSchema>;

export function loadCtiConfig(path: string): CtiConfig {
  return loadConfig({ path, schema: ctiConfigSchema });
}

export function defaultConfigFile(): string {
  return xdgConfigFile('offhook-cti');
}
