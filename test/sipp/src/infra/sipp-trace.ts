import { readFileSync } from 'node:fs';
import { parseSip, type SipMessage } from './sip-message.ts';

const SEPARATOR = /^-{40,} .*\n(UDP|TCP|TLS|SCTP) message (sent|received)[^\n]*\n\n/gm;

/** The messages in a file of SIPp's `-trace_msg`, oldest first. */
export function readTrace(file: string): SipMessage[] {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return [];
  }
  const marks = [...text.matchAll(SEPARATOR)];
  return marks.map((mark, index) => {
    const from = mark.index + mark[0].length;
    const to = marks[index + 1]?.index ?? text.length;
    return parseSip(text.slice(from, to), {
      sent: mark[2] === 'sent',
      transport: mark[1] ?? '',
    });
  });
}
