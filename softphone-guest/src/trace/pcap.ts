import { isIPv6 } from 'node:net';
import type { TracedMessage } from './ladder.ts';

/** pcap file format, magic for microseconds; LINKTYPE_RAW: packets begin with the IP header. */
const MAGIC = 0xa1b2c3d4;
const LINKTYPE_RAW = 101;
const MAX_PAYLOAD = 65_000;
const UDP = 17;
const UDP_HEADER = 8;

/**
 * Messages as a capture that Wireshark opens. Each message is one UDP datagram, also what went over
 * TCP or TLS: the capture shows SIP, masked and decrypted, not the transport under it.
 */
export function pcap(messages: readonly TracedMessage[]): Buffer {
  return Buffer.concat([fileHeader(), ...messages.map(record)]);
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return header;
}

function record(traced: TracedMessage): Buffer {
  const [local, remote] = [endpoint(traced.local), endpoint(traced.remote)];
  const [source, target] = traced.direction === 'out' ? [local, remote] : [remote, local];
  const payload = Buffer.from(traced.message, 'utf8').subarray(0, MAX_PAYLOAD);
  const packet = ip(source, target, udp(source.port, target.port, payload));
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(traced.at / 1000), 0);
  header.writeUInt32LE(Math.floor((traced.at % 1000) * 1000), 4);
  header.writeUInt32LE(packet.length, 8);
  header.writeUInt32LE(packet.length, 12);
  return Buffer.concat([header, packet]);
}

interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1:5060` or `[2001:db8::1]:5060`. */
function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(':');
  return {
    address: text.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(text.slice(colon + 1)) & 0xffff,
  };
}

/** RFC 768; without a checksum, which Wireshark does not ask for. */
function udp(source: number, target: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(UDP_HEADER);
  header.writeUInt16BE(source, 0);
  header.writeUInt16BE(target, 2);
  header.writeUInt16BE(UDP_HEADER + payload.length, 4);
  return Buffer.concat([header, payload]);
}

function ip(source: Endpoint, target: Endpoint, payload: Buffer): Buffer {
  return isIPv6(source.address) && isIPv6(target.address)
    ? ipv6(source, target, payload)
    : ipv4(source, target, payload);
}

/** RFC 791. */
function ipv4(source: Endpoint, target: Endpoint, payload: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + payload.length, 2);
  header[8] = 64;
  header[9] = UDP;
  header.set(ipv4Bytes(source.address), 12);
  header.set(ipv4Bytes(target.address), 16);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, payload]);
}

/** RFC 8200. */
function ipv6(source: Endpoint, target: Endpoint, payload: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length, 4);
  header[6] = UDP;
  header[7] = 64;
  header.set(ipv6Bytes(source.address), 8);
  header.set(ipv6Bytes(target.address), 24);
  return Buffer.concat([header, payload]);
}

function ipv4Bytes(address: string): readonly number[] {
  const parts = address.split('.').map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part <= 255)
    ? parts
    : [0, 0, 0, 0];
}

function ipv6Bytes(address: string): readonly number[] {
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const groups = (text: string | undefined) =>
    text === undefined || text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const all =
    tail === undefined
      ? before
      : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
