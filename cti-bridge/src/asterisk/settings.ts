import { z } from 'zod';
import { pbxName } from '../adapter/settings.ts';

/** What an Asterisk adapter is configured with; see docs/cti.md for the dial plan's part. */
export const asteriskSettings = z.object({
  kind: z.literal('asterisk'),
  name: pbxName,
  host: z
    .string()
    .min(1)
    .max(255)
    .default('127.0.0.1')
    .describe('Address of the manager interface'),
  port: z.int().min(1).max(65_535).default(5038).describe('Its port'),
  username: z.string().min(1).max(80).describe('Section of manager.conf'),
  secret_file: z.string().min(1).describe('File with its `secret`, readable by nobody else'),
  tls: z.boolean().default(false).describe('Whether the interface is a TLS one'),
  context: z
    .string()
    .regex(/^[\w-]{1,79}$/, 'must be the name of a context')
    .default('default')
    .describe('Context of the dial plan in which devices call'),
  contract: z
    .string()
    .regex(/^[\w-]{1,79}$/, 'must be the name of a context')
    .default('offhook')
    .describe('Context that serves hold, pick-up and conference'),
  devices: z
    .array(z.string().min(1).max(80))
    .max(1000)
    .default(['*'])
    .describe('PJSIP endpoints that are phones; `*` stands for any characters'),
  remote_control: z
    .array(z.string().min(1).max(80))
    .max(1000)
    .default([])
    .describe('Of them, those that obey NOTIFY with `Event: talk` and `Event: hold`'),
  auto_answer_header: z
    .string()
    .regex(/^[A-Za-z-]+: [\x20-\x7e]{1,200}$/, 'must be `Name: value`')
    .default('Call-Info: <sip:offhook>;answer-after=0')
    .describe('Makes a phone answer the leg of a call that it was told to make'),
});

export type AsteriskSettings = z.output<typeof asteriskSettings>;

/** Whether a name fits one of the patterns. */
export function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w]/g, String.raw`\$&`));
    return new RegExp(`^${parts.join('.*')}$`).test(name);
  });
}
