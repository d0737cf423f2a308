import { z } from 'zod';
import { pbxName } from '../adapter/settings.ts';

/** What FreeSWITCH does of the services. */
const FREESWITCH_SERVICES = [
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
  'deflectCall',
  'directedPickup',
  'conferenceCall',
  'generateDigits',
  'setMessageWaiting',
  'silentMonitor',
  'bargeIn',
] as const;

/** A FreeSWITCH, through the inbound event socket of mod_event_socket. */
export const freeSwitchSettings = z.object({
  kind: z.literal('freeswitch'),
  name: pbxName,
  host: z.string().min(1).max(255).default('127.0.0.1').describe('Address of the event socket'),
  port: z.int().min(1).max(65_535).default(8021).describe('Its port'),
  secret_file: z.string().min(1).describe('File with its `password`, readable by nobody else'),
  domain: z
    .string()
    .regex(/^[\w.:-]{1,255}$/, 'must be a domain')
    .describe('Domain of the directory in which the phones are'),
  context: z
    .string()
    .regex(/^[\w-]{1,79}$/, 'must be the name of a context')
    .default('default')
    .describe('Context of the dial plan in which devices call'),
  conference: z
    .string()
    .regex(/^[\w-]{1,79}$/, 'must be the name of a profile')
    .default('default')
    .describe('Profile of conferences'),
  services: z
    .array(z.enum(FREESWITCH_SERVICES))
    .default([...FREESWITCH_SERVICES])
    .describe('What its phones can be asked'),
});
export type FreeSwitchSettings = z.output<typeof freeSwitchSettings>;
