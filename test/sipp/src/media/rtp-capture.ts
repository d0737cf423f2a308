import { decodeG711, type G711 } from './g711.ts';
import { decodeDtmf, distance, type DtmfEvent, type RtpPacket } from './rtp.ts';
import type { Audio } from '@offhook/common/audio';

export interface CapturedPacket {
  /** Milliseconds, monotonic. */
  readonly at: number;
  readonly from: string;
  readonly rtp: RtpPacket;
}

const RATE = 8000;
const LAWS: Readonly<Record<number, G711>> = { 0: 'PCMU', 8: 'PCMA' };
/** Ten minutes of 20 ms packets. */
const LIMIT = 30_000;

export interface Continuity {
  readonly packets: number;
  /** Sequence numbers that never came. */
  readonly lost: number;
  readonly duplicates: number;
  /** The longest jump of the RTP time beyond the end of the packet before it, in ms. */
  readonly longestJumpMs: number;
  /** How many streams (SSRCs) there were. */
  readonly streams: number;
}

/** What came to a media port, as it came. */
export class RtpCapture {
  readonly #packets: CapturedPacket[] = [];

  add(packet: CapturedPacket): void {
    if (this.#packets.length < LIMIT) this.#packets.push(packet);
  }

  /** Everything since `mark`, in the order of arrival. */
  packets(mark = 0): readonly CapturedPacket[] {
    return this.#packets.slice(mark);
  }

  /** A place to look from, later. */
  get mark(): number {
    return this.#packets.length;
  }

  get last(): CapturedPacket | undefined {
    return this.#packets.at(-1);
  }

  /** The G.711 audio since `mark`, in RTP order; what is missing is silence. */
  audio(mark = 0): Audio {
    const speech = inOrder(this.packets(mark).filter(({ rtp }) => rtp.payloadType in LAWS));
    const parts: { at: number; samples: Float32Array }[] = [];
    let end = 0;
    let previous: CapturedPacket | undefined;
    for (const packet of speech) {
      const law = LAWS[packet.rtp.payloadType] ?? 'PCMA';
      const samples = decodeG711(law, packet.rtp.payload);
      let at = end;
      if (previous !== undefined && previous.rtp.ssrc === packet.rtp.ssrc) {
        const gone = distance(previous.rtp.timestamp, packet.rtp.timestamp, 32);
        at = Math.max(end, end - previous.rtp.payload.length + gone);
        // A new start within a stream may jump by hours; that is no silence of hours.
        if (at - end > 10 * RATE) at = end;
      }
      parts.push({ at, samples });
      end = at + samples.length;
      previous = packet;
    }
    const samples = new Float32Array(end);
    for (const part of parts) samples.set(part.samples, part.at);
    return { sampleRate: RATE, samples };
  }

  dtmf(payloadType: number, mark = 0): DtmfEvent[] {
    return decodeDtmf(
      this.packets(mark).map(({ rtp }) => rtp),
      payloadType,
    );
  }

  digits(payloadType: number, mark = 0): string {
    return this.dtmf(payloadType, mark)
      .map((event) => event.digit)
      .join('');
  }

  payloadTypes(mark = 0): number[] {
    return [...new Set(this.packets(mark).map(({ rtp }) => rtp.payloadType))];
  }

  continuity(mark = 0): Continuity {
    const streams = Map.groupBy(this.packets(mark), ({ rtp }) => rtp.ssrc);
    let lost = 0;
    let duplicates = 0;
    let longestJumpMs = 0;
    for (const packets of streams.values()) {
      const ordered = inOrder(packets);
      duplicates += packets.length - ordered.length;
      ordered.forEach((packet, index) => {
        const before = ordered[index - 1];
        if (before === undefined) return;
        lost += distance(before.rtp.sequence, packet.rtp.sequence, 16) - 1;
        if (!(packet.rtp.payloadType in LAWS) || !(before.rtp.payloadType in LAWS)) return;
        const jump =
          distance(before.rtp.timestamp, packet.rtp.timestamp, 32) - before.rtp.payload.length;
        longestJumpMs = Math.max(longestJumpMs, (1000 * jump) / RATE);
      });
    }
    return {
      packets: this.packets(mark).length,
      lost,
      duplicates,
      longestJumpMs,
      streams: streams.size,
    };
  }
}

/** By sequence number within each run of one SSRC; later copies of a packet are dropped. */
function inOrder(packets: readonly CapturedPacket[]): CapturedPacket[] {
  const streams = Map.groupBy(packets, ({ rtp }) => rtp.ssrc);
  return [...streams.values()].flatMap((stream) => {
    const base = stream[0]?.rtp.sequence ?? 0;
    const seen = new Set<number>();
    return stream
      .map((packet) => ({ packet, offset: distance(base, packet.rtp.sequence, 16) }))
      .toSorted((a, b) => a.offset - b.offset)
      .filter(({ offset }) => !seen.has(offset) && seen.add(offset))
      .map(({ packet }) => packet);
  });
}
