import { z } from 'zod';
import { deviceId, pbxName } from '../adapter/settings.ts';

/** What can be done with calls whose signaling goes through the bridge. */
const DRACHTIO_SERVICES = [
  'makeCall',
  'clearConnection',
  'clearCall',
  'holdCall',
  'retrieveCall',
  'alternateCall',
  'reconnectCall',
  'consultationCall',
  'transferCall',
  'singleStepTransfer',
  'deflectCall',
  'directedPickup',
  'generateDigits',
  'setMessageWaiting',
] as const;

/** Phones whose calls go through a drachtio-server that the bridge controls. */
export const drachtioSettings = z.object({
  kind: z.literal('drachtio'),
  name: pbxName,
  host: z.string().min(1).max(255).default('127.0.0.1').describe('Address of drachtio-server'),
  port: z.int().min(1).max(65_535).default(9022).describe('Its port for applications'),
  secret_file: z.string().min(1).describe('File with its `secret`, readable by nobody else'),
  phones: z
    .record(deviceId, z.string().regex(/^sips?:[^\s<>"]+$/, 'must be a SIP URI'))
    .describe(
      'Device and the SIP URI of its phone, one a line; its user part is what it calls with',
    ),
  dial_uri: z
    .string()
    .regex(/^sips?:[^\s<>"]*\{number\}[^\s<>"]*$/, 'must be a SIP URI with {number} in it')
    .describe('Where other numbers go: sip:{number}@trunk.example.com'),
  flow: z
    .enum(['I', 'IV'])
    .default('IV')
    .describe('How calls are made (RFC 3725): IV for people, I for what answers at once'),
  auto_answer_header: z
    .string()
    .regex(/^[A-Za-z-]+: [\x20-\x7e]{1,200}$/, 'must be `Name: value`')
    .default('Call-Info: <sip:offhook>;answer-after=0')
    .describe('Makes a phone answer the leg of a call that it was told to make'),
  services: z
    .array(z.enum(DRACHTIO_SERVICES))
    .default([...DRACHTIO_SERVICES])
    .describe('What may be asked'),
});
export type DrachtioSettings = z.output<typeof drachtioSettings>;
