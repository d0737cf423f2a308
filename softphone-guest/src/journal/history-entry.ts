import { sessionRecording, sessionStats } from '@offhook/media-rpc/schemas';
import { z } from 'zod';
import type { HistoryEntry } from '../call/history.ts';
import { newCall } from '../call/model.ts';

/** A call that is over, as far as it is worth remembering. */
const schema = z.object({
  /** Entries of earlier releases are all of the softphone. */
  place: z.enum(['soft', 'desk']).default('soft'),
  id: z.string().min(1).max(64),
  sipCallId: z.string().max(1024),
  account: z.string().max(1024),
  direction: z.enum(['outgoing', 'incoming']),
  remote: z.object({
    uri: z.string().max(4096),
    displayName: z.string().max(1024).optional(),
    contact: z.string().max(1024).optional(),
  }),
  startedAt: z.number(),
  answeredAt: z.number().optional(),
  endedAt: z.number().optional(),
  end: z
    .object({
      by: z.enum(['local', 'remote', 'network']),
      status: z.int(),
      reason: z.string().max(1024),
    })
    .optional(),
  referredBy: z.string().max(4096).optional(),
  recordings: z.array(sessionRecording).max(32).optional(),
  stats: sessionStats.optional(),
});

export function formatEntry({ call, stats }: HistoryEntry): string {
  const { place, id, sipCallId, account, direction, remote, startedAt, answeredAt, endedAt } = call;
  const { end, referredBy, recordings } = call;
  const entry: z.input<typeof schema> = {
    place,
    id,
    sipCallId,
    account,
    direction,
    remote,
    startedAt,
    answeredAt,
    endedAt,
    end,
    referredBy,
    ...(recordings.length > 0 && { recordings: [...recordings] }),
    stats,
  };
  return JSON.stringify(entry);
}

/** Undefined for what is no entry. */
export function parseEntry(text: string): HistoryEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const read = schema.safeParse(value).data;
  if (read === undefined) return undefined;
  const {
    stats,
    startedAt,
    answeredAt,
    endedAt,
    end,
    referredBy,
    recordings = [],
    ...identity
  } = read;
  const fresh = newCall({ ...identity, at: startedAt, referredBy });
  const call = { ...fresh, answeredAt, endedAt, end, recordings };
  return { call: { ...call, phase: 'ended' }, stats };
}
