import { SDP, plain, sip, type TortureCase } from './case.ts';

const INVITE = { method: 'INVITE', body: SDP } as const;

/** RFC 4475 §3.2 to §3.4: right in form, wrong or strange in what it says. */
export const SEMANTICS: readonly TortureCase[] = [
  {
    section: '4475 3.2.1',
    about: 'a branch that is the magic cookie alone',
    message: plain({
      callId: 'badbranch.sadonfo23i420jv0as0derf3j3n',
      via: 'SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK',
    }),
    expect: [200, 400],
  },
  {
    section: '4475 3.3.1',
    about: 'no From, no To and no Call-ID',
    message: sip`
INVITE sip:bob@example.com SIP/2.0
CSeq: 193942 INVITE
Via: SIP/2.0/UDP 192.0.2.95;rport;branch=z9hG4bKkdj.insuf
Content-Type: application/sdp
l: LENGTH

${SDP}`,
    expect: [400],
  },
  {
    section: '4475 3.3.2',
    about: 'a Request-URI of a scheme that nobody knows',
    message: plain({
      ...INVITE,
      callId: 'unkscm.nasdfasser0q239nwsdfasdkl34',
      uri: 'nobodyKnowsThisScheme:totallyopaquecontent',
    }),
    expect: [416],
  },
  {
    section: '4475 3.3.3',
    about: 'a Request-URI of a known scheme that is not SIP',
    message: plain({
      callId: 'novelsc.asdfasser0q239nwsdfasdkl34',
      uri: 'soap.beep://192.0.2.103:3002',
    }),
    expect: [416],
  },
  {
    section: '4475 3.3.4',
    about: 'unknown schemes in To, From and Contact',
    message: plain({
      method: 'REGISTER',
      callId: 'unksm2.daksdj@hyphenated-host.example.com',
      to: '<isbn:2983792873>',
      from: '<http://www.example.com>;tag=3234233',
      contact: '<name:John_Smith>',
    }),
    expect: [400, 404, 405],
  },
  {
    section: '4475 3.3.5',
    about: 'extensions demanded that nobody supports',
    message: plain({
      callId: 'bext01.0ha0isndaksdj',
      more: 'Require: nothingSupportsThis, nothingSupportsThisEither\nProxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis',
    }),
    expect: [420],
  },
  {
    section: '4475 3.3.6',
    about: 'a body of an unknown type',
    message: plain({ ...INVITE, callId: 'invut.0ha0isndaksdjadsfij34n23d' }).replace(
      'application/sdp',
      'application/unknownformat',
    ),
    expect: [415],
  },
  {
    section: '4475 3.3.7',
    about: 'credentials of an unknown scheme',
    message: plain({
      method: 'REGISTER',
      callId: 'regaut01.0ha0isndaksdj',
      more: 'Authorization: NoOneKnowsThisScheme opaque-data=here',
    }),
    expect: [401, 403, 405],
  },
  {
    section: '4475 3.3.8',
    about: 'header fields twice that there can be one of',
    message: plain({
      ...INVITE,
      callId: 'multi01.98asdh@192.0.2.1',
      more: [
        'Call-ID: multi01.98asdh@192.0.2.2',
        'CSeq: 59 INVITE',
        'From: <sip:other.caller@example.net>;tag=3413415',
        'To: <sip:other.user@example.com>',
        'Max-Forwards: 5',
      ].join('\n'),
    }),
    expect: [400],
  },
  {
    section: '4475 3.3.9',
    about: 'two different lengths',
    message: plain({
      callId: 'mcl01.fhn2323orihawfdoa3o4r52o3irsdf',
      more: 'Content-Length: 13',
      body: 'There is no way to know how many octets',
    }),
    expect: [400],
  },
  {
    section: '4475 3.3.10',
    about: 'a response whose Via is a broadcast address',
    message: sip`
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0
Contact: <sip:user@host28.example.com>

`,
    expect: 'silence',
  },
  {
    section: '4475 3.3.11',
    about: 'a Max-Forwards of zero at its end',
    message: plain({ callId: 'zeromf.jfasdlfnm2o2l43r5u0asdfas' }).replace(
      'Max-Forwards: 70',
      'Max-Forwards: 0',
    ),
    expect: [200, 483],
  },
  {
    section: '4475 3.3.12',
    about: 'a parameter of Contact that nobody knows',
    message: plain({
      method: 'REGISTER',
      callId: 'cparam01.70710@saturn.example.com',
      contact: 'sip:+19725552222@gw1.example.net;unknownparam',
    }),
    expect: [405],
  },
  {
    section: '4475 3.3.13',
    about: 'a parameter of the URI in Contact that nobody knows',
    message: plain({
      method: 'REGISTER',
      callId: 'cparam02.70710@saturn.example.com',
      contact: '<sip:+19725552222@gw1.example.net;unknownparam>',
    }),
    expect: [405],
  },
  {
    section: '4475 3.3.14',
    about: 'a Contact with escaped header fields',
    message: plain({
      method: 'REGISTER',
      callId: 'regescrt.k345asrl3fdbv@192.0.2.1',
      contact: '<sip:user@example.com?Route=%3Csip:sip.example.com%3E>',
    }),
    expect: [405],
  },
  {
    section: '4475 3.3.15',
    about: 'an offer where only unknown answers are accepted',
    message: plain({
      ...INVITE,
      callId: 'sdp01.ndaksdj9342dasdd',
      more: 'Accept: text/nobodyKnowsThis',
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.4.1',
    about: 'an INVITE of RFC 2543: no branch, no tag, no Max-Forwards',
    message: sip`
INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP iftgw.example.com;rport
From: <sip:+13035551111@ift.client.example.net;user=phone>
Record-Route: <sip:bob@example.com;maddr=ss1.example.com>
To: sip:+16505552222@ss1.example.net;user=phone
Call-ID: inv2543.1717@ift.client.example.com
CSeq: 56 INVITE
Content-Type: application/sdp
Content-Length: LENGTH

${SDP}`,
    // Without a Contact it makes no dialog.
    expect: [400, 480, 486],
  },
];
