import { isOffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDescription } from '../../src/sdp/description.ts';
import { readAudio } from '../../src/sdp/remote-audio.ts';
import { failureOf, peerSdp } from './support.ts';

function audioOf(sdp: string) {
  const description = parseDescription(sdp);
  const section = description.media.find(({ media }) => media === 'audio');
  if (section === undefined) throw new Error('no audio section');
  return readAudio(description, section);
}

describe('the structure of a description', () => {
  it('takes LF, CR and CRLF line ends and trailing empty lines', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      const sdp = `${peerSdp().replaceAll('\r\n', end)}${end}${end}`;
      expect(audioOf(sdp).remote.rtp).toEqual({ address: '198.51.100.7', port: 5004 });
    }
  });

  it('passes over line types and attributes that it does not know', () => {
    const sdp = peerSdp('audio 5004 RTP/AVP 8', ['x=later', 'b=AS:64', 'k=clear:x', 'a=new:thing']);
    expect(audioOf(sdp).codecs.map(({ name }) => name)).toEqual(['PCMA']);
  });

  it('keeps m= lines with a port count, with hyphens and of other kinds in their order', () => {
    const sdp = `${peerSdp('audio 5004/2 RTP/AVP 8')}m=x-data 9 UDP/X *\r\nm=message 2855 TCP/MSRP *\r\n`;
    expect(parseDescription(sdp).media.map(({ media, port }) => [media, port])).toEqual([
      ['audio', 5004],
      ['x-data', 9],
      ['message', 2855],
    ]);
  });

  it('prefers the c= line of the section to that of the session', () => {
    const sdp = peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP4 203.0.113.9']);
    expect(audioOf(sdp).remote.rtp.address).toBe('203.0.113.9');
  });

  it('reads IPv6 addresses, and multicast without its TTL', () => {
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP6 2001:db8::1'])).remote.rtp).toEqual({
      address: '2001:db8::1',
      port: 5004,
    });
    const multicast = peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP4 224.2.1.1/127/3']);
    expect(audioOf(multicast).remote.rtp.address).toBe('224.2.1.1');
  });

  it.each([
    ['', /empty/],
    ['\r\n\r\n', /empty/],
    ['hello', /line 1: not of the form/],
    ['o=- 1 1 IN IP4 1.2.3.4\r\nv=0', /does not begin with v=0/],
    ['v=1\r\n', /version "1"/],
    ['v=0\r\ns=-\r\n', /no o= line/],
    ['v=0\r\no=- 1 IN IP4 1.2.3.4\r\n', /six fields/],
    ['v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\nnonsense', /line 3/],
    ['v=0\0', /NUL/],
    [peerSdp('audio 70000 RTP/AVP 8'), /line 6: port "70000"/],
    [peerSdp('audio -1 RTP/AVP 8'), /port "-1"/],
    [peerSdp('audio 0x10 RTP/AVP 8'), /port/],
    [peerSdp('audio'), /port/],
    [peerSdp('audio 5004'), /protocol/],
    [peerSdp('audio 5004 RTP/AVP'), /no format/],
    [peerSdp('audio 5004 RTP/AVP 8', [], []), /no c= line/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP4 host.example.com']), /numeric IPv4/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP4 2001:db8::1']), /numeric IPv4/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP6 192.0.2.1']), /numeric IPv6/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP6 fe80::1%eth0']), /numeric IPv6/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=IN IP4 300.1.1.1']), /numeric/],
    [peerSdp('audio 5004 RTP/AVP 8', ['c=ATM NSAP 47']), /not an internet address/],
    [`${peerSdp()}${'m=audio 0 RTP/AVP 0\r\n'.repeat(40)}`, /more than 32 m= lines/],
    [`${peerSdp()}${'a=x\r\n'.repeat(3000)}`, /More than 2048/],
  ])('refuses %j', (sdp, message) => {
    expect(() => audioOf(sdp)).toThrowError(
      expect.objectContaining({ code: 'invalid-sdp', message: expect.stringMatching(message) }),
    );
  });

  it('gives any text a description or invalid-sdp, nothing else', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(...peerSdp().split('\r\n')),
      fc
        .tuple(
          fc.constantFrom('m=audio ', 'c=IN IP4 ', 'a=crypto:', 'a=rtpmap:', 'a=rtcp:'),
          fc.string(),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (parts) => {
        const text = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', ...parts].join('\r\n');
        const failure = failureOf(() => {
          const description = parseDescription(text);
          for (const section of description.media) readAudio(description, section);
        });
        expect(failure === undefined || isOffhookError(failure, 'invalid-sdp')).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an audio section', () => {
  it('knows static payload types without rtpmap', () => {
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 18 9 8 0 3', [])).codecs).toMatchObject([
      { name: 'G722', payloadType: 9 },
      { name: 'PCMA', payloadType: 8 },
      { name: 'PCMU', payloadType: 0 },
    ]);
  });

  it('maps dynamic numbers by name, without regard to case', () => {
    const sdp = peerSdp('audio 5004 RTP/AVP 111 120', [
      'a=rtpmap:111 OPUS/48000/2',
      'a=fmtp:111 UseInbandFec=1; maxaveragebitrate=20000;usedtx=0',
      'a=rtpmap:120 pcma/8000',
    ]);
    const { codecs } = audioOf(sdp);
    expect(codecs.map(({ name, payloadType }) => [name, payloadType])).toEqual([
      ['opus', 111],
      ['PCMA', 120],
    ]);
    expect([...(codecs[0]?.fmtp ?? [])]).toEqual([
      ['useinbandfec', '1'],
      ['maxaveragebitrate', '20000'],
      ['usedtx', '0'],
    ]);
  });

  it('leaves out what it cannot decode: other rates, unmapped dynamic and impossible numbers', () => {
    const sdp = peerSdp('audio 5004 RTP/AVP 9 97 98 200 abc 8', [
      'a=rtpmap:9 G722/16000',
      'a=rtpmap:97 opus/8000/1',
      'a=rtpmap:200 PCMU/8000',
      'a=rtpmap:broken',
    ]);
    expect(audioOf(sdp).codecs.map(({ name }) => name)).toEqual(['PCMA']);
  });

  it('keeps the telephone-event of each clock rate apart', () => {
    const sdp = peerSdp('audio 5004 RTP/AVP 96 100 101', [
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:100 telephone-event/48000',
      'a=rtpmap:101 telephone-event/8000',
    ]);
    expect(audioOf(sdp).telephoneEvents).toEqual([
      { payloadType: 100, clockRate: 48_000 },
      { payloadType: 101, clockRate: 8000 },
    ]);
  });

  it.each([
    [[], { address: '198.51.100.7', port: 5005 }, false],
    [['a=rtcp:53020'], { address: '198.51.100.7', port: 53_020 }, false],
    [['a=rtcp:53020 IN IP4 203.0.113.4'], { address: '203.0.113.4', port: 53_020 }, false],
    [['a=rtcp:99999'], { address: '198.51.100.7', port: 5005 }, false],
    [['a=rtcp:53020 IN IP4 evil.example'], { address: '198.51.100.7', port: 5005 }, false],
    [['a=rtcp:53020', 'a=rtcp-mux'], { address: '198.51.100.7', port: 5004 }, true],
  ])('sends RTCP for %j where RFC 3605 and 5761 say', (attributes, rtcp, rtcpMux) => {
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', attributes)).remote).toMatchObject({
      rtcp,
      rtcpMux,
    });
  });

  it('takes the direction of the section before that of the session, and sendrecv by default', () => {
    const session = ['c=IN IP4 198.51.100.7', 'a=sendonly'];
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', [])).direction).toBe('sendrecv');
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', [], session)).direction).toBe('sendonly');
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', ['a=inactive'], session)).direction).toBe(
      'inactive',
    );
  });

  it('reads c=0.0.0.0 as a hold (RFC 3264 §8.4)', () => {
    const held = (direction: string, address = 'IP4 0.0.0.0') =>
      audioOf(peerSdp('audio 5004 RTP/AVP 8', [`c=IN ${address}`, direction])).direction;
    expect(held('a=sendrecv')).toBe('sendonly');
    expect(held('a=recvonly')).toBe('inactive');
    expect(held('a=sendrecv', 'IP6 ::')).toBe('sendonly');
  });

  it('takes ptime and maxptime only where they make sense', () => {
    expect(audioOf(peerSdp('audio 5004 RTP/AVP 8', ['a=ptime:30', 'a=maxptime:60']))).toMatchObject(
      { ptime: 30, maxptime: 60 },
    );
    const nonsense = audioOf(peerSdp('audio 5004 RTP/AVP 8', ['a=ptime:0', 'a=maxptime:x']));
    expect([nonsense.ptime, nonsense.maxptime]).toEqual([undefined, undefined]);
  });
});
