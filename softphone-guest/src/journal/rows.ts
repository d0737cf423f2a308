import { sessionRecording } from '@offhook/media-rpc/schemas';
import { z } from 'zod';

/**
 * What the journal keeps of one call. The SIP half is signaling's own business; unknown keys are
 * dropped, so that an older program reads what a newer one of the same version has written.
 */

const party = z.object({
  uri: z.string().max(1_000_000),
  displayName: z.string().max(1_000_000).exactOptional(),
});

const sipRecord = z.object({
  version: z.literal(2),
  id: z.string().min(1).max(128),
  direction: z.enum(['outgoing', 'incoming']),
  account: z.string().max(1024),
  remote: party,
  state: z.enum(['inviting', 'ringing', 'established', 'ending']),
  content: z.unknown(),
});

const callRecord = z.object({
  id: z.string().min(1).max(64),
  phase: z.enum([
    'dialing',
    'ringing',
    'early',
    'incoming',
    'answering',
    'established',
    'ending',
    'ended',
  ]),
  startedAt: z.number(),
  answeredAt: z.number().optional(),
  hold: z.object({ wanted: z.boolean(), inForce: z.boolean() }),
  remoteHeld: z.boolean(),
  muted: z.boolean(),
  conference: z.string().max(64).optional(),
  recordings: z.array(sessionRecording).max(32).optional(),
});

const mediaRecord = z.object({
  /** Id of the engine's session: a secret by which its owner is known. */
  session: z.string().min(1).max(128),
  /** Of the last command that the engine has confirmed; the engine may be further. */
  revision: z.int().min(0),
  /** The engine has, or may have, a session of ours. */
  open: z.boolean(),
  /** `o=` line: id, version, and a digest of the description that had it. */
  origin: z.object({
    sessionId: z.string().max(32),
    version: z.int().min(0).optional(),
    digest: z.string().max(64).optional(),
  }),
  direction: z.enum(['sendrecv', 'sendonly', 'inactive']),
  muted: z.boolean(),
  conference: z.string().max(64).optional(),
  /** A description of ours was under way, or came to nothing and the engine was not told. */
  leftOver: z.enum(['offer', 'answer']).optional(),
});

export const journalRow = z.object({ sip: sipRecord, call: callRecord, media: mediaRecord });

export type CallRecord = z.output<typeof callRecord>;
export type MediaRecord = z.output<typeof mediaRecord>;
export type JournalRow = z.output<typeof journalRow>;

/** Undefined for what is no row: it is counted, and told as lost. */
export function parseRow(text: string): JournalRow | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return journalRow.safeParse(value).data;
}
