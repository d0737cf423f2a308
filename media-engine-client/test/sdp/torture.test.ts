import { isOffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptAnswer } from '../../src/sdp/accept.ts';
import { makeAnswer } from '../../src/sdp/answer.ts';
import { parseDescription } from '../../src/sdp/description.ts';
import { makeOffer } from '../../src/sdp/offer.ts';
import { failureOf, lines, peerSdp, step, terms } from './support.ts';

const sdp = (...parts: string[]) => ['v=0', ...parts, ''].join('\r\n');
const o = 'o=- 1 1 IN IP4 192.0.2.2';

/** Offers as devices and torture tests make them, and what the audio line of our answer begins with. */
const offers: readonly (readonly [name: string, offer: string, answer: string])[] = [
  [
    'a description without s= and t=',
    sdp(o, 'c=IN IP4 192.0.2.2', 'm=audio 4000 RTP/AVP 0'),
    'm=audio 40000 RTP/AVP 0',
  ],
  [
    'every line type of RFC 4566',
    sdp(
      o,
      's=A call',
      'i=about everything',
      'u=http://www.example.com/',
      'e=bob@example.com (Bob)',
      'p=+44-171-380-7777',
      'c=IN IP4 192.0.2.2/127',
      'b=X-YZ:128',
      't=2873397496 2873404696',
      'r=604800 3600 0 90000',
      'z=2882844526 -1h 2898848070 0',
      'k=prompt',
      'a=recvonly',
      'm=audio 49170 RTP/AVP 0',
      'i=microphone',
      'b=AS:64',
      'k=base64:AAAA',
    ),
    'm=audio 40000 RTP/AVP 0',
  ],
  [
    'several times and spaces at line ends',
    sdp(o, 's= ', 't=0 0 ', 't=1 2', 'c=IN IP4 192.0.2.2 ', 'm=audio 4000 RTP/AVP 8 '),
    'm=audio 40000 RTP/AVP 8',
  ],
  [
    'IPv4 in o= and IPv6 in c=, as dual-stack phones write it',
    sdp('o=- 1 1 IN IP4 192.0.2.2', 'c=IN IP6 2001:db8::9', 'm=audio 4000 RTP/AVP 8'),
    'm=audio 40000 RTP/AVP 8',
  ],
  [
    'formats listed twice and a rtpmap for a format that is not listed',
    sdp(o, 'c=IN IP4 192.0.2.2', 'm=audio 4000 RTP/AVP 8 8 0', 'a=rtpmap:96 opus/48000/2'),
    'm=audio 40000 RTP/AVP 8',
  ],
  [
    'attributes before their m= line have no meaning for it',
    sdp(o, 'c=IN IP4 192.0.2.2', 'a=rtpmap:8 PCMU/8000', 'm=audio 4000 RTP/AVP 8'),
    'm=audio 40000 RTP/AVP 8',
  ],
  [
    'a static number with another meaning',
    sdp(o, 'c=IN IP4 192.0.2.2', 'm=audio 4000 RTP/AVP 8', 'a=rtpmap:8 PCMU/8000'),
    'm=audio 40000 RTP/AVP 8',
  ],
  [
    'feedback profile',
    sdp(o, 'c=IN IP4 192.0.2.2', 'm=audio 4000 RTP/AVPF 0', 'a=rtcp-fb:* nack'),
    'm=audio 40000 RTP/AVPF 0',
  ],
  [
    'ICE, bundling and everything else of a browser, except its keys',
    sdp(
      o,
      'a=group:BUNDLE 0',
      'a=msid-semantic: WMS',
      'm=audio 9 RTP/AVP 96 0',
      'c=IN IP4 192.0.2.2',
      'a=rtcp:9 IN IP4 0.0.0.0',
      'a=ice-ufrag:abcd',
      'a=ice-pwd:0123456789abcdef012345',
      'a=candidate:1 1 udp 1 192.0.2.2 4000 typ host',
      'a=mid:0',
      'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 minptime=10;useinbandfec=1',
      'a=ssrc:1 cname:x',
    ),
    'm=audio 40000 RTP/AVP 96',
  ],
  [
    'T.38 and MSRP beside the audio',
    sdp(
      o,
      'c=IN IP4 192.0.2.2',
      'm=image 5000 udptl t38',
      'm=audio 4000 RTP/AVP 0',
      'm=message 7000 TCP/MSRP *',
      'm=audio 0 RTP/AVP 0',
    ),
    'm=audio 40000 RTP/AVP 0',
  ],
];

describe('an offer with', () => {
  it.each(offers)('%s', (_name, offer, expected) => {
    const { sdp: answer } = makeAnswer(terms(), step(), offer);
    const audio = lines(answer, 'm=audio 40000');
    expect(audio).toHaveLength(1);
    expect(audio[0]?.startsWith(expected)).toBe(true);
    expect(parseDescription(answer).media).toHaveLength(parseDescription(offer).media.length);
  });
});

describe('damaged descriptions', () => {
  const key = Buffer.alloc(30, 8).toString('base64');
  const texts = [
    ...offers.map(([, offer]) => offer),
    peerSdp(),
    peerSdp('audio 5004 RTP/SAVP 8', [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`]),
  ];
  const damage = fc.record({
    text: fc.constantFrom(...texts),
    edits: fc.array(
      fc.record({
        at: fc.nat(400),
        remove: fc.nat(12),
        insert: fc.oneof(
          fc.string({ maxLength: 6 }),
          fc.constantFrom('\r\n', 'm=audio ', '0.0.0.0', '-1', '99999', 'a=crypto:', '\0', '/'),
        ),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  });
  const damaged = damage.map(({ text, edits }) => {
    let result = text;
    for (const { at, remove, insert } of edits) {
      const from = at % (result.length + 1);
      result = result.slice(0, from) + insert + result.slice(from + remove);
    }
    return result;
  });
  const allowed = ['invalid-sdp', 'no-common-codec', 'srtp-required'];
  const isAllowed = (failure: unknown) =>
    isOffhookError(failure) && failure.layer === 'engine' && allowed.includes(failure.code);

  it('are answered with a good description or refused by name', () => {
    fc.assert(
      fc.property(damaged, fc.constantFrom('off', 'optional', 'required'), (offer, srtp) => {
        const outcome = failureOf(() => makeAnswer(terms({ srtp }), step(), offer).sdp);
        const good =
          typeof outcome === 'string'
            ? parseDescription(outcome).media.length === parseDescription(offer).media.length
            : isAllowed(outcome);
        expect(good).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('are accepted as answers or refused by name', () => {
    const { offer } = makeOffer(terms({ srtp: 'optional' }), step());
    fc.assert(
      fc.property(damaged, (answer) => {
        const outcome = failureOf(() => acceptAnswer(terms({ srtp: 'optional' }), offer, answer));
        expect(!(outcome instanceof Error) || isAllowed(outcome)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});
