import type { Body, BodyPart } from '../../api.ts';
import { MalformedMessage } from '../../transport/core-parse.ts';
import type { HeaderField } from '../../transport/head.ts';
import type { Endpoint, Flow } from '../../transport/layer.ts';
import type * as layer from '../../transport/layer.ts';
import { Headers, type HeaderPair } from './headers.ts';
import { parseNameAddr, tagOf, type NameAddr } from './name-addr.ts';
import { isAbsoluteUri, parseUri } from './uri.ts';

interface Common {
  readonly headers: Headers;
  readonly body: string;
  /** What the transport layer names the transaction by; not the branch on the wire. */
  readonly branch: string;
  readonly from: NameAddr;
  readonly fromTag: string | undefined;
  readonly to: NameAddr;
  readonly toTag: string | undefined;
  readonly callId: string;
  readonly cseq: CSeq;
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

export interface SipRequest extends Common {
  readonly kind: 'request';
  readonly method: string;
  /** Request-URI as written. */
  readonly uri: string;
  /** What it came on; the answer goes back the same way. */
  readonly flow: Flow;
}

export interface SipResponse extends Common {
  readonly kind: 'response';
  readonly status: number;
  readonly reason: string;
  /** Absent in a response that was made here because the request could not be sent. */
  readonly flow: Flow | undefined;
  readonly seenAs: Endpoint | undefined;
}

/** Throws MalformedMessage when a value that everything rests on cannot be read. */
export function readRequest(event: layer.IncomingRequest): SipRequest {
  const { head, flow, branch, body } = event;
  const { method, uri } = head;
  if (parseUri(uri) === undefined && /^sips?:/i.test(uri)) {
    throw new MalformedMessage('Malformed Request-URI');
  }
  return { kind: 'request', method, uri, flow, ...readCommon(head.fields, branch, body) };
}

/** Throws MalformedMessage, as `readRequest` does. */
export function readResponse(event: layer.IncomingResponse): SipResponse {
  const { head, flow, seenAs, branch, body } = event;
  const { status, reason } = head;
  return {
    kind: 'response',
    status,
    reason,
    flow,
    seenAs,
    ...readCommon(head.fields, branch, body),
  };
}

function readCommon(fields: readonly HeaderField[], branch: string, body: string): Common {
  const headers = new Headers(fields);
  const from = readAddress(headers, 'From');
  const to = readAddress(headers, 'To');
  const callId = headers.get('call-id');
  const cseq = parseCSeq(headers.get('cseq'));
  if (callId === undefined) throw new MalformedMessage('Malformed Call-ID Header Field');
  if (cseq === undefined) throw new MalformedMessage('Malformed CSeq Header Field');
  for (const name of ['Contact', 'Record-Route', 'Route'] as const) checkAddresses(headers, name);
  return { headers, body, branch, from, fromTag: tagOf(from), to, toTag: tagOf(to), callId, cseq };
}

function readAddress(headers: Headers, name: 'From' | 'To'): NameAddr {
  const value = parseNameAddr(headers.get(name.toLowerCase()) ?? '');
  if (value === undefined || !isUri(value.uri)) {
    throw new MalformedMessage(`Malformed ${name} Header Field`);
  }
  return value;
}

function checkAddresses(headers: Headers, name: 'Contact' | 'Record-Route' | 'Route'): void {
  for (const value of headers.list(name.toLowerCase())) {
    if (value === '*' && name === 'Contact') continue;
    const address = parseNameAddr(value);
    if (address === undefined || !isUri(address.uri)) {
      throw new MalformedMessage(`Malformed ${name} Header Field`);
    }
  }
}

/** A SIP URI, or one of another scheme that is none of our business. */
function isUri(text: string): boolean {
  return parseUri(text) !== undefined || (!/^sips?:/i.test(text) && isAbsoluteUri(text));
}

/** CSeq numbers are below 2^31 (RFC 3261 §8.1.1.5). */
function parseCSeq(value: string | undefined): CSeq | undefined {
  const match = /^(\d{1,10})\s+(\S+)$/.exec(value ?? '');
  if (match === null) return undefined;
  const number = Number(match[1]);
  return number < 2 ** 31 ? { number, method: match[2] ?? '' } : undefined;
}

/** The body with its media type (lower case, no parameters); undefined when there is none. */
export function bodyOf(message: Common): Body | undefined {
  if (message.body === '') return undefined;
  const type = (message.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  return { type: type ?? '', content: message.body };
}

export function sdpOf(message: Common): string | undefined {
  const body = bodyOf(message);
  if (body === undefined) return undefined;
  if (body.type === 'application/sdp') return body.content;
  return body.type.startsWith('multipart/') ? sdpPart(message) : undefined;
}

/**
 * RFC 3261 §8.2.3: the header fields of the 415 that a body deserves which we cannot read and may not
 * ignore; undefined when there is no such body.
 */
export function unreadableBody(message: Common): readonly HeaderPair[] | undefined {
  const { headers } = message;
  if (message.body === '') return undefined;
  if (/;\s*handling\s*=\s*optional\b/i.test(headers.get('content-disposition') ?? '')) {
    return undefined;
  }
  const encodings = headers.tokens('content-encoding').filter((name) => name !== 'identity');
  if (encodings.length > 0) return [['accept-encoding', 'identity']];
  return sdpOf(message) === undefined ? [['accept', 'application/sdp']] : undefined;
}

/** The SDP of a multipart body (RFC 5621): the first part of that type. */
function sdpPart(message: Common): string | undefined {
  const boundary = /;\s*boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(
    message.headers.get('content-type') ?? '',
  );
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return undefined;
  for (const part of `\r\n${message.body}`.split(`\r\n--${mark}`).slice(1, 17)) {
    const end = part.indexOf('\r\n\r\n');
    if (end >= 0 && /^content-type\s*:\s*application\/sdp\b/im.test(part.slice(0, end))) {
      return part.slice(end + 4) + '\r\n';
    }
  }
  return undefined;
}

/** Several bodies as one (RFC 2046 §5.1.3); `boundary` must be in none of them. */
export function multipart(parts: readonly BodyPart[], boundary: string): Body {
  const texts = parts.map(({ type, content, contentId }) => {
    const id = contentId === undefined ? '' : `Content-ID: <${contentId}>\r\n`;
    return `--${boundary}\r\nContent-Type: ${type}\r\n${id}\r\n${content}\r\n`;
  });
  return {
    type: `multipart/mixed;boundary="${boundary}"`,
    content: `${texts.join('')}--${boundary}--\r\n`,
  };
}

/** The request as text again, with or without its body, and without what is somebody's password. */
export function requestAsCame(request: SipRequest, withoutBody: boolean): string {
  const { method, uri, headers } = request;
  const body = withoutBody ? '' : request.body;
  const kept = headers.fields.filter(({ name }) => !/^(?:proxy-)?authorization$/.test(name));
  const head = new Headers(kept);
  head.set('content-length', String(Buffer.byteLength(body)));
  return `${method} ${uri} SIP/2.0\r\n${head.toString()}\r\n${body}`;
}

/** A message as text; `start` is the start line. Content-Length is counted in bytes. */
export function serialize(start: string, headers: Headers, body: Body | undefined): string {
  const type = body === undefined ? '' : `Content-Type: ${body.type}\r\n`;
  const length = body === undefined ? 0 : Buffer.byteLength(body.content);
  return `${start}\r\n${headers.toString()}${type}Content-Length: ${length}\r\n\r\n${body?.content ?? ''}`;
}
