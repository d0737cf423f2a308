/**
 * Messages as RFC 4475 and RFC 5118 have them in mind, written anew: each is strange in one way.
 * `{VIA}`, `{PHONE}` and `{ID}` are filled in; line ends become CRLF.
 */

export interface Torture {
  readonly name: string;
  readonly text: string;
  /** Statuses of which one is due; `silence` when nothing may come, or nothing need come. */
  readonly expect: readonly number[] | 'silence' | 'anything';
  /** Over TCP the message cannot be told from the next one, and may cost the connection. */
  readonly breaksStream?: boolean;
}

const OPTIONS = 'OPTIONS sip:alice@{PHONE} SIP/2.0';
const VIA = 'Via: SIP/2.0/{TRANSPORT} {VIA};rport;branch=z9hG4bK{ID}';
const FROM = 'From: <sip:tester@example.org>;tag=t{ID}';
const TO = 'To: <sip:alice@{PHONE}>';
const CALL = 'Call-ID: {ID}@example.org';
const END = 'Content-Length: 0\n\n';

function message(...lines: readonly string[]): string {
  return lines.join('\n');
}

export const torture: readonly Torture[] = [
  {
    name: 'a short and tortuous request',
    text: message(
      OPTIONS,
      'TO :\n sip:alice@{PHONE} ;   tag    = ',
      'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8{ID}',
      'MaX-fOrWaRdS: 0068',
      'Call-ID: wsinv.{ID}@192.0.2.1',
      'Cseq: 0009\n  OPTIONS',
      'Via  : SIP  /   2.0\n /{TRANSPORT}\n    {VIA};rport;branch=z9hG4bK{ID}',
      'NewFangledHeader:   newfangled value\n continued newfangled value',
      'UnknownHeaderWithUnusualValue: ;;,,;;,;',
      'Content-Length:   0\n\n',
    ).replace('TO :\n sip:alice@{PHONE} ;   tag    = ', 'TO :\n sip:alice@{PHONE} ;   x    = y'),
    expect: [200],
  },
  {
    name: 'wide use of characters in the user part',
    text: message(
      "OPTIONS sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too@{PHONE} SIP/2.0",
      VIA,
      "To: <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@{PHONE}>",
      FROM,
      CALL,
      'CSeq: 139122385 OPTIONS',
      'Max-Forwards: 255',
      END,
    ),
    expect: [200, 404],
  },
  {
    name: 'escaped characters in names and numbers',
    text: message(
      'OPTIONS sip:%61lice@{PHONE} SIP/2.0',
      VIA,
      'To: "%Z%45" <sip:%61lice@{PHONE}>',
      FROM,
      CALL,
      'CSeq: 29344 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [200],
  },
  {
    name: 'many values, long ones',
    text: message(
      OPTIONS,
      VIA,
      ...Array.from(
        { length: 30 },
        (_, n) => `Via: SIP/2.0/TCP sip${n}.example.com;branch=z9hG4bK${n}`,
      ),
      TO,
      `From: "${'I have a user name of extreme proportion '.repeat(8)}" <sip:tester@example.org>;tag=t{ID}`,
      `Call-ID: ${'longreallylong'.repeat(15)}{ID}`,
      'CSeq: 3882340 OPTIONS',
      `Unknown-${'Long'.repeat(20)}-Name: unknown-${'long'.repeat(20)}-value`,
      'Max-Forwards: 70',
      END,
    ),
    expect: [200],
  },
  {
    name: 'Max-Forwards of 0',
    text: message(OPTIONS, VIA, TO, FROM, CALL, 'CSeq: 1 OPTIONS', 'Max-Forwards: 0', END),
    expect: [200],
  },
  {
    name: 'an unknown scheme in the request URI',
    text: message(
      'OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0',
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [416],
  },
  {
    name: 'another SIP version',
    text: message(
      'OPTIONS sip:alice@{PHONE} SIP/7.0',
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [505, 400],
  },
  {
    name: 'a method that differs from that of CSeq',
    text: message(OPTIONS, VIA, TO, FROM, CALL, 'CSeq: 8 INVITE', 'Max-Forwards: 70', END),
    expect: [400],
  },
  {
    name: 'a CSeq that is too large',
    text: message(
      OPTIONS,
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 36893488147419103232 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [400],
  },
  {
    name: 'no Call-ID, no From, no To',
    text: message(OPTIONS, VIA, 'CSeq: 193942 OPTIONS', 'Max-Forwards: 70', END),
    expect: [400],
  },
  {
    name: 'no Via at all',
    text: message(OPTIONS, TO, FROM, CALL, 'CSeq: 1 OPTIONS', 'Max-Forwards: 70', END),
    expect: 'silence',
  },
  {
    name: 'two different Call-IDs',
    text: message(
      OPTIONS,
      VIA,
      TO,
      FROM,
      CALL,
      'Call-ID: other{ID}@example.org',
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: 'anything',
  },
  {
    name: 'a request line with too much white space',
    text: message(
      'OPTIONS  sip:alice@{PHONE}  SIP/2.0',
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [200, 400],
  },
  {
    name: 'a request URI in angle brackets',
    text: message(
      'OPTIONS <sip:alice@{PHONE}> SIP/2.0',
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [400, 200, 416, 404],
  },
  {
    name: 'a header without a colon, and an unterminated quote',
    text: message(
      OPTIONS,
      VIA,
      TO,
      'From: "Mr. J. User <sip:tester@example.org>;tag=t{ID}',
      CALL,
      'this is no header',
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [400, 200],
  },
  {
    name: 'a negative Content-Length',
    text: message(
      OPTIONS,
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: -999\n\n',
    ),
    expect: [400],
    breaksStream: true,
  },
  {
    name: 'a Content-Length larger than the message',
    text: message(
      OPTIONS,
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 9999\n\n',
      'v=0',
    ),
    expect: [400, 200],
    breaksStream: true,
  },
  {
    name: 'a Content-Length of astronomic size',
    text: message(
      OPTIONS,
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      'Content-Length: 99999999999999999999\n\n',
    ),
    expect: [400, 413, 513],
    breaksStream: true,
  },
  {
    name: 'a response that nobody asked for',
    text: message(
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/{TRANSPORT} {PHONE};branch=z9hG4bK{ID}',
      TO,
      FROM,
      CALL,
      'CSeq: 1 INVITE',
      END,
    ),
    expect: 'silence',
  },
  {
    name: 'a response with a status that is none',
    text: message(
      'SIP/2.0 4294967301 better not break the receiver',
      VIA,
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      END,
    ),
    expect: 'silence',
  },
  {
    name: 'a response whose Via is not ours',
    text: message(
      'SIP/2.0 200 OK',
      'Via: SIP/2.0/UDP 192.0.2.198:5060;branch=z9hG4bKx',
      TO,
      FROM,
      CALL,
      'CSeq: 1 INVITE',
      END,
    ),
    expect: 'silence',
  },
  {
    name: 'an INVITE with an unknown content type in several parts',
    text: message(
      'INVITE sip:auto@{PHONE} SIP/2.0',
      VIA,
      'To: <sip:auto@{PHONE}>',
      FROM,
      CALL,
      'CSeq: 1 INVITE',
      'Contact: <sip:tester@{VIA}>',
      'Max-Forwards: 70',
      'Content-Type: multipart/mixed;boundary=7a9cbec02ceef655',
      'Content-Length: 49\n\n--7a9cbec02ceef655\nContent-Type: text/plain\n\nx',
    ),
    expect: [415, 400, 488],
  },
  {
    name: 'nothing but white space and line ends',
    text: '\n\n  \n\t\n\n',
    expect: 'silence',
  },
  {
    name: 'binary garbage',
    text: '\u0000\u0001\u00ff\u00fe\u0080INVITE\u0000\u0000 SIP/2.0\n\n',
    expect: 'silence',
    breaksStream: true,
  },
  {
    name: 'a request line without end',
    text: `OPTIONS sip:${'a'.repeat(20_000)}@{PHONE} SIP/2.0\n`,
    expect: 'anything',
    breaksStream: true,
  },
  {
    name: 'IPv6 references that are none',
    text: message(
      'OPTIONS sip:[2001:db8::1]]:5060 SIP/2.0',
      VIA,
      'To: sip:user@[2001:db8::::1]',
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: 'anything',
  },
  {
    name: 'an IPv6 Via in another manner of writing',
    text: message(
      OPTIONS,
      VIA,
      'Via: SIP/2.0/UDP [2001:db8::9:255];received=[2001:db8:0:0:0:0:9:255];branch=z9hG4bKas3-111',
      TO,
      FROM,
      CALL,
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      END,
    ),
    expect: [200],
  },
];
