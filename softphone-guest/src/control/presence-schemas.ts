import { z } from 'zod';

/** What the control socket tells of others and of text messages. */

export const lampInfo = z.object({
  target: z.string().describe('SIP URI that is watched'),
  name: z.string().nullable(),
  account: z.string().describe('Address of record of the line that watches'),
  event: z.enum(['dialog', 'presence']),
  state: z
    .enum(['unknown', 'free', 'ringing', 'busy', 'away', 'offline'])
    .describe('`unknown`: nothing was told yet, or the subscription is lost'),
  note: z.string().nullable().describe('Who is talked with, or what the person has written'),
  trouble: z.string().nullable().describe('Why nothing is known'),
});

export const mailboxInfo = z.object({
  account: z.string().describe('Address of record of the line'),
  waiting: z.boolean(),
  fresh: z.int().describe('Messages that were not heard yet'),
  old: z.int(),
});

export const storedMessageInfo = z.object({
  id: z.string(),
  at: z.string().describe('ISO 8601, UTC'),
  account: z.string().describe('Address of record of the line'),
  direction: z.enum(['in', 'out']),
  peer: z.string().describe('SIP URI of the other party'),
  peerName: z.string().nullable().describe('As the network says'),
  contact: z.string().nullable().describe('Name in the contacts'),
  type: z.string(),
  text: z.string(),
  state: z.enum(['received', 'sending', 'sent', 'failed']),
  reason: z.string().nullable().describe('Why it failed'),
});

export type LampInfo = z.output<typeof lampInfo>;
export type MailboxInfo = z.output<typeof mailboxInfo>;
export type StoredMessageInfo = z.output<typeof storedMessageInfo>;
