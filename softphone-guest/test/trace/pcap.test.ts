import { describe, expect, it } from 'vitest';
import { pcap } from '../../src/trace/pcap.ts';

const traced = {
  at: 1_700_000_000_250,
  direction: 'out' as const,
  transport: 'udp',
  local: '192.0.2.1:5062',
  remote: '198.51.100.9:5060',
  message: 'OPTIONS sip:a@b SIP/2.0\r\n\r\n',
};

describe('pcap', () => {
  it('is a capture of IP packets with one datagram a message', () => {
    const file = pcap([traced, { ...traced, direction: 'in' }]);
    expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4);
    expect(file.readUInt32LE(20)).toBe(101);
    const first = file.subarray(24);
    expect([first.readUInt32LE(0), first.readUInt32LE(4)]).toEqual([1_700_000_000, 250_000]);
    const packet = first.subarray(16);
    expect(packet.subarray(12, 20)).toEqual(Buffer.from([192, 0, 2, 1, 198, 51, 100, 9]));
    expect([packet.readUInt16BE(20), packet.readUInt16BE(22)]).toEqual([5062, 5060]);
    expect(packet.subarray(28, 28 + traced.message.length).toString()).toBe(traced.message);
    const second = packet.subarray(28 + traced.message.length + 16);
    expect([second.readUInt16BE(20), second.readUInt16BE(22)]).toEqual([5060, 5062]);
  });

  it('has a valid IPv4 header checksum (RFC 1071)', () => {
    const header = pcap([traced]).subarray(40, 60);
    let sum = 0;
    for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    expect(sum).toBe(0xffff);
  });

  it('writes IPv6 addresses, also shortened ones', () => {
    const file = pcap([{ ...traced, local: '[2001:db8::5]:5060', remote: '[::1]:5060' }]);
    const packet = file.subarray(40);
    expect(packet[0]).toBe(0x60);
    expect(packet.subarray(8, 24).toString('hex')).toBe('20010db8000000000000000000000005');
    expect(packet.subarray(24, 40).toString('hex')).toBe(`${'0'.repeat(31)}1`);
  });

  it('is an empty capture when there is nothing', () => {
    expect(pcap([])).toHaveLength(24);
  });
});
