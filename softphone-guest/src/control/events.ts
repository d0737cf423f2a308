import { z } from 'zod';
import { lampInfo, mailboxInfo, storedMessageInfo } from './presence-schemas.ts';
import {
  accountInfo,
  callInfo,
  devicesInfo,
  engineInfo,
  mediaInfo,
  messageInfo,
  modeInfo,
  settingsInfo,
} from './schemas.ts';

/** What the daemon tells whoever has subscribed, each one row. */
export const controlEvents = {
  'call.changed': { summary: 'A call is new or has changed', params: callInfo },
  'call.ended': { summary: 'A call is over, with its last figures', params: callInfo },
  'registration.changed': { summary: 'A line’s registration', params: accountInfo },
  'lamp.changed': { summary: 'A watched phone or person', params: lampInfo },
  'voicemail.changed': { summary: 'Messages that wait', params: mailboxInfo },
  'message.changed': {
    summary: 'A text message came, is being sent, was sent or failed',
    params: storedMessageInfo,
  },
  'settings.changed': { summary: 'The person has set something', params: settingsInfo },
  'mode.changed': {
    summary: 'Another handset is used, or the desk phone came or went',
    params: modeInfo,
  },
  'engine.changed': { summary: 'The line to the engine', params: engineInfo },
  emergency: {
    summary:
      'An emergency call is being made: what it tells of the place, and whether that is good',
    params: z.object({
      call: z.string(),
      location: z.string().nullable(),
      warning: z.string().nullable(),
    }),
  },
  'devices.changed': { summary: 'Devices came, went or were chosen', params: devicesInfo },
  stats: {
    summary: 'Figures of established calls, once a second as long as somebody listens',
    params: z.object({ calls: z.array(z.object({ id: z.string(), media: mediaInfo })) }),
  },
  dtmf: {
    summary: 'The peer pressed a key',
    params: z.object({ call: z.string(), digit: z.string(), durationMs: z.number() }),
  },
  message: { summary: 'A text message (SIP MESSAGE) came', params: messageInfo },
} as const satisfies Record<string, { summary: string; params: z.ZodType }>;
