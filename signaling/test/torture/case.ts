/** A message that is meant to hurt, and what a sound user agent makes of it. */
export interface TortureCase {
  /** RFC and section. */
  readonly section: string;
  readonly about: string;
  readonly message: string | Buffer;
  /**
   * The final statuses that are right; `silence` for what must get no answer. `handled`: it is a
   * sound message, so anything but 400, 500 and 505.
   */
  readonly expect: readonly number[] | 'silence' | 'handled';
  /** Only where the transport makes a difference. */
  readonly over?: 'udp' | 'tcp';
}

/** Text with line ends as SIP has them, and the length of the body filled in for `LENGTH`. */
export function sip(strings: TemplateStringsArray, ...values: readonly string[]): string {
  const text = String.raw({ raw: strings }, ...values)
    .replace(/^\n/, '')
    .replaceAll('\n', '\r\n');
  const body = text.slice(text.indexOf('\r\n\r\n') + 4);
  return text.replace('LENGTH', String(Buffer.byteLength(body)));
}

/** A small description of a session. */
export const SDP = `v=0
o=mhandley 29739 7272939 IN IP4 192.0.2.3
s=-
c=IN IP4 192.0.2.4
t=0 0
m=audio 49217 RTP/AVP 0 8
`;

/** Fields of which the value does not matter to the case. */
export interface Plain {
  readonly method?: string;
  readonly uri?: string;
  readonly version?: string;
  readonly via?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId: string;
  readonly cseq?: string;
  readonly contact?: string;
  readonly length?: string;
  readonly more?: string;
  readonly body?: string;
}

/** A request that is sound but for what is given. */
export function plain(parts: Plain): string {
  const method = parts.method ?? 'OPTIONS';
  const body = parts.body ?? '';
  const lines = [
    `${method} ${parts.uri ?? 'sip:bob@example.com'} ${parts.version ?? 'SIP/2.0'}`,
    `Via: ${parts.via ?? `SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK.${parts.callId};rport`}`,
    'Max-Forwards: 70',
    `From: ${parts.from ?? '<sip:caller@example.net>;tag=341518'}`,
    `To: ${parts.to ?? '<sip:bob@example.com>'}`,
    `Call-ID: ${parts.callId}`,
    `CSeq: ${parts.cseq ?? `3923942 ${method}`}`,
    `Contact: ${parts.contact ?? '<sip:caller@192.0.2.1>'}`,
    ...(parts.more === undefined ? [] : [parts.more]),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${parts.length ?? 'LENGTH'}`,
    '',
    body,
  ];
  return sip`${lines.join('\n')}`;
}
