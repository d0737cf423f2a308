/** Just enough of SIP's text for a phone on a loopback: no folding, no compact names, no TCP. */

export interface SipMessage {
  /** The method, or undefined for a response. */
  readonly method: string | undefined;
  readonly uri: string;
  /** 0 for a request. */
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

export function parse(text: string): SipMessage {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [first = '', ...lines] = head.split('\r\n');
  const response = /^SIP\/2\.0 (\d{3})/.exec(first);
  const [method, uri = ''] = first.split(' ');
  return {
    method: response === null ? method : undefined,
    uri: response === null ? uri : '',
    status: Number(response?.[1] ?? 0),
    headers: lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()] as const];
    }),
    body,
  };
}

export function header({ headers }: SipMessage, name: string): string {
  return headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1] ?? '';
}

export function headersOf({ headers }: SipMessage, name: string): readonly string[] {
  return headers.flatMap(([one, value]) =>
    one.toLowerCase() === name.toLowerCase() ? [value] : [],
  );
}

export function render(
  first: string,
  headers: readonly (readonly [string, string])[],
  body: string,
): string {
  const lines = [...headers, ['Content-Length', String(Buffer.byteLength(body))] as const];
  return `${first}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

export function tagOf(value: string): string {
  return /;tag=([^;>\s]+)/.exec(value)?.[1] ?? '';
}

/** The URI between the angle brackets of a From, To or Contact. */
export function uriOf(value: string): string {
  return /<([^>]+)>/.exec(value)?.[1] ?? value.split(';')[0] ?? '';
}

export function sdp(direction: 'sendrecv' | 'sendonly', version: number, port: number): string {
  return [
    'v=0',
    `o=phone 1 ${version} IN IP4 127.0.0.1`,
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 8 101`,
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');
}
