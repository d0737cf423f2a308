import { printable } from '@offhook/common/printable';

/** A SIP message as it crossed the wire, secrets masked. */
export interface TracedMessage {
  /** Wall clock, ms since the epoch. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  readonly transport: string;
  readonly local: string;
  readonly remote: string;
  readonly message: string;
}

const LANE = 46;

/**
 * A call as telephony engineers draw it: this phone at the left, every far end in a column of its own
 * line, an arrow for each message with the time since the first one.
 */
export function ladder(messages: readonly TracedMessage[]): string {
  const [first] = messages;
  if (first === undefined) return '';
  return messages.map((message) => `${rung(message, first.at)}\n`).join('');
}

/** One message; `from`: wall clock of the ladder's beginning. */
export function rung(traced: TracedMessage, from: number): string {
  const { at, direction, transport, local, remote, message } = traced;
  const time = `+${((at - from) / 1000).toFixed(3)}`.padStart(9);
  const label = ` ${summary(message)} `.slice(0, LANE - 2);
  const dashes = '-'.repeat(LANE - 1 - label.length);
  const arrow = direction === 'out' ? `${label}${dashes}>` : `<${dashes}${label}`;
  return `${time}  ${local} |${arrow}| ${remote} (${transport})`;
}

/** Request line or status line, and what tells it from others: CSeq, SDP direction, reasons. */
export function summary(message: string): string {
  const [start = '', ...lines] = message.split('\r\n');
  const cseq = header(lines, 'cseq') ?? '';
  const status = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  const words =
    status === null
      ? [start.split(' ', 1)[0] ?? '', `(${cseq.split(/\s/, 1)[0] ?? ''})`]
      : [status[1] ?? '', status[2] ?? '', `(${cseq})`];
  const body = message.split('\r\n\r\n', 2)[1] ?? '';
  if (body.startsWith('v=0')) words.push(`SDP ${sdpDirection(body)}`);
  const reason = header(lines, 'reason');
  if (reason !== undefined) words.push(reason);
  return printable(words.join(' '));
}

function header(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    if (line === '') return undefined;
    const colon = line.indexOf(':');
    if (line.slice(0, colon).trim().toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}

function sdpDirection(body: string): string {
  return /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(body)?.[1] ?? 'sendrecv';
}
