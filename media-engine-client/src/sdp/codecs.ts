import type { CodecName } from '@offhook/media-rpc';

/** What one codec is called in an rtpmap, and how it is offered. */
export interface CodecDefinition {
  readonly name: CodecName;
  /** RTP clock: 8000 for G.722 although it samples at 16 kHz (RFC 3551 §4.5.2). */
  readonly clockRate: number;
  /** The number RFC 3551 §6 assigns, or the one we take from the dynamic range. */
  readonly payloadType: number;
  /** `a=rtpmap` behind the name, as far as it differs from the clock rate. */
  readonly channels?: number;
  /** Our `a=fmtp` parameters. */
  readonly fmtp?: string;
  /** Packet durations in milliseconds that the codec can make. */
  readonly ptimes: readonly number[];
}

export const codecs: Readonly<Record<CodecName, CodecDefinition>> = {
  // RFC 7587 §7: always 48000/2 in SDP, whatever is really sent.
  opus: {
    name: 'opus',
    clockRate: 48_000,
    payloadType: 96,
    channels: 2,
    fmtp: 'useinbandfec=1',
    ptimes: [10, 20, 40, 60],
  },
  G722: { name: 'G722', clockRate: 8000, payloadType: 9, ptimes: [10, 20, 30, 40, 60] },
  PCMA: { name: 'PCMA', clockRate: 8000, payloadType: 8, ptimes: [10, 20, 30, 40, 60] },
  PCMU: { name: 'PCMU', clockRate: 8000, payloadType: 0, ptimes: [10, 20, 30, 40, 60] },
};

/** Payload types that need no rtpmap (RFC 3551 §6), as far as we speak them. */
export const staticPayloadTypes: ReadonlyMap<number, CodecName> = new Map([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [9, 'G722'],
]);

/** RFC 4733: one telephone-event for each clock rate, since it shares the stream's time stamps. */
export const telephoneEventPayloadTypes: ReadonlyMap<number, number> = new Map([
  [8000, 101],
  [48_000, 97],
]);

/** RFC 3389 §4, RFC 3551 §6: a static number, for codecs whose clock is 8 kHz. */
export const comfortNoise = { payloadType: 13, clockRate: 8000 } as const;

/** DTMF digits 0-9 * # A-D (RFC 4733 §3.2). */
export const TELEPHONE_EVENTS = '0-15';

/** RFC 4855: encoding names are compared without regard to case. */
export function codecByRtpmap(
  encoding: string,
  clockRate: number,
  channels: number,
): CodecName | undefined {
  const definition = Object.values(codecs).find(
    (codec) => codec.name.toLowerCase() === encoding.toLowerCase(),
  );
  if (definition === undefined || definition.clockRate !== clockRate) return undefined;
  // Peers that write opus/48000 without /2 exist and mean the same.
  const wanted = definition.name === 'opus' ? [1, 2] : [definition.channels ?? 1];
  return wanted.includes(channels) ? definition.name : undefined;
}

/**
 * The packet duration to send with: what the peer asks for (`a=ptime`, RFC 8866 §6.4) or we prefer,
 * not above its `a=maxptime`, rounded down to what the codec can do.
 */
export function choosePtime(
  codec: CodecName,
  preferred: number,
  peer: { readonly ptime?: number; readonly maxptime?: number },
): number {
  const { ptimes } = codecs[codec];
  const wanted = Math.min(peer.ptime ?? preferred, peer.maxptime ?? Infinity);
  return ptimes.findLast((ptime) => ptime <= wanted) ?? ptimes[0] ?? 20;
}
