import { codecName, direction, srtpPolicy, srtpSuite } from '@offhook/media-rpc';
import * as fc from 'fast-check';
import { isOffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { acceptAnswer } from '../../src/sdp/accept.ts';
import { makeAnswer, offeredAddress } from '../../src/sdp/answer.ts';
import { parseDescription } from '../../src/sdp/description.ts';
import { intersect, reverse } from '../../src/sdp/direction.ts';
import { makeOffer } from '../../src/sdp/offer.ts';
import { failureOf, lines, peerSdp, step, terms } from './support.ts';

const key30 = Buffer.alloc(30, 200).toString('base64');
const otherKey = Buffer.alloc(30, 201).toString('base64');
const crypto80 = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key30}`;

const withCode = (code: string) => expect.objectContaining({ code });

describe('an offer', () => {
  it('lists the codecs in order of preference, then one telephone-event for each clock rate', () => {
    const { sdp } = makeOffer(terms(), step());
    expect(sdp).toBe(
      [
        'v=0',
        'o=alice 4611686018427387905 1 IN IP4 192.0.2.10',
        's=-',
        'c=IN IP4 192.0.2.10',
        't=0 0',
        'm=audio 40000 RTP/AVP 96 9 8 0 97 101',
        'a=rtpmap:96 opus/48000/2',
        'a=fmtp:96 useinbandfec=1',
        'a=rtpmap:9 G722/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:97 telephone-event/48000',
        'a=fmtp:97 0-15',
        'a=rtpmap:101 telephone-event/8000',
        'a=fmtp:101 0-15',
        'a=ptime:20',
        'a=rtcp-mux',
        'a=sendrecv',
        '',
      ].join('\r\n'),
    );
  });

  it('lists comfort noise where it is wanted, for codecs of 8 kHz (RFC 3389)', () => {
    const wanted = makeOffer(terms({ codecs: ['opus', 'PCMA'], comfortNoise: true }), step()).sdp;
    expect(wanted).toContain('RTP/AVP 96 8 13 97 101\r\n');
    expect(lines(wanted, 'a=rtpmap:13 ')).toEqual(['a=rtpmap:13 CN/8000']);
    expect(makeOffer(terms({ codecs: ['opus'], comfortNoise: true }), step()).sdp).not.toContain(
      ' CN/',
    );
    const answered = (line: string, comfortNoise: boolean, codec = 'PCMA') =>
      makeAnswer(
        terms({ comfortNoise, codecs: codec === 'PCMA' ? ['PCMA'] : ['opus'] }),
        step(),
        peerSdp(line, ['a=rtpmap:96 opus/48000/2']),
      ).sdp.includes('CN/8000');
    expect(answered('audio 5004 RTP/AVP 8 13', true)).toBe(true);
    expect(answered('audio 5004 RTP/AVP 8 13', false)).toBe(false);
    expect(answered('audio 5004 RTP/AVP 8', true)).toBe(false);
    expect(answered('audio 5004 RTP/AVP 96 13', true, 'opus')).toBe(false);
  });

  it('names the RTCP port when it is not the next one (RFC 3605), and writes IPv6', () => {
    const base = terms({ codecs: ['PCMU'], telephoneEvent: false });
    const local = {
      rtp: { address: '2001:db8::5', port: 40_000 },
      rtcp: { address: '2001:db8::5', port: 41_001 },
    };
    const { sdp } = makeOffer({ ...base, local }, step('recvonly'));
    expect(sdp).toContain('o=alice 4611686018427387905 1 IN IP6 2001:db8::5');
    expect(sdp).toContain('c=IN IP6 2001:db8::5');
    expect(lines(sdp, 'a=rtcp:')).toEqual(['a=rtcp:41001']);
    expect(lines(sdp, 'a=recvonly')).toHaveLength(1);
  });

  it('asks for SRTP by policy: not at all, beside AVP, or as SAVP; a key for each suite', () => {
    expect(makeOffer(terms({ srtp: 'off' }), step()).sdp).not.toContain('crypto');
    const optional = makeOffer(terms({ srtp: 'optional' }), step());
    expect(lines(optional.sdp, 'm=')[0]).toContain('RTP/AVP ');
    expect(optional.offer.cryptos.map(({ tag, suite }) => [tag, suite])).toEqual([
      [1, 'AES_CM_128_HMAC_SHA1_80'],
      [2, 'AES_CM_128_HMAC_SHA1_32'],
    ]);
    expect(new Set(optional.offer.cryptos.map(({ key }) => key)).size).toBe(2);
    const required = makeOffer(terms({ srtp: 'required' }), step()).sdp;
    expect(lines(required, 'm=')[0]).toContain('RTP/SAVP ');
    expect(lines(required, 'a=crypto:')).toHaveLength(2);
  });
});

describe('an answer', () => {
  it('takes the first codec of the offer that it has, with the telephone-event of its clock', () => {
    const { sdp, agreement } = makeAnswer(terms(), step(), peerSdp());
    expect(lines(sdp, 'm=')).toEqual(['m=audio 40000 RTP/AVP 0 101']);
    expect(lines(sdp, 'a=rtpmap')).toEqual([
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
    ]);
    expect(agreement).toMatchObject({
      direction: 'sendrecv',
      codec: { name: 'PCMU', payloadType: 0, clockRate: 8000, ptimeMs: 20 },
      telephoneEvent: { payloadType: 101, clockRate: 8000 },
      remote: { rtp: { address: '198.51.100.7', port: 5004 } },
    });
    expect(agreement.srtp).toBeUndefined();
  });

  it('leaves out codecs that the guest does not want, and telephone-event of another clock', () => {
    const { sdp, agreement } = makeAnswer(terms({ codecs: ['opus'] }), step(), peerSdp());
    expect(lines(sdp, 'm=')).toEqual(['m=audio 40000 RTP/AVP 96']);
    expect(agreement.telephoneEvent).toBeUndefined();
  });

  it("uses the peer's number for a dynamic codec and follows its wishes for Opus", () => {
    const offer = peerSdp('audio 5004 RTP/AVP 111', [
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 useinbandfec=1;usedtx=1;maxaveragebitrate=24000',
    ]);
    expect(makeAnswer(terms(), step(), offer).agreement.codec).toEqual({
      name: 'opus',
      payloadType: 111,
      clockRate: 48_000,
      ptimeMs: 20,
      opus: { inbandFec: true, dtx: true, maxAverageBitrate: 24_000 },
    });
  });

  it.each([
    [['a=ptime:30'], 'PCMA', 30],
    [['a=ptime:25'], 'PCMA', 20],
    [['a=maxptime:10'], 'PCMA', 10],
    [['a=ptime:60', 'a=maxptime:40'], 'PCMA', 40],
    [['a=ptime:30'], 'opus', 20],
    [['a=ptime:3'], 'opus', 10],
  ] as const)('sends packets of what %j allows for %s: %d ms', (attributes, codec, ptimeMs) => {
    const offer = peerSdp('audio 5004 RTP/AVP 8 96', ['a=rtpmap:96 opus/48000/2', ...attributes]);
    expect(makeAnswer(terms({ codecs: [codec] }), step(), offer).agreement.codec.ptimeMs).toBe(
      ptimeMs,
    );
  });

  it('refuses every other stream with port 0, as it was written and in its place', () => {
    const offer = [
      'v=0',
      'o=bob 1 1 IN IP4 198.51.100.7',
      's=-',
      'c=IN IP4 198.51.100.7',
      't=0 0',
      'm=video 5000 RTP/AVP 31 34',
      'a=rtpmap:31 H261/90000',
      'm=audio 5004 RTP/AVP 8',
      'm=audio 5006 RTP/AVP 0',
      'm=image 5008 udptl t38',
      'm=audio 0 RTP/AVP 8',
    ].join('\n');
    const { sdp } = makeAnswer(terms(), step(), offer);
    expect(lines(sdp, 'm=')).toEqual([
      'm=video 0 RTP/AVP 31 34',
      'm=audio 40000 RTP/AVP 8',
      'm=audio 0 RTP/AVP 0',
      'm=image 0 udptl t38',
      'm=audio 0 RTP/AVP 8',
    ]);
  });

  it('takes the second of two audio streams when only that one can be used', () => {
    const offer = `${peerSdp('audio 5004 RTP/SAVP 8', [crypto80])}m=audio 5006 RTP/AVP 8\r\n`;
    const { sdp, agreement } = makeAnswer(terms({ srtp: 'off' }), step(), offer);
    expect(lines(sdp, 'm=')).toEqual(['m=audio 0 RTP/SAVP 8', 'm=audio 40000 RTP/AVP 8']);
    expect(agreement.remote.rtp.port).toBe(5006);
  });

  it('agrees on one port only where the offer has rtcp-mux (RFC 5761)', () => {
    expect(makeAnswer(terms(), step(), peerSdp()).sdp).not.toContain('rtcp-mux');
    const offer = peerSdp('audio 5004 RTP/AVP 8', ['a=rtcp-mux']);
    expect(makeAnswer(terms(), step(), offer).sdp).toContain('a=rtcp-mux');
  });

  it.each([
    ['sendrecv', 'a=sendonly', 'recvonly', 'sendonly'],
    ['sendrecv', 'a=inactive', 'inactive', 'inactive'],
    ['sendrecv', 'a=recvonly', 'sendonly', 'recvonly'],
    ['sendonly', 'a=sendrecv', 'sendonly', 'sendrecv'],
    ['sendrecv', 'c=IN IP4 0.0.0.0', 'recvonly', 'sendonly'],
  ] as const)('wanting %s, answers %s with %s', (wanted, attribute, ours, theirs) => {
    const offer = peerSdp('audio 5004 RTP/AVP 8', [attribute]);
    const { sdp, agreement } = makeAnswer(terms(), step(wanted), offer);
    expect(lines(sdp, `a=${ours}`)).toHaveLength(1);
    expect(agreement).toMatchObject({ direction: ours, remoteDirection: theirs });
  });

  it.each([
    ['no codec in common', peerSdp('audio 5004 RTP/AVP 18 4', []), 'no-common-codec'],
    ['only video', peerSdp('video 5004 RTP/AVP 31', []), 'invalid-sdp'],
    ['no stream at all', 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n', 'invalid-sdp'],
    ['DTLS-SRTP', peerSdp('audio 9 UDP/TLS/RTP/SAVPF 8', []), 'invalid-sdp'],
    ['a refused stream', peerSdp('audio 0 RTP/AVP 8', []), 'invalid-sdp'],
    ['no c=', peerSdp('audio 5004 RTP/AVP 8', [], []), 'invalid-sdp'],
  ])('refuses an offer with %s', (_what, offer, code) => {
    expect(() => makeAnswer(terms(), step(), offer)).toThrowError(withCode(code));
  });

  it('tells where the audio would go before anything is bound', () => {
    expect(offeredAddress(peerSdp())).toBe('198.51.100.7');
    const section = 'm=audio 5006 RTP/AVP 8\r\nc=IN IP6 2001:db8::7\r\n';
    const offer = `${peerSdp('video 5004 RTP/AVP 31', [], [])}${section}`;
    expect(offeredAddress(offer)).toBe('2001:db8::7');
    expect(offeredAddress(peerSdp('video 5004 RTP/AVP 31', [], []))).toBeUndefined();
  });
});

describe('SRTP in an answer', () => {
  const savp = peerSdp('audio 5004 RTP/SAVP 8', [
    `a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:${Buffer.alloc(46, 5).toString('base64')}`,
    crypto80,
  ]);

  it('takes the first suite of the offer that it may use, repeats the tag, makes its own key', () => {
    const { sdp, agreement } = makeAnswer(terms({ srtp: 'optional' }), step(), savp);
    expect(agreement.srtp).toMatchObject({ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', rx: key30 });
    expect(agreement.srtp?.tx).not.toBe(key30);
    expect(lines(sdp, 'm=')[0]).toContain('RTP/SAVP');
    expect(lines(sdp, 'a=crypto')).toEqual([
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${agreement.srtp?.tx}`,
    ]);
  });

  it('takes AES-256 where the guest wants it', () => {
    const options = { srtp: 'required', srtpSuites: ['AES_256_CM_HMAC_SHA1_80'] } as const;
    const { agreement } = makeAnswer(
      terms({ ...options, srtpSuites: [...options.srtpSuites] }),
      step(),
      savp,
    );
    expect(agreement.srtp).toMatchObject({ tag: 3, suite: 'AES_256_CM_HMAC_SHA1_80' });
    expect(Buffer.from(agreement.srtp?.tx ?? '', 'base64')).toHaveLength(46);
  });

  const avpWithCrypto = peerSdp('audio 5004 RTP/AVP 8', [crypto80]);
  const savpWithout = peerSdp('audio 5004 RTP/SAVP 8', []);
  it.each([
    ['off', peerSdp(), 'plain'],
    ['off', avpWithCrypto, 'plain'],
    ['off', savp, 'srtp-required'],
    ['optional', peerSdp(), 'plain'],
    ['optional', avpWithCrypto, 'secure'],
    ['optional', savp, 'secure'],
    ['optional', savpWithout, 'srtp-required'],
    ['required', peerSdp(), 'srtp-required'],
    ['required', avpWithCrypto, 'secure'],
    ['required', savp, 'secure'],
    ['required', savpWithout, 'srtp-required'],
  ] as const)('policy %s brings %j to %s', (srtp, offer, outcome) => {
    const failure = failureOf(() => {
      const { agreement } = makeAnswer(terms({ srtp }), step(), offer);
      return agreement.srtp === undefined ? 'plain' : 'secure';
    });
    expect(failure).toEqual(outcome === 'srtp-required' ? withCode(outcome) : outcome);
  });

  it('keeps its own key in a further answer, takes the new one of the peer, renews when told', () => {
    const first = makeAnswer(terms({ srtp: 'optional' }), step(), savp).agreement;
    const again = savp.replace(key30, otherKey);
    const kept = makeAnswer(terms({ srtp: 'optional' }, first), step(), again).agreement;
    expect(kept.srtp).toMatchObject({ tx: first.srtp?.tx, rx: otherKey });
    const renewed = makeAnswer(terms({ srtp: 'optional' }, first, true), step(), savp).agreement;
    expect(renewed.srtp?.tx).not.toBe(first.srtp?.tx);
  });
});

describe('accepting the answer to an offer', () => {
  const offer = (options: Parameters<typeof terms>[0] = {}) => makeOffer(terms(options), step());

  it('takes the first codec of the answer that was offered', () => {
    const answer = peerSdp('audio 5004 RTP/AVP 18 9 101', ['a=rtpmap:101 telephone-event/8000']);
    expect(acceptAnswer(terms(), offer().offer, answer)).toMatchObject({
      codec: { name: 'G722', payloadType: 9 },
      telephoneEvent: { payloadType: 101, clockRate: 8000 },
      direction: 'sendrecv',
    });
  });

  it("sends with the number that the answer gives, where it differs from the offer's", () => {
    const answer = peerSdp('audio 5004 RTP/AVP 120', ['a=rtpmap:120 opus/48000/2']);
    expect(acceptAnswer(terms(), offer().offer, answer).codec.payloadType).toBe(120);
  });

  it.each([
    ['another number of streams', `${peerSdp()}m=video 0 RTP/AVP 31\r\n`, 'invalid-sdp'],
    ['no stream', 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n', 'invalid-sdp'],
    ['another kind of stream', peerSdp('video 5004 RTP/AVP 31', []), 'invalid-sdp'],
    ['no c=', peerSdp('audio 5004 RTP/AVP 8', [], []), 'invalid-sdp'],
    ['a refused stream', peerSdp('audio 0 RTP/AVP 8', []), 'invalid-sdp'],
    ['nothing of what was offered', peerSdp('audio 5004 RTP/AVP 18', []), 'no-common-codec'],
    ['SRTP that nobody offered', peerSdp('audio 5004 RTP/SAVP 8', [crypto80]), 'srtp-required'],
  ])('refuses an answer with %s', (_what, answer, code) => {
    expect(() => acceptAnswer(terms(), offer().offer, answer)).toThrowError(withCode(code));
  });

  it('needs the tag and suite of an offered line for SRTP (RFC 4568 §5.1.3)', () => {
    const options = { srtp: 'required' } as const;
    const pending = offer(options).offer;
    const answer = (line: string) =>
      acceptAnswer(terms(options), pending, peerSdp('audio 5004 RTP/SAVP 8', [line]));
    expect(answer(crypto80).srtp).toEqual({
      tag: 1,
      suite: 'AES_CM_128_HMAC_SHA1_80',
      tx: pending.cryptos[0]?.key,
      rx: key30,
    });
    expect(() => answer(crypto80.replace('crypto:1', 'crypto:9'))).toThrowError(
      withCode('srtp-required'),
    );
    expect(() => answer(crypto80.replace('SHA1_80', 'SHA1_32'))).toThrowError(
      withCode('srtp-required'),
    );
  });

  it('stays in the clear when SRTP was optional and the peer took none', () => {
    const options = { srtp: 'optional' } as const;
    const { offer: pending } = offer(options);
    expect(acceptAnswer(terms(options), pending, peerSdp()).srtp).toBeUndefined();
    expect(
      acceptAnswer(terms(options), pending, peerSdp('audio 5004 RTP/AVP 8', [crypto80])).srtp,
    ).toBeDefined();
  });
});

describe('a further offer', () => {
  it('keeps m= lines, payload numbers and codec in use, and counts the o= version as told', () => {
    const theirs = `${peerSdp('audio 5004 RTP/AVP 101 8', [
      'a=rtpmap:101 opus/48000/2',
    ])}m=video 5006 RTP/AVP 96\r\n`;
    const { agreement } = makeAnswer(terms({ codecs: ['PCMA', 'opus'] }), step(), theirs);
    expect(agreement.codec.name).toBe('opus');
    const { sdp } = makeOffer(terms({ codecs: ['PCMA', 'opus'] }, agreement), step('sendonly', 2));
    expect(lines(sdp, 'm=')).toEqual(['m=audio 40000 RTP/AVP 101 8 97 96', 'm=video 0 RTP/AVP 96']);
    expect(lines(sdp, 'a=rtpmap')).toEqual([
      'a=rtpmap:101 opus/48000/2',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:97 telephone-event/48000',
      'a=rtpmap:96 telephone-event/8000',
    ]);
    expect(lines(sdp, 'o=')).toEqual(['o=alice 4611686018427387905 2 IN IP4 192.0.2.10']);
    expect(lines(sdp, 'a=sendonly')).toHaveLength(1);
  });

  it('repeats the key in use and offers fresh ones only when told', () => {
    const options = { srtp: 'optional' } as const;
    const theirs = peerSdp('audio 5004 RTP/SAVP 8', [crypto80.replace('crypto:1', 'crypto:4')]);
    const { agreement } = makeAnswer(terms(options), step(), theirs);
    const again = makeOffer(terms(options, agreement), step()).offer;
    expect(again.protocol).toBe('RTP/SAVP');
    expect(again.cryptos[0]).toEqual({
      tag: 4,
      suite: 'AES_CM_128_HMAC_SHA1_80',
      key: agreement.srtp?.tx,
    });
    const renewed = makeOffer(terms(options, agreement, true), step()).offer;
    expect(renewed.cryptos[0]?.key).not.toBe(agreement.srtp?.tx);
  });

  it('does not put SRTP into a call that runs in the clear', () => {
    const { agreement } = makeAnswer(terms({ srtp: 'optional' }), step(), peerSdp());
    const { sdp, offer } = makeOffer(terms({ srtp: 'optional' }, agreement), step());
    expect(sdp).not.toContain('crypto');
    expect(acceptAnswer(terms({ srtp: 'optional' }), offer, peerSdp()).srtp).toBeUndefined();
  });
});

describe('two ends of this code', () => {
  const someOptions = fc.record({
    codecs: fc.shuffledSubarray([...codecName.options], { minLength: 1 }),
    srtp: fc.constantFrom(...srtpPolicy.options),
    srtpSuites: fc.shuffledSubarray([...srtpSuite.options], { minLength: 1 }),
    telephoneEvent: fc.boolean(),
    ptimeMs: fc.constantFrom(10, 20, 30, 40, 60),
  });
  const someDirection = fc.constantFrom(...direction.options);

  it('agree on codec, keys and direction whenever they agree at all, over several exchanges', () => {
    const refusals = new Set<string>();
    fc.assert(
      fc.property(
        someOptions,
        someOptions,
        fc.array(fc.tuple(someDirection, someDirection, fc.boolean()), {
          minLength: 1,
          maxLength: 4,
        }),
        (optionsA, optionsB, exchanges) => {
          const a = { options: optionsA as Parameters<typeof terms>[0], now: undefined as never };
          const b = { options: optionsB as Parameters<typeof terms>[0], now: undefined as never };
          for (const [wantA, wantB, swap] of exchanges) {
            const [offerer, answerer] = swap ? [b, a] : [a, b];
            const { sdp, offer } = makeOffer(terms(offerer.options, offerer.now), step(wantA));
            const answer = () =>
              makeAnswer(terms(answerer.options, answerer.now), step(wantB), sdp);
            const failure = failureOf(answer);
            if (isOffhookError(failure)) {
              refusals.add(failure.code);
              return;
            }
            const answered = answer();
            const theirs = answered.agreement;
            const ours = acceptAnswer(terms(offerer.options), offer, answered.sdp);
            expect(ours.codec.name).toBe(theirs.codec.name);
            expect(ours.codec.payloadType).toBe(theirs.codec.payloadType);
            expect(ours.telephoneEvent).toEqual(theirs.telephoneEvent);
            expect(ours.direction).toBe(reverse(theirs.direction));
            expect(ours.direction).toBe(intersect(wantA, reverse(wantB)));
            expect(ours.srtp?.tx).toBe(theirs.srtp?.rx);
            expect(ours.srtp?.rx).toBe(theirs.srtp?.tx);
            expect(parseDescription(answered.sdp).media).toHaveLength(ours.lines.length);
            offerer.now = ours as never;
            answerer.now = theirs as never;
          }
        },
      ),
      { numRuns: 500 },
    );
    expect([...refusals].toSorted()).toEqual(['no-common-codec', 'srtp-required']);
  });
});
