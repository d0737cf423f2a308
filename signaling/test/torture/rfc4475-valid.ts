import { SDP, plain, sip, type TortureCase } from './case.ts';

/** RFC 4475 §3.1.1: unusual, and right. Written anew from what the RFC describes. */
export const VALID: readonly TortureCase[] = [
  {
    section: '4475 3.1.1.1',
    about: 'an INVITE with every freedom of the grammar',
    message: sip`
INVITE sip:bob@example.com;unknownparam SIP/2.0
TO :
 sip:bob@example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : LENGTH
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;rport;branch=z9hG4bK390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

${SDP}`,
    // It has a tag in To, so it means a dialog that is not here.
    expect: [481],
  },
  {
    section: '4475 3.1.1.2',
    about: 'odd characters in the method, the user and the tags',
    message: sip`
!interesting-Method0123456789_*+\`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/UDP host1.example.com;rport;branch=z9hG4bK-.!%66*_+\`'~
To: "BEL:\\x NUL:\\\\ DEL:\\x" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~\` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="работающий";tag=_token~1'+\`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+\`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_\`'~:大停電
Content-Length: 0

`,
    expect: [405, 501],
  },
  {
    section: '4475 3.1.1.3',
    about: 'escapes in URIs',
    message: plain({
      callId: 'esc01.239409asdfakjkn23onasd0-3234',
      uri: 'sip:sips%3Auser%40example.com@example.net',
      to: '<sip:%75se%72@example.com>',
      contact: '<sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>',
      method: 'INVITE',
      body: SDP,
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.1.1.4',
    about: 'escaped zero bytes in URIs',
    message: plain({
      callId: 'escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd',
      method: 'REGISTER',
      uri: 'sip:example.com',
      from: '<sip:null-%00-null@example.com>;tag=839923423',
      to: '<sip:null-%00-null@example.com>',
      contact: '<sip:%00@host5.example.com>',
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.1.1.5',
    about: 'a percent sign where it escapes nothing',
    message: plain({
      callId: 'esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf',
      method: 'RE%47IST%45R',
      from: '"%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
    }),
    expect: [405, 501],
  },
  {
    section: '4475 3.1.1.6',
    about: 'no space between display name and bracket',
    message: plain({
      callId: 'lwsdisp.1234abcd@funky.example.com',
      from: 'caller<sip:caller@example.com>;tag=323',
    }),
    expect: [200],
  },
  {
    section: '4475 3.1.1.7',
    about: 'very long values',
    message: plain({
      callId: `longreq.one${'really'.repeat(20)}longcallid`,
      method: 'INVITE',
      via: [
        'SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKlongreq',
        ...Array.from(
          { length: 34 },
          (_, at) => `SIP/2.0/TCP sip${at}.example.com;branch=z9hG4bK${'very'.repeat(40)}long${at}`,
        ),
      ].join('\nVia: '),
      to: `"I have a user name of ${'extreme'.repeat(30)} proportion"<sip:bob@example.com>`,
      from: `sip:${'amazinglylongcallername'.repeat(5)}@example.net;tag=12${'982424'.repeat(50)}424;${'unknownheaderparam'.repeat(20)}name=${'unknowheaderparam'.repeat(20)}value`,
      contact: `<sip:${'amazinglylongcallername'.repeat(5)}@host5.example.net>`,
      more: `${'Unknown-Long-Name'.repeat(15)}: ${'unknown-long-value'.repeat(15)}; ${'unknown-long-parameter'.repeat(15)} =value`,
      body: SDP,
    }),
    expect: 'handled',
  },
  {
    section: '4475 3.1.1.8',
    about: 'bytes after the message in a datagram',
    message: `${plain({ callId: 'dblreq.0ha0isndaksdj99sdfafnl3lk233412' })}${plain({ callId: 'dblreq.second', method: 'INVITE', body: SDP })}`,
    expect: [200],
    over: 'udp',
  },
  {
    section: '4475 3.1.1.9',
    about: 'a semicolon in the user part',
    message: plain({
      callId: 'semiuri.0ha0isndaksdj',
      uri: 'sip:user;par=u%40example.net@example.com',
      to: 'sip:j_user@example.com',
    }),
    expect: [200, 404],
  },
  {
    section: '4475 3.1.1.10',
    about: 'transports of all sorts in Via',
    message: plain({
      callId: 'transports.kijh4akdnaqjkwendsasfdj',
      via: [
        'SIP/2.0/UDP t1.example.com;rport;branch=z9hG4bKkdjuw',
        'SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf',
        'SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj',
        'SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en',
        'SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee',
      ].join('\nVia: '),
    }),
    expect: [200],
  },
  {
    section: '4475 3.1.1.11',
    about: 'a body of several parts, one of them binary',
    message: Buffer.concat([
      Buffer.from(
        plain({
          callId: 'mpart01.3d0001x',
          method: 'MESSAGE',
          more: 'Content-Type: multipart/mixed;boundary=7a9cbec02ceef655',
          length: '67',
        }),
      ),
      Buffer.from('--7a9cbec02ceef655\r\n'),
      Buffer.from(Array.from({ length: 28 }, (_, at) => (at * 37) & 0xff)),
      Buffer.from('\r\n--7a9cbec02ceef65'),
    ]),
    expect: 'handled',
  },
  {
    section: '4475 3.1.1.12',
    about: 'a response to nothing, its reason phrase beyond ASCII',
    message: sip`
SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 0
Contact: <sip:user@host198.example.com>

`,
    expect: 'silence',
  },
  {
    section: '4475 3.1.1.13',
    about: 'a response to nothing, without a reason phrase',
    message: sip`
SIP/2.0 100 ${''}
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

`,
    expect: 'silence',
  },
];
