import { z } from 'zod';
import {
  codecName,
  conferenceId,
  direction,
  endpoint,
  mediaOptions,
  revision,
  sessionId,
  sessionRecording,
  srtpSuite,
} from '@offhook/media-rpc';
import type { MediaSession } from './machine.ts';

/**
 * What the worker keeps for the engine beside each pair of sockets, so that the next engine knows
 * what it finds. It holds keys: it stays in the worker's memory, and is in no file.
 */

const VERSION = 1;
/** The worker takes 64 KiB; see MediaPlane.setTag. */
const MAX_TAG_BYTES = 65_536;

const payloadType = z.int().min(0).max(127);
const key = z.string().max(64);

const line = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('audio') }),
  z.object({
    kind: z.literal('refused'),
    media: z.string(),
    protocol: z.string(),
    formats: z.array(z.string()),
  }),
]);

const telephoneEvent = z.object({ payloadType, clockRate: z.int() });

const codecConfig = z.object({
  name: codecName,
  payloadType,
  clockRate: z.int(),
  ptimeMs: z.int(),
  opus: z
    .object({
      inbandFec: z.boolean(),
      dtx: z.boolean(),
      maxAverageBitrate: z.int().exactOptional(),
    })
    .exactOptional(),
});

const inForce = z.object({
  agreement: z.object({
    lines: z.array(line),
    protocol: z.string(),
    direction,
    remoteDirection: direction,
    codec: codecConfig,
    telephoneEvent: telephoneEvent.exactOptional(),
    remote: z.object({ rtp: endpoint, rtcp: endpoint, rtcpMux: z.boolean() }),
    srtp: z.object({ tag: z.int(), suite: srtpSuite, tx: key, rx: key }).exactOptional(),
    payloadTypes: z.record(z.string(), payloadType),
  }),
  localSdp: z.string(),
  remoteSdp: z.string(),
});

const pendingOffer = z.object({
  lines: z.array(line),
  protocol: z.string(),
  direction,
  codecs: z.array(z.object({ name: codecName, payloadType })),
  telephoneEvents: z.array(telephoneEvent),
  cryptos: z.array(z.object({ tag: z.int(), suite: srtpSuite, key })),
  ptimeMs: z.int(),
  payloadTypes: z.record(z.string(), payloadType),
});

// A value that is undefined is left out of JSON: read it back as undefined.
const orUndefined = <T extends z.ZodType>(schema: T) =>
  schema.optional().default(undefined as never);

const mediaSession = z.object({
  id: sessionId,
  revision,
  options: mediaOptions,
  openedAt: z.number(),
  local: z.object({ rtp: endpoint, rtcp: endpoint }),
  wanted: direction,
  inForce: orUndefined(inForce),
  offer: orUndefined(
    z.object({
      pending: pendingOffer,
      sdp: z.string(),
      before: orUndefined(inForce),
      rekey: z.boolean(),
      settled: z.boolean(),
    }),
  ),
  replaced: orUndefined(
    z.object({ inForce: orUndefined(inForce), wanted: direction, rekey: z.boolean() }),
  ),
  lastSdp: orUndefined(z.string()),
  muted: z.boolean(),
  locallyMuted: z.boolean(),
  conference: orUndefined(conferenceId),
  recording: orUndefined(sessionRecording),
  hungUp: z.boolean(),
  rekey: z.boolean(),
  taken: z.int(),
});

const sessionRecord = z.object({
  version: z.literal(VERSION),
  guest: z.object({
    instance: z.string(),
    local: z.boolean(),
    peer: z.string().exactOptional(),
  }),
  leaseMs: z.int().min(0),
  session: mediaSession,
});

/** Whose a session is. */
export interface GuestIdentity {
  /** Instance id of HELLO. */
  readonly instance: string;
  /** It reached the engine from this same machine. */
  readonly local: boolean;
  /**
   * Who it is by what it cannot choose, unlike its instance id: limits hold for all guests of a peer
   * together. Absent where only this user comes in.
   */
  readonly peer?: string;
}

/** Whom the limits of one guest hold for. */
export function limitedAs({ instance, peer }: GuestIdentity): string {
  return peer ?? instance;
}

export interface SessionRecord {
  readonly guest: GuestIdentity;
  readonly leaseMs: number;
  readonly session: MediaSession;
}

export function writeRecord(record: SessionRecord): string {
  const text = JSON.stringify({ version: VERSION, ...record });
  return Buffer.byteLength(text) <= MAX_TAG_BYTES ? text : JSON.stringify(shorten(record));
}

/** Undefined for what no engine of this version wrote. */
export function readRecord(tag: string): SessionRecord | undefined {
  let data: unknown;
  try {
    data = JSON.parse(tag);
  } catch {
    return undefined;
  }
  const result = sessionRecord.safeParse(data);
  return result.success ? result.data : undefined;
}

/** The peer's own words are the only part without a small limit; the agreement holds what counts. */
function shorten(record: SessionRecord) {
  const { session } = record;
  const strip = (force: MediaSession['inForce']) => force && { ...force, remoteSdp: '' };
  const offer = session.offer && { ...session.offer, before: strip(session.offer.before) };
  const replaced = session.replaced && {
    ...session.replaced,
    inForce: strip(session.replaced.inForce),
  };
  return {
    version: VERSION,
    ...record,
    session: { ...session, inForce: strip(session.inForce), offer, replaced },
  };
}
