import type { HeaderField, SipHead } from './head.ts';

/** Compact forms (RFC 3261 §7.3.3 and the registry that it started) and their long names. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

export type HeadResult =
  | { readonly ok: true; readonly head: SipHead }
  | {
      readonly ok: false;
      /** What is wrong, in a few words; also the reason phrase of the answer. */
      readonly problem: string;
      /** As much as could be read, for an answer; absent when nothing can be answered. */
      readonly head: SipHead | undefined;
      readonly status: 400 | 505;
    };

const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const STATUS_LINE = /^SIP\/2\.0 ([1-6][0-9]{2}) ?(.*)$/i;
const VERSION = /^SIP\/[0-9]+\.[0-9]+$/i;

/**
 * Reads the start line and the header fields of one message: `text` ends before the empty line.
 * Only the outer form is checked here; `checkMessage` looks at the values.
 */
export function parseHead(text: string): HeadResult {
  const lines = text.split('\r\n');
  const fields: HeaderField[] = [];
  let problem: string | undefined;
  for (const line of unfold(lines.slice(1))) {
    const field = parseField(line);
    if (field === undefined) problem ??= 'Malformed Header Field';
    else fields.push(field);
  }
  const start = parseStartLine(lines[0] ?? '', fields);
  if (!start.ok || problem === undefined) return start;
  return { ok: false, problem, head: start.head, status: 400 };
}

function parseStartLine(line: string, fields: readonly HeaderField[]): HeadResult {
  if (/^SIP\//i.test(line)) {
    const match = STATUS_LINE.exec(line);
    if (match === null) {
      return { ok: false, problem: 'Malformed Status Line', head: undefined, status: 400 };
    }
    const [, status = '', reason = ''] = match;
    return { ok: true, head: { kind: 'response', status: Number(status), reason, fields } };
  }
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, first);
  if (first <= 0 || !TOKEN.test(method)) {
    return { ok: false, problem: 'Malformed Request Line', head: undefined, status: 400 };
  }
  const version = line.slice(last + 1);
  const uri = line.slice(first + 1, last);
  const head: SipHead = { kind: 'request', method, uri, fields };
  if (last === first || !VERSION.test(version)) {
    return { ok: false, problem: 'Malformed Request Line', head, status: 400 };
  }
  if (version.toUpperCase() !== 'SIP/2.0') {
    return { ok: false, problem: 'Version Not Supported', head, status: 505 };
  }
  // Neither white space nor brackets: RFC 3261 §25.1, RFC 4475 §3.1.2.7 to §3.1.2.9.
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/.test(uri)) {
    return { ok: false, problem: 'Malformed Request-URI', head, status: 400 };
  }
  return { ok: true, head };
}

/** Joins continuation lines (RFC 3261 §7.3.1): the fold becomes one space. */
function unfold(lines: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const line of lines) {
    const last = joined.length - 1;
    if (/^[ \t]/.test(line) && last >= 0) {
      joined[last] = `${joined[last]?.trimEnd() ?? ''} ${line.trim()}`;
    } else {
      joined.push(line);
    }
  }
  return joined;
}

function parseField(line: string): HeaderField | undefined {
  const colon = line.indexOf(':');
  if (colon < 0) return undefined;
  const written = line.slice(0, colon).trimEnd();
  if (!TOKEN.test(written)) return undefined;
  const name = written.toLowerCase();
  // A lone CR or LF inside a value would start a new line at whoever reads it less strictly.
  const value = line
    .slice(colon + 1)
    .replaceAll(/[\r\n]/g, ' ')
    .trim();
  return { name: COMPACT[name] ?? name, value };
}

/**
 * Splits a header value at the separator, outside quoted strings and angle brackets; parts are
 * trimmed. Undefined if a quote or bracket stays open.
 */
export function splitOutsideQuotes(value: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  let angle = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') {
      quoted = true;
    } else if (char === '<' && !angle) {
      angle = true;
    } else if (char === '>' && angle) {
      angle = false;
    } else if (char === separator && !angle) {
      parts.push(value.slice(from, at).trim());
      from = at + 1;
    }
  }
  if (quoted || angle) return undefined;
  parts.push(value.slice(from).trim());
  return parts;
}
