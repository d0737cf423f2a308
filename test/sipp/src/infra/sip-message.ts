/** A SIP message as it went over the wire, taken apart just enough to be looked at. */
export interface SipMessage {
  readonly sent: boolean;
  readonly transport: string;
  readonly startLine: string;
  /** Header names in their long form, lower case; values in the order of appearance. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
  /** 0 for a request. */
  readonly status: number;
  /** Of the request, or of the CSeq of a response. */
  readonly method: string;
}

/** RFC 3261 §7.3.3 and the extensions that have one. */
const COMPACT: Readonly<Record<string, string>> = {
  i: 'call-id',
  m: 'contact',
  e: 'content-encoding',
  l: 'content-length',
  c: 'content-type',
  f: 'from',
  s: 'subject',
  k: 'supported',
  t: 'to',
  v: 'via',
  x: 'session-expires',
};

export function parseSip(text: string, where = { sent: false, transport: '' }): SipMessage {
  const [head = '', ...rest] = text.replaceAll('\r\n', '\n').split('\n\n');
  const [startLine = '', ...lines] = head.replaceAll(/\n[ \t]+/g, ' ').split('\n');
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 0) continue;
    const written = line.slice(0, colon).trim().toLowerCase();
    const name = COMPACT[written] ?? written;
    const values = headers.get(name) ?? [];
    values.push(line.slice(colon + 1).trim());
    headers.set(name, values);
  }
  const status = Number(/^SIP\/2\.0 (\d{3})/.exec(startLine)?.[1] ?? 0);
  const cseqMethod = headers.get('cseq')?.[0]?.split(/\s+/)[1] ?? '';
  return {
    ...where,
    startLine,
    headers,
    body: rest.join('\n\n'),
    status,
    method: status === 0 ? (startLine.split(' ')[0] ?? '') : cseqMethod,
  };
}

export function header(message: SipMessage, name: string): string | undefined {
  return message.headers.get(name.toLowerCase())?.[0];
}

/** All values, comma-separated ones apart (for Route, Record-Route, Via, Supported …). */
export function headerList(message: SipMessage, name: string): string[] {
  return (message.headers.get(name.toLowerCase()) ?? []).flatMap((value) =>
    value.split(/,(?![^<]*>)(?![^"]*"(?:[^"]*"[^"]*")*[^"]*$)/).map((part) => part.trim()),
  );
}

/** Parameters of an authentication header or a challenge: `Digest a="b", c=d`. */
export function digestFields(value: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, name = '', quoted, bare] of value.matchAll(
    /([a-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))/gi,
  )) {
    fields[name.toLowerCase()] = quoted ?? bare ?? '';
  }
  return fields;
}

/** Of a session description: address and port of its first audio stream, and its lines. */
export function audioTarget(sdp: string): { address: string; port: number } | undefined {
  const lines = sdp.split(/\r?\n/);
  const media = lines.findIndex((line) => line.startsWith('m=audio '));
  if (media < 0) return undefined;
  const connection =
    lines.slice(media).find((line) => line.startsWith('c=')) ??
    lines.slice(0, media).find((line) => line.startsWith('c='));
  const address = connection?.split(/\s+/)[2];
  const port = Number(lines[media]?.split(/\s+/)[1]);
  return address === undefined ? undefined : { address, port };
}

/** Attribute lines of a description: `attributes(sdp, 'crypto')` → what follows `a=crypto:`. */
export function attributes(sdp: string, name: string): string[] {
  return sdp
    .split(/\r?\n/)
    .filter((line) => line === `a=${name}` || line.startsWith(`a=${name}:`))
    .map((line) => line.slice(`a=${name}:`.length));
}

/** RFC 3264 §6.1; `sendrecv` when nothing is said. */
export function directionOf(sdp: string): string {
  return /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] ?? 'sendrecv';
}

/** RFC 4733's payload type in a description. */
export function telephoneEventType(sdp: string): number | undefined {
  const row = attributes(sdp, 'rtpmap').find((value) => /telephone-event\/8000/i.test(value));
  return row === undefined ? undefined : Number(row.split(' ')[0]);
}
