import { distance, type CapturedPacket } from '@offhook/test-sipp';

/** What somebody at the far end would have heard of an RTP stream of G.711. */
export interface Heard {
  /** The longest time without sound, ms. */
  readonly gapMs: number;
  /** Sequence numbers that were left out. */
  readonly lost: number;
  /** The longest time between two packets beyond the length of the first, ms; late is not lost. */
  readonly stallMs: number;
  /** SSRCs, in the order of their appearance. */
  readonly streams: readonly number[];
  /** Jumps of sequence number or timestamp within a stream. */
  readonly jumps: number;
  readonly packets: number;
}

/** Most phones wait about that long for packets that are late. */
const DEJITTER_MS = 60;
/** PCMU and PCMA: 8 samples a millisecond, a byte each (RFC 3551 §4.5.14). */
const BYTES_PER_MS = 8;
const SPEECH = new Set([0, 8]);

/**
 * Listens as a phone with a jitter buffer of 60 ms does: sound that is merely late, but in the
 * buffer's time, is no gap; sound that was left out, by loss or by a jump of the stream, is a gap as
 * long as nothing came.
 */
export function listen(packets: readonly CapturedPacket[]): Heard {
  const streams = new Set<number>();
  let heard = { gapMs: 0, lost: 0, stallMs: 0, jumps: 0 };
  let before: CapturedPacket | undefined;
  let playedUntil = 0;
  for (const packet of packets) {
    const { rtp, at } = packet;
    if (!SPEECH.has(rtp.payloadType)) continue;
    streams.add(rtp.ssrc);
    const ms = rtp.payload.length / BYTES_PER_MS;
    const step = before === undefined ? 'first' : follows(before, packet);
    if (step === 'again') continue;
    if (before !== undefined) {
      const silent = at - before.at - before.rtp.payload.length / BYTES_PER_MS;
      const gap = step === 'next' ? at - playedUntil : silent;
      heard = {
        gapMs: Math.max(heard.gapMs, gap),
        stallMs: Math.max(heard.stallMs, silent),
        lost: heard.lost + (step === 'jump' ? leftOut(before, packet) : 0),
        jumps: heard.jumps + (step === 'jump' ? 1 : 0),
      };
    }
    // After a jump, and after it ran dry, the buffer fills again.
    playedUntil = step === 'next' && at <= playedUntil ? playedUntil + ms : at + DEJITTER_MS + ms;
    before = packet;
  }
  return {
    ...heard,
    gapMs: Math.round(heard.gapMs),
    stallMs: Math.round(heard.stallMs),
    streams: [...streams],
    packets: packets.length,
  };
}

function follows(before: CapturedPacket, packet: CapturedPacket): 'next' | 'jump' | 'again' {
  const [old, now] = [before.rtp, packet.rtp];
  if (old.ssrc !== now.ssrc) return 'jump';
  if (distance(old.sequence, now.sequence, 16) <= 0) return 'again';
  const contiguous =
    distance(old.sequence, now.sequence, 16) === 1 &&
    distance(old.timestamp, now.timestamp, 32) === old.payload.length;
  return contiguous ? 'next' : 'jump';
}

function leftOut(before: CapturedPacket, packet: CapturedPacket): number {
  if (before.rtp.ssrc !== packet.rtp.ssrc) return 0;
  return distance(before.rtp.sequence, packet.rtp.sequence, 16) - 1;
}
