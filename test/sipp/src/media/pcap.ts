/** A UDP payload of a capture, and when it was seen, in milliseconds. */
export interface CapturedDatagram {
  readonly at: number;
  readonly payload: Uint8Array;
}

const ETHERNET = 1;
const LINUX_COOKED = 113;
const RAW_IP = 101;

/** The IPv4 UDP payloads of a libpcap file (of either byte order), oldest first. */
export function readPcapUdp(bytes: Uint8Array): CapturedDatagram[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length < 24 ? 0 : view.getUint32(0, true);
  const little = magic === 0xa1b2c3d4 || magic === 0xa1b23c4d;
  if (!little && magic !== 0xd4c3b2a1 && magic !== 0x4d3cb2a1) throw new Error('no capture file');
  const perSecond = magic === 0xa1b23c4d || magic === 0x4d3cb2a1 ? 1e9 : 1e6;
  const link = view.getUint32(20, little);
  const datagrams: CapturedDatagram[] = [];
  for (let from = 24; from + 16 <= bytes.length;) {
    const seconds = view.getUint32(from, little);
    const fraction = view.getUint32(from + 4, little);
    const length = view.getUint32(from + 8, little);
    const frame = bytes.subarray(from + 16, from + 16 + length);
    const payload = udpPayload(frame, link);
    if (payload !== undefined)
      datagrams.push({ at: 1000 * seconds + (1000 * fraction) / perSecond, payload });
    from += 16 + length;
  }
  return datagrams;
}

function udpPayload(frame: Uint8Array, link: number): Uint8Array | undefined {
  const ip = frame.subarray(headerLength(link, frame));
  const ihl = 4 * ((ip[0] ?? 0) & 0x0f);
  if ((ip[0] ?? 0) >> 4 !== 4 || ip[9] !== 17 || ip.length < ihl + 8) return undefined;
  const length = ((ip[ihl + 4] ?? 0) << 8) | (ip[ihl + 5] ?? 0);
  return ip.subarray(ihl + 8, ihl + Math.max(8, length));
}

function headerLength(link: number, frame: Uint8Array): number {
  if (link === RAW_IP) return 0;
  if (link === LINUX_COOKED) return 16;
  if (link !== ETHERNET) throw new Error(`capture of link type ${link}`);
  // One VLAN tag at most.
  return frame[12] === 0x81 && frame[13] === 0 ? 18 : 14;
}
