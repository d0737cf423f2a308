import { z } from 'zod';
import { sipPeer } from '../csta/settings.ts';

/** What phones do that are asked by SIP alone. */
export const SIP_SERVICES = [
  'makeCall',
  'answerCall',
  'clearConnection',
  'clearCall',
  'holdCall',
  'retrieveCall',
  'alternateCall',
  'reconnectCall',
  'consultationCall',
  'transferCall',
  'singleStepTransfer',
  'directedPickup',
  'setMessageWaiting',
] as const;

/** Phones whose PBX has nothing for programs: they are asked by REFER and NOTIFY themselves. */
export const sipSettings = z.object({
  kind: z.literal('sip'),
  ...sipPeer,
  dial_uri: z
    .string()
    .regex(/^sips?:[^\s<>"]*\{number\}[^\s<>"]*$/, 'must be a SIP URI with {number} in it')
    .describe('What a number is as a SIP URI: sip:{number}@pbx.example.com'),
  services: z
    .array(z.enum(SIP_SERVICES))
    .default([...SIP_SERVICES])
    .describe('What the phones obey of the services'),
});
export type SipSettings = z.output<typeof sipSettings>;
