import type { Body } from '../../api.ts';
import { reasonPhrase } from '../words.ts';

/** The status line in a report (RFC 3420, RFC 3515 §2.4.5); undefined when the body is none. */
export function parseSipfrag(
  body: Body | undefined,
): { readonly status: number; readonly reason: string } | undefined {
  if (body?.type !== 'message/sipfrag') return undefined;
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: ([^\r\n]*))?/i.exec(body.content.trimStart());
  if (match === null) return undefined;
  return { status: Number(match[1]), reason: (match[2] ?? '').trim() };
}

export function sipfrag(status: number, reason = reasonPhrase(status)): Body {
  const words = reason.replaceAll(/[\r\n]+/g, ' ');
  return { type: 'message/sipfrag;version=2.0', content: `SIP/2.0 ${status} ${words}\r\n` };
}
