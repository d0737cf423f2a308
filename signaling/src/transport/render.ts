import { headerValue, headerValues, type HeaderField, type SipHead } from './head.ts';
import { title } from './check.ts';
import { splitOutsideQuotes } from './parse.ts';

/** A whole message as text, one header field a line, long names. */
export function renderMessage(head: SipHead, body: string): string {
  const start =
    head.kind === 'request'
      ? `${head.method} ${head.uri} SIP/2.0`
      : `SIP/2.0 ${head.status} ${head.reason}`;
  const lines = head.fields.map(({ name, value }) => `${title(name)}: ${value}\r\n`);
  return `${start}\r\n${lines.join('')}\r\n${body}`;
}

/** The head with its Via fields replaced by these values, in the place of the first. */
export function withVias(head: SipHead, vias: readonly string[]): SipHead {
  const fields: HeaderField[] = [];
  let placed = false;
  for (const field of head.fields) {
    if (field.name !== 'via') fields.push(field);
    else if (!placed) {
      placed = true;
      fields.push(...vias.map((value) => ({ name: 'via', value })));
    }
  }
  return { ...head, fields };
}

/**
 * A response made below sip.js (RFC 3261 §8.2.6): copies what the request has of Via, From, To,
 * Call-ID and CSeq.
 */
export function renderResponse(
  request: SipHead,
  answer: {
    status: number;
    reason: string;
    vias: readonly string[];
    /** Added to a To without one, unless the status is 100. */
    toTag: string;
    extra?: readonly HeaderField[];
  },
): string {
  const copied = (name: string): HeaderField[] =>
    headerValues(request, name)
      .slice(0, 1)
      .map((value) => ({ name, value }));
  const to = headerValue(request, 'to');
  const tagged =
    to === undefined || answer.status === 100 || hasTag(to) ? to : `${to};tag=${answer.toTag}`;
  return renderMessage(
    {
      kind: 'response',
      status: answer.status,
      reason: answer.reason,
      fields: [
        ...answer.vias.map((value) => ({ name: 'via', value })),
        ...copied('from'),
        ...(tagged === undefined ? [] : [{ name: 'to', value: tagged }]),
        ...copied('call-id'),
        ...copied('cseq'),
        ...(answer.extra ?? []),
        { name: 'content-length', value: '0' },
      ],
    },
    '',
  );
}

/** Whether a From or To value has a tag parameter. */
function hasTag(value: string): boolean {
  return tagOf(value) !== undefined;
}

/** The tag parameter of a From or To value. */
export function tagOf(value: string): string | undefined {
  for (const part of splitOutsideQuotes(value, ';')?.slice(1) ?? []) {
    const match = /^tag\s*=\s*(.*)$/i.exec(part);
    if (match !== null) return match[1];
  }
  return undefined;
}

/**
 * The ACK of a non-2xx final response (RFC 3261 §17.1.1.3), for an INVITE whose transaction user
 * does not get to see that response.
 */
export function renderAck(invite: SipHead & { kind: 'request' }, response: SipHead): string {
  const one = (name: string, from: SipHead): HeaderField[] =>
    headerValues(from, name)
      .slice(0, 1)
      .map((value) => ({ name, value }));
  const cseq = (headerValue(invite, 'cseq') ?? '').replace(/\s.*$/, '');
  return renderMessage(
    {
      kind: 'request',
      method: 'ACK',
      uri: invite.uri,
      fields: [
        ...one('via', invite),
        ...headerValues(invite, 'route').map((value) => ({ name: 'route', value })),
        { name: 'max-forwards', value: '70' },
        ...one('from', invite),
        ...one('to', response),
        ...one('call-id', invite),
        { name: 'cseq', value: `${cseq} ACK` },
        { name: 'content-length', value: '0' },
      ],
    },
    '',
  );
}

/** The text with the Via fields (which sip.js writes as one line) replaced by these values. */
export function replaceVias(text: string, vias: readonly string[]): string {
  const lines = vias.map((via) => `\r\nVia: ${via}`).join('');
  return text.replace(/\r\nVia:[^\r\n]*/i, () => lines);
}
