import { headerValue, headerValues, type SipHead } from './head.ts';
import { splitOutsideQuotes } from './parse.ts';
import { parseVia, splitVias, type Via } from './via.ts';

/** The values of a message that the layers below sip.js work with. */
export interface Essentials {
  readonly topVia: Via;
  /** Every Via value, the topmost first. */
  readonly vias: readonly string[];
  readonly callId: string;
  readonly cseq: number;
  /** The method of CSeq: of the request that this is, or that this responds to. */
  readonly method: string;
  /** Undefined when there is no Content-Length. */
  readonly contentLength: number | undefined;
}

export type Verdict =
  | { readonly verdict: 'accept'; readonly essentials: Essentials }
  /** A request that can be answered; `topVia` says where and to which transaction. */
  | {
      readonly verdict: 'refuse';
      readonly status: number;
      readonly reason: string;
      readonly topVia: Via;
      readonly vias: readonly string[];
    }
  | { readonly verdict: 'drop'; readonly reason: string };

const MAX_CSEQ = 2 ** 31 - 1;

/** Header fields of which a message has one (RFC 3261 §7.3.1), as far as we read them. */
const SINGLE = ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-type', 'expires'];

/**
 * What RFC 3261 §8.1.1, §8.2 and §18.3 demand of the outer form of a message, whoever it is for.
 * A request that fails gets its 400 if it says where an answer belongs; a response is dropped.
 */
export function checkMessage(head: SipHead, problem?: { status: number; reason: string }): Verdict {
  const vias = splitVias(headerValues(head, 'via'));
  const topVia = vias?.[0] === undefined ? undefined : parseVia(vias[0]);
  if (vias === undefined || topVia === undefined) {
    return { verdict: 'drop', reason: 'no usable Via' };
  }
  const wrong = problem ?? firstProblem(head, vias);
  if (wrong !== undefined) {
    return head.kind === 'request' && head.method !== 'ACK' && answerable(head)
      ? { verdict: 'refuse', ...wrong, topVia, vias }
      : { verdict: 'drop', reason: wrong.reason };
  }
  const cseq = parseCSeq(headerValue(head, 'cseq') ?? '');
  const callId = headerValue(head, 'call-id');
  if (cseq === undefined || callId === undefined) return { verdict: 'drop', reason: 'no CSeq' };
  const length = headerValue(head, 'content-length');
  const contentLength = length === undefined ? undefined : Number(length);
  return { verdict: 'accept', essentials: { topVia, vias, callId, contentLength, ...cseq } };
}

/** `CSeq: 4711 INVITE`. */
export function parseCSeq(value: string): { cseq: number; method: string } | undefined {
  const match = /^([0-9]{1,10})\s+([A-Za-z0-9\-.!%*_+`'~]+)$/.exec(value);
  if (match === null) return undefined;
  const cseq = Number(match[1]);
  return cseq > MAX_CSEQ ? undefined : { cseq, method: match[2] ?? '' };
}

function answerable(head: SipHead): boolean {
  // RFC 3261 §8.2.6.2 copies the other fields; what is missing is left out (RFC 4475 §3.3.1).
  return headerValues(head, 'cseq').length > 0;
}

function firstProblem(
  head: SipHead,
  vias: readonly string[],
): { status: number; reason: string } | undefined {
  const bad = (reason: string): { status: number; reason: string } => ({ status: 400, reason });
  for (const name of ['from', 'to', 'call-id', 'cseq']) {
    if (headerValues(head, name).length === 0) return bad(`Missing ${title(name)} Header Field`);
  }
  for (const name of SINGLE) {
    if (headerValues(head, name).length > 1) return bad(`Several ${title(name)} Header Fields`);
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const control = head.fields.find(({ value }) => /[\u0000-\u0008\u000b-\u001f\u007f]/.test(value));
  if (control !== undefined) return bad(`Malformed ${title(control.name)} Header Field`);
  const cseq = parseCSeq(headerValue(head, 'cseq') ?? '');
  if (cseq === undefined) return bad('Malformed CSeq Header Field');
  if (head.kind === 'request' && cseq.method !== head.method) {
    return bad('CSeq Method Does Not Match');
  }
  if (!/^\S+$/.test(headerValue(head, 'call-id') ?? '')) {
    return bad('Malformed Call-ID Header Field');
  }
  if (head.kind === 'response') return vias.length > 1 ? bad('several Via values') : undefined;
  const hops = headerValue(head, 'max-forwards');
  if (hops !== undefined && !(/^[0-9]{1,10}$/.test(hops) && Number(hops) <= 255)) {
    return bad('Malformed Max-Forwards Header Field');
  }
  for (const name of ['from', 'to', 'contact']) {
    for (const value of headerValues(head, name)) {
      if (!isAddressLike(value, name !== 'contact')) {
        return bad(`Malformed ${title(name)} Header Field`);
      }
    }
  }
  return lengthProblem(head);
}

/**
 * Quotes and brackets closed, no parameter left out between two semicolons, and no comma in From or
 * To, which hold one address (RFC 4475 §3.1.2.1, §3.1.2.6 and §3.1.2.15).
 */
function isAddressLike(value: string, single: boolean): boolean {
  const values = splitOutsideQuotes(value, ',');
  if (values === undefined || (single && values.length > 1)) return false;
  return values.every((one) => {
    const parts = splitOutsideQuotes(one, ';') ?? [];
    // One at the end is forgiven: there are phones that write it.
    return parts[0] !== '' && !parts.slice(1, -1).includes('');
  });
}

/** Several Content-Length fields are refused even when equal: who reads which is not known. */
export function lengthProblem(head: SipHead): { status: number; reason: string } | undefined {
  const lengths = headerValues(head, 'content-length');
  const fine =
    lengths.length === 0 || (lengths.length === 1 && /^[0-9]{1,9}$/.test(lengths[0] ?? ''));
  return fine ? undefined : { status: 400, reason: 'Malformed Content-Length Header Field' };
}

const TITLES: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
  'min-se': 'Min-SE',
  rack: 'RAck',
  rseq: 'RSeq',
  'mime-version': 'MIME-Version',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
};

/** `max-forwards` as it is written: `Max-Forwards`. */
export function title(name: string): string {
  return TITLES[name] ?? name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
