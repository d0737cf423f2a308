import { SDP, plain, type TortureCase } from './case.ts';

const V6_SDP = SDP.replaceAll('IN IP4 192.0.2.4', 'IN IP6 2001:db8::20').replaceAll(
  'IN IP4 192.0.2.3',
  'IN IP6 2001:db8::20',
);

/** RFC 5118 §4: IPv6 addresses, right and wrong. */
export const IPV6: readonly TortureCase[] = [
  {
    section: '5118 4.1',
    about: 'IPv6 references in the Request-URI and Via',
    message: plain({
      callId: 'SSG9559905523997077@hlau_4100',
      uri: 'sip:bob@[2001:db8::10]',
      via: 'SIP/2.0/UDP [2001:db8::9:1];rport;branch=z9hG4bKas3-111',
      contact: '"Caller" <sip:caller@[2001:db8::1]>',
    }),
    expect: [200],
  },
  {
    section: '5118 4.2',
    about: 'an IPv6 address without brackets in the Request-URI',
    message: plain({ callId: '5118.4.2', uri: 'sip:2001:db8::10' }),
    expect: [400],
  },
  {
    section: '5118 4.3',
    about: 'a port within the brackets, which is part of the address',
    message: plain({ callId: '5118.4.3', uri: 'sip:bob@[2001:db8::10:5070]' }),
    expect: [200, 404],
  },
  {
    section: '5118 4.4',
    about: 'a port behind the brackets',
    message: plain({ callId: '5118.4.4', uri: 'sip:bob@[2001:db8::10]:5070' }),
    expect: [200, 404],
  },
  {
    section: '5118 4.5',
    about: 'received with brackets, as some write it',
    message: plain({
      callId: '5118.4.5a',
      via: 'SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];rport;branch=z9hG4bKas3-111a',
    }),
    expect: [200],
  },
  {
    section: '5118 4.5',
    about: 'received without brackets, as the grammar has it',
    message: plain({
      callId: '5118.4.5b',
      via: 'SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;rport;branch=z9hG4bKas3-111b',
    }),
    expect: [200],
  },
  {
    section: '5118 4.6',
    about: 'an IPv6 address in the description',
    message: plain({
      method: 'INVITE',
      callId: '5118.4.6',
      body: V6_SDP,
      contact: '<sip:caller@[2001:db8::20]>',
    }),
    expect: 'handled',
  },
  {
    section: '5118 4.7',
    about: 'addresses of both families in one request',
    message: plain({
      method: 'INVITE',
      callId: '5118.4.7',
      via: 'SIP/2.0/UDP [2001:db8::9:1]:6050;rport;branch=z9hG4bKas3-111c\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
      body: SDP,
      contact: '<sip:caller@[2001:db8::9:1]>',
    }),
    expect: 'handled',
  },
  {
    section: '5118 4.8',
    about: 'addresses of both families in one description',
    message: plain({
      method: 'INVITE',
      callId: '5118.4.8',
      body: `${SDP}m=video 6002 RTP/AVP 31\nc=IN IP6 2001:db8::20\n`,
    }),
    expect: 'handled',
  },
  {
    section: '5118 4.9',
    about: 'an IPv4 address mapped into IPv6',
    message: plain({
      method: 'INVITE',
      callId: '5118.4.9',
      via: 'SIP/2.0/UDP [::ffff:192.0.2.10]:19823;rport;branch=z9hG4bKbh19',
      contact: '"T. desk phone" <sip:ted@[::ffff:192.0.2.2]>',
      body: SDP,
    }),
    expect: 'handled',
  },
  {
    section: '5118 4.10',
    about: 'three colons in a row, as the grammar of RFC 3261 once had it',
    message: plain({ callId: '5118.4.10', uri: 'sip:bob@[2001:db8:::192.0.2.1]' }),
    expect: [200, 400, 404],
  },
];
