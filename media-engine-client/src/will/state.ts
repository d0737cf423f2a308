import { endedSession, lastWill, sessionId } from '@offhook/media-rpc';
import { z } from 'zod';

/**
 * What the engine knows of absent guests and has to know in its next life too, even where the worker
 * has died with it: whose lease runs until when, their wills, and what has become of calls that
 * ended. It stands in `sessions.json`, readable by this user only; no key is in it.
 */

const VERSION = 1;

const guest = z.object({
  instance: z.string().min(1).max(64),
  local: z.boolean(),
  peer: z.string().max(512).exactOptional(),
});

const state = z.object({
  version: z.literal(VERSION),
  leases: z.array(
    z.object({
      guest,
      leaseMs: z.int().min(0),
      /** Wall clock, ms since the epoch; absent while the guest is here. */
      endsAt: z.number().exactOptional(),
    }),
  ),
  wills: z.array(z.object({ guest, session: sessionId, label: z.string(), will: lastWill })),
  ended: z.array(z.object({ guest, ended: endedSession })),
});

type EngineState = z.output<typeof state>;
export type SavedLease = EngineState['leases'][number];
export type SavedWill = EngineState['wills'][number];
export type SavedEnd = EngineState['ended'][number];

export function writeState(content: Omit<EngineState, 'version'>): EngineState {
  return { version: VERSION, ...content };
}

/** Undefined for what no engine of this version wrote. */
export function readState(data: unknown): EngineState | undefined {
  const result = state.safeParse(data);
  return result.success ? result.data : undefined;
}
