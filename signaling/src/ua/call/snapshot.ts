import { OffhookError } from '@offhook/common';
import { z } from 'zod';
import type { CallSnapshot } from '../../call-api.ts';

/** What of a call another process needs. Unknown keys are dropped: a later release may write more. */

/** Bounds far beyond what the transport layer takes: they are for a journal that is spoilt. */
const MOST_VALUES = 10_000;
const line = z.string().max(1_000_000);
const cseq = z
  .int()
  .min(0)
  .max(2 ** 31);

const dialogState = z.object({
  callId: line.min(1),
  localTag: line,
  remoteTag: line,
  localParty: line.min(1),
  remoteParty: line.min(1),
  remoteTarget: line.min(1),
  routeSet: z.array(line).max(MOST_VALUES).readonly(),
  localCSeq: cseq,
  remoteCSeq: cseq.optional(),
  role: z.enum(['uac', 'uas']),
  early: z.boolean(),
  secure: z.boolean().default(false),
  localContact: line.optional(),
});

const sdp = z.string().max(1_000_000);

const sessionState = z.object({
  descriptions: z.object({
    local: sdp.optional(),
    remote: sdp.optional(),
    offeredByPeer: z.boolean(),
    /** There were keys in them, which are nobody's business here. */
    keyed: z.boolean().default(false),
  }),
  timer: z
    .object({
      interval: z.number().positive(),
      weRefresh: z.boolean(),
      /** Wall clock, ms. */
      since: z.number(),
    })
    .optional(),
  peerAllows: z.array(line).max(MOST_VALUES).optional(),
});

const inviting = z.object({
  callId: line.min(1),
  fromTag: line.min(1),
  cseq,
  /** Of the transaction, as it was given to the transport layer. */
  branch: line.min(1),
  callee: line.min(1),
  target: line.min(1),
  targets: z.array(line).max(MOST_VALUES),
  tried: z.array(line).max(MOST_VALUES),
  routes: z.array(line).max(MOST_VALUES),
  displayName: line.optional(),
  extraHeaders: z.array(line).max(MOST_VALUES).optional(),
  parts: z
    .array(z.object({ type: line, content: sdp, contentId: line.optional() }))
    .max(16)
    .optional(),
  minSE: z.int().min(0),
  lateOffer: z.boolean(),
  /** Absent with a late offer, and where there are keys in it: the agent has it. */
  offer: sdp.optional(),
  /** We have given up, and the peer may not know yet. */
  cancelled: z.boolean(),
  early: z
    .array(
      z.object({
        dialog: dialogState,
        session: sessionState,
        rseq: z.int().min(0).optional(),
        exchange: z.object({ local: sdp, remote: sdp, reliable: z.boolean() }).optional(),
      }),
    )
    .max(32),
});

const endpoint = z.object({ address: z.string().max(64), port: z.int().min(0).max(65_535) });

const ringing = z.object({
  invite: z.object({
    text: z.string().max(2_000_000),
    transport: z.enum(['udp', 'tcp', 'tls']),
    local: endpoint,
    remote: endpoint,
  }),
  localTag: line.min(1),
  rseq: z.int().min(0),
  dialog: dialogState,
  session: sessionState,
  /** What our 2xx says; absent where nothing was answered, or there are keys in it. */
  local: sdp.optional(),
  answered: z.boolean(),
  /** The final status that the INVITE was refused with. */
  refused: z.int().min(300).max(699).optional(),
  /** The INVITE had keys: nobody but the process that got it can answer it. */
  keyed: z.boolean(),
});

const dialogOnly = z.object({ dialog: dialogState, session: sessionState });

export type InvitingContent = z.output<typeof inviting>;
export type RingingContent = z.output<typeof ringing>;
export type DialogContent = z.output<typeof dialogOnly>;
export type SessionSnapshot = z.output<typeof sessionState>;

/** What a snapshot of each state has inside. */
interface Contents {
  readonly inviting: InvitingContent;
  readonly ringing: RingingContent;
  readonly established: DialogContent;
  readonly ending: DialogContent;
}

/** That can be read; a journal gives back whatever was written. */
const versions: ReadonlySet<number> = new Set([2]);

const contents = { inviting, ringing, established: dialogOnly, ending: dialogOnly };

export function snapshotOf<S extends keyof Contents>(
  call: Pick<CallSnapshot, 'id' | 'direction' | 'account' | 'remote'>,
  state: S,
  content: Contents[S],
): CallSnapshot {
  const { id, direction, account, remote } = call;
  return { version: 2, id, direction, account, remote, state, content };
}

/** The inside of a snapshot that a journal gives back. Throws an OffhookError `bad-snapshot`. */
export function readSnapshot<S extends keyof Contents>(
  snapshot: CallSnapshot,
  states: readonly S[],
): Contents[S] {
  const state = states.find((one) => one === snapshot.state);
  const read = state === undefined ? undefined : contents[state].safeParse(snapshot.content);
  if (!versions.has(snapshot.version) || read?.success !== true) {
    throw new OffhookError('signaling', 'bad-snapshot', 'a saved call cannot be read');
  }
  return read.data as Contents[S];
}

/** SRTP keys (RFC 4568), MIKEY (RFC 4567) and the old `k=`: no description with them is written. */
const KEYS = /^(a=crypto:|a=key-mgmt:|k=)/m;

export function hasKeys(description: string | undefined): boolean {
  return description !== undefined && KEYS.test(description);
}
