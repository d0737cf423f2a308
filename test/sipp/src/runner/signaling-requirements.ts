import type { Requirement } from './requirement.ts';

/** What SIP asks of the phone: transport, transactions, authentication, registration, calls. */
export const signalingRequirements = {
  'call.out': {
    source: 'RFC 3261 §13.2',
    text: 'The phone places a call with an SDP offer, acknowledges the 2xx and ends it with BYE.',
  },
  'call.in': {
    source: 'RFC 3261 §13.3',
    text: 'The phone rings with 180 and answers with 200 and an SDP answer.',
  },
  'call.bye-in': {
    source: 'RFC 3261 §15.1.2',
    text: 'A BYE of the peer is answered 200 and ends the call.',
  },
  'call.auto-answer': {
    source: 'Offhook, configuration `auto_answer`',
    text: 'A line with auto_answer takes a call by itself.',
  },
  'call.stock-sipp': {
    source: 'Offhook',
    text: "SIPp's built-in uac and uas scenarios run against the phone unchanged.",
  },
  'call.many': {
    source: 'Offhook',
    text: 'Many calls at once are each set up and torn down, with loss too.',
  },
  'dial.rules': {
    source: 'Offhook, configuration `[dial]`',
    text: 'Numbers are completed, rewritten and refused by rules, which choose the account too.',
  },
  'emergency.location': {
    source: 'RFC 6442 §4, RFC 4119, RFC 5139',
    text: 'An emergency call carries the location of the thin client by value, past all number rules.',
  },
  'emergency.retry': {
    source: 'RFC 6442 §4.3',
    text: 'An emergency call that is refused for its location is made again without it.',
  },
  'emergency.callback': {
    source: 'Offhook, configuration `emergency.callback`',
    text: 'After an emergency call the phone rings in spite of do not disturb.',
  },
  'reg.run-time': {
    source: 'Offhook, `offhook account`, `offhook reload`',
    text: 'Lines are added and removed while another one has a call, which goes on.',
  },
  'reg.event': {
    source: 'RFC 3680 §4.1',
    text: 'A phone that its registrar logs out says so, and comes back only as that one wants.',
  },
  'net.dns': {
    source: 'RFC 3263 §4.1-4.3',
    text: 'NAPTR says the transport, SRV the servers; one that does not answer is passed over.',
  },
  'net.tcp': { source: 'RFC 3261 §18', text: 'Everything works over TCP as well.' },
  'net.ipv6': { source: 'RFC 3261 §18, RFC 5118', text: 'Everything works over IPv6 as well.' },
  'net.loss': {
    source: 'RFC 3261 §17',
    text: 'With a fifth of all UDP packets lost, calls are set up and torn down all the same.',
  },
  'net.rport': {
    source: 'RFC 3581 §4',
    text: 'A response goes to the source of a request that has rport, and to the Via otherwise.',
  },
  'net.size': {
    source: 'RFC 3261 §18.1.1',
    text: 'A request of more than 1300 bytes goes over TCP, and over UDP when that is refused.',
  },
  'net.framing': {
    source: 'RFC 3261 §18.3',
    text: 'Over TCP, messages are told apart by Content-Length, in whatever pieces they come.',
  },
  'uac.timer-a': {
    source: 'RFC 3261 §17.1.1.2',
    text: 'INVITE is repeated over UDP at T1, 2 T1 … until something answers.',
  },
  'uac.timer-b': {
    source: 'RFC 3261 §17.1.1.2',
    text: 'When nothing answers within 64 T1, the call fails and the person is told.',
  },
  'uac.timer-e': {
    source: 'RFC 3261 §17.1.2.2',
    text: 'BYE is repeated over UDP until it is answered.',
  },
  'uac.re-ack': {
    source: 'RFC 3261 §13.2.2.4',
    text: 'Every copy of a 2xx is acknowledged again.',
  },
  'uac.fork-2xx': {
    source: 'RFC 3261 §13.2.2.4',
    text: 'A second 2xx of a forked INVITE is acknowledged and ended with BYE.',
  },
  'uac.fork-early': {
    source: 'RFC 3261 §12.1, §13.2.2.1',
    text: 'Several early dialogs may come; the call goes on with whichever answers.',
  },
  'uac.cancel': {
    source: 'RFC 3261 §9.1',
    text: 'Giving up a ringing call sends CANCEL and acknowledges the 487.',
  },
  'uac.cancel-early': {
    source: 'RFC 3261 §9.1',
    text: 'CANCEL waits for the first provisional response.',
  },
  'uac.cancel-race': {
    source: 'RFC 3261 §9.1, §15',
    text: 'When CANCEL and 2xx cross, the call is acknowledged and ended with BYE.',
  },
  'uac.early-media': {
    source: 'RFC 3261 §13.2.1, RFC 3960',
    text: 'A description in a 18x is used at once, so that announcements are heard.',
  },
  'uac.redirect': {
    source: 'RFC 3261 §8.1.3.4, §19.1.5',
    text: 'The contacts of a 3xx are tried in the order of q.',
  },
  'uac.redirect-loop': {
    source: 'RFC 3261 §8.1.3.4',
    text: 'A redirection to a target that was tried already ends the call with a reason.',
  },
  'uac.reasons': {
    source: 'RFC 3261 §21.4-21.6',
    text: 'Every final failure ends the call and is told in words.',
  },
  'uac.reason-header': {
    source: 'RFC 3326',
    text: 'A Reason header is part of what the person is told.',
  },
  'auth.md5': {
    source: 'RFC 3261 §22, RFC 7616 §3.4',
    text: 'A digest challenge with MD5 and qop=auth is answered correctly.',
  },
  'auth.md5-no-qop': {
    source: 'RFC 7616 §3.4.1, RFC 2069',
    text: 'A digest challenge without qop is answered correctly.',
  },
  'auth.sha256': {
    source: 'RFC 8760, RFC 7616',
    text: 'A digest challenge with SHA-256 is answered correctly.',
  },
  'auth.sess': {
    source: 'RFC 7616 §3.4.2',
    text: 'The -sess variants hash nonce and cnonce into A1.',
  },
  'auth.auth-int': {
    source: 'RFC 7616 §3.4.3',
    text: 'qop=auth-int, when it is all that is offered, covers the body.',
  },
  'auth.strongest': {
    source: 'RFC 8760 §2.4',
    text: 'Of several challenges the first one that is supported is answered.',
  },
  'auth.proxy-and-uas': {
    source: 'RFC 3261 §22.3',
    text: 'Challenges of a proxy and of the called party are answered together.',
  },
  'auth.wrong': {
    source: 'RFC 3261 §22.2',
    text: 'Credentials that were refused are not sent again; the person is told of the password.',
  },
  'auth.stale': {
    source: 'RFC 7616 §3.3',
    text: 'stale=true is answered with the new nonce, without asking anybody.',
  },
  'auth.in-dialog': {
    source: 'RFC 3261 §22.3',
    text: 'A challenge of a request within a call is answered as well.',
  },
  'reg.basic': {
    source: 'RFC 3261 §10.2',
    text: 'The phone registers at start and takes its binding back at the end.',
  },
  'reg.refresh': {
    source: 'RFC 3261 §10.2.4',
    text: 'A registration is refreshed before it expires, with one Call-ID and rising CSeq.',
  },
  'reg.423': {
    source: 'RFC 3261 §10.2.8',
    text: 'After 423 the phone asks for what Min-Expires says.',
  },
  'reg.failover': {
    source: 'RFC 3261 §10, Offhook `registrar` list',
    text: 'When a registrar is down, the next one is used.',
  },
  'reg.stale-binding': {
    source: 'RFC 3261 §10.2.2',
    text: 'A binding of an earlier life of this phone is removed; bindings of others stay.',
  },
  'reg.unanswered': {
    source: 'RFC 3261 §17.1.2.2',
    text: 'A registrar that does not answer is told as such.',
  },
  'uas.cancel': {
    source: 'RFC 3261 §9.2',
    text: 'CANCEL of a ringing call is answered 200, the INVITE 487.',
  },
  'uas.cancel-late': {
    source: 'RFC 3261 §9.2',
    text: 'CANCEL after the final response is answered 200 and changes nothing.',
  },
  'uas.reject': {
    source: 'RFC 3261 §13.3.1.3',
    text: 'A refused call gets the status that the person or script chose.',
  },
  'uas.retransmit-2xx': {
    source: 'RFC 3261 §13.3.1.4',
    text: 'The 2xx is repeated until the ACK comes.',
  },
  'uas.no-ack': {
    source: 'RFC 3261 §13.3.1.4',
    text: 'When no ACK comes within 64 T1, the phone ends the call with BYE.',
  },
  'uas.retransmitted-invite': {
    source: 'RFC 3261 §17.2.1',
    text: 'A repeated INVITE gets the last response again and makes no second call.',
  },
  'uas.merged': {
    source: 'RFC 3261 §8.2.2.2',
    text: 'A request that arrives by two ways gets 482 the second time.',
  },
  'uas.require': {
    source: 'RFC 3261 §8.2.2.3',
    text: 'Require with an unknown option tag gets 420 with Unsupported.',
  },
  'uas.method': {
    source: 'RFC 3261 §8.2.1',
    text: 'An unknown method gets 405 (or 501) and Allow.',
  },
  'uas.max-forwards': {
    source: 'RFC 3261 §8.2, RFC 4475 §3.1.1.11',
    text: 'Max-Forwards of 0 stops proxies, not the phone that was meant.',
  },
  'uas.options': {
    source: 'RFC 3261 §11.2',
    text: 'OPTIONS gets 200 with Allow, Accept and Supported, in a call and outside.',
  },
  'uas.message': { source: 'RFC 3428 §7', text: 'MESSAGE gets 200 and is shown.' },
  'uas.body-type': {
    source: 'RFC 3261 §8.2.3',
    text: 'A body of an unknown type gets 415 with Accept.',
  },
  'uas.compact': {
    source: 'RFC 3261 §7.3.1, §7.3.3',
    text: 'Compact, folded and oddly spaced headers are understood.',
  },
  'uas.vias': {
    source: 'RFC 3261 §8.2.6.2',
    text: 'A response carries all Via and Record-Route values, in order.',
  },
  'uas.torture': {
    source: 'RFC 4475, RFC 5118',
    text: 'Valid but tortuous messages are accepted, broken ones refused or dropped; the next good call works.',
  },
} as const satisfies Record<string, Requirement>;
