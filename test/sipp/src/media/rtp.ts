/** RFC 3550 §5.1, without what no peer here uses (CSRC lists are skipped, not shown). */
export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Uint8Array;
}

export function parseRtp(bytes: Uint8Array): RtpPacket | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if (first >> 6 !== 2) return undefined;
  const second = view.getUint8(1);
  // Payload types 64-95 on this port would be RTCP (RFC 5761 §4).
  if ((second & 0x7f) >= 64 && (second & 0x7f) < 96) return undefined;
  let from = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (bytes.length < from + 4) return undefined;
    from += 4 + 4 * view.getUint16(from + 2);
  }
  const to = bytes.length - ((first & 0x20) !== 0 ? view.getUint8(bytes.length - 1) : 0);
  if (from > to) return undefined;
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    payload: bytes.subarray(from, to),
  };
}

export function buildRtp(packet: RtpPacket): Uint8Array {
  const bytes = new Uint8Array(12 + packet.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x80);
  view.setUint8(1, (packet.marker ? 0x80 : 0) | packet.payloadType);
  view.setUint16(2, packet.sequence);
  view.setUint32(4, packet.timestamp >>> 0);
  view.setUint32(8, packet.ssrc >>> 0);
  bytes.set(packet.payload, 12);
  return bytes;
}

/** `to` minus `from` on a circle of `bits` bits: negative when `to` is older. */
export function distance(from: number, to: number, bits: 16 | 32): number {
  const size = 2 ** bits;
  const forward = (((to - from) % size) + size) % size;
  return forward >= size / 2 ? forward - size : forward;
}

export interface DtmfEvent {
  readonly digit: string;
  /** Milliseconds of the last duration that was sent. */
  readonly durationMs: number;
  /** How many packets of it came. */
  readonly packets: number;
  /** The end bit was seen. */
  readonly ended: boolean;
}

const DIGITS = '0123456789*#ABCD';

/** RFC 4733 §2.3: one event per timestamp, however many packets repeat it. */
export function decodeDtmf(packets: readonly RtpPacket[], payloadType: number): DtmfEvent[] {
  const events = new Map<
    number,
    { code: number; duration: number; packets: number; end: boolean }
  >();
  for (const packet of packets) {
    if (packet.payloadType !== payloadType || packet.payload.length < 4) continue;
    const [code = 0, flags = 0, high = 0, low = 0] = packet.payload;
    const event = events.get(packet.timestamp) ?? { code, duration: 0, packets: 0, end: false };
    event.duration = Math.max(event.duration, (high << 8) | low);
    event.packets++;
    event.end ||= (flags & 0x80) !== 0;
    events.set(packet.timestamp, event);
  }
  return [...events.values()].map((event) => ({
    digit: DIGITS[event.code] ?? `?${event.code}`,
    durationMs: event.duration / 8,
    packets: event.packets,
    ended: event.end,
  }));
}
