import { SDP, plain, sip, type TortureCase } from './case.ts';

const INVITE = { method: 'INVITE', body: SDP } as const;

/** RFC 4475 §3.1.2: against the grammar. */
export const INVALID: readonly TortureCase[] = [
  {
    section: '4475 3.1.2.1',
    about: 'separators that separate nothing',
    message: plain({
      ...INVITE,
      callId: 'badinv01.0ha0isndaksdjasdf3234nas',
      via: 'SIP/2.0/UDP 192.0.2.15;rport;branch=z9hG4bKkdjuw',
      contact: '"Joe" <sip:joe@example.org>;;;;',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.1',
    about: 'separators that separate nothing, in Via',
    message: plain({
      ...INVITE,
      callId: 'badinv01.via',
      via: 'SIP/2.0/UDP 192.0.2.15;;,;,,',
    }),
    expect: 'silence',
  },
  {
    section: '4475 3.1.2.2',
    about: 'a body shorter than Content-Length',
    message: plain({ ...INVITE, callId: 'clerr.0ha0isndaksdjweiafasdk3', length: '9999' }),
    expect: [400],
    over: 'udp',
  },
  {
    section: '4475 3.1.2.3',
    about: 'a negative Content-Length',
    message: plain({ ...INVITE, callId: 'ncl.0ha0isndaksdj2193423r542w35', length: '-999' }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.4',
    about: 'a CSeq beyond 32 bits',
    message: plain({
      callId: 'scalar02.23o0pd9vanlq3wnrlnewofjas9ui32',
      method: 'REGISTER',
      cseq: '36893488147419103232 REGISTER',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.4',
    about: 'a Max-Forwards beyond a byte',
    message: plain({ callId: 'scalar02.hops' }).replace('Max-Forwards: 70', 'Max-Forwards: 300'),
    expect: [400],
  },
  {
    section: '4475 3.1.2.5',
    about: 'a response with a CSeq beyond 32 bits',
    message: sip`
SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@example.com>
From: <sip:other@example.net>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0

`,
    expect: 'silence',
  },
  {
    section: '4475 3.1.2.6',
    about: 'a quote that does not end',
    message: plain({
      ...INVITE,
      callId: 'quotbal.aksdj',
      to: '"Mr. J. User <sip:j.user@example.com>',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.7',
    about: 'angle brackets around the Request-URI',
    message: plain({ ...INVITE, callId: 'ltgtruri.1', uri: '<sip:bob@example.com>' }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.8',
    about: 'white space within the Request-URI',
    message: plain({
      ...INVITE,
      callId: 'lwsruri.asdfasdoeoi2323',
      uri: 'sip:bob@example.com; lr',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.9',
    about: 'several spaces in the request line',
    message: plain({
      ...INVITE,
      callId: 'lwsstart.dfknq234oi243099adsdfnawe3',
      uri: ' sip:bob@example.com ',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.10',
    about: 'white space at the end of the request line',
    message: plain({ callId: 'trws.oicu34958239neffasdhr2345r', version: 'SIP/2.0  ' }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.11',
    about: 'header fields in the Request-URI',
    message: plain({
      ...INVITE,
      callId: 'escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5',
      uri: 'sip:bob@example.com?Route=%3Csip:sip.example.com%3E',
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.1.2.12',
    about: 'a date in another time zone than GMT',
    message: plain({
      ...INVITE,
      callId: 'baddate.239423mnsadf3j23lj42--sedfnm234',
      more: 'Date: Fri, 01 Jan 2010 16:00:00 EST',
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.1.2.13',
    about: 'header fields in a Contact without brackets',
    message: plain({
      callId: 'regbadct.k345asrl3fdbv@192.0.2.1',
      method: 'REGISTER',
      contact: 'sip:user@example.com?Route=%3Csip:sip.example.com%3E',
    }),
    expect: [400, 405],
  },
  {
    section: '4475 3.1.2.14',
    about: 'spaces within the brackets of an address',
    message: plain({
      callId: 'badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3',
      to: '"Watson, Thomas" < sip:t.watson@example.org >',
    }),
    expect: [200, 400, 404],
  },
  {
    section: '4475 3.1.2.15',
    about: 'a comma in a display name without quotes',
    message: plain({
      callId: 'baddn.31415@c.example.com',
      from: 'Bell, Alexander <sip:a.g.bell@bell-tel.com>;tag=43',
    }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.16',
    about: 'another version of SIP',
    message: plain({ callId: 'badvers.31417@c.example.com', version: 'SIP/7.0' }),
    expect: [505],
  },
  {
    section: '4475 3.1.2.17',
    about: 'another method in CSeq',
    message: plain({ callId: 'mismatch01.dj0234sxdfl3', cseq: '8 INVITE' }),
    expect: [400],
  },
  {
    section: '4475 3.1.2.18',
    about: 'another method in CSeq, both unknown',
    message: plain({ callId: 'mismatch02.dj0234sxdfl3', method: 'NEWMETHOD', cseq: '8 INVITE' }),
    expect: [400, 501],
  },
  {
    section: '4475 3.1.2.19',
    about: 'a status beyond three digits',
    message: sip`
SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i
CSeq: 353494 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

`,
    expect: 'silence',
  },
];
