/** One `scheme name=value, name="value"` of an authentication header field. */
export interface AuthParams {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case; values without quotes and escapes. */
  readonly params: ReadonlyMap<string, string>;
}

const MAX_PARAMS = 64;

interface Reader {
  readonly text: string;
  at: number;
}

/**
 * Reads a header value that holds one or several challenges, or credentials (RFC 7235 §2.1,
 * RFC 3261 §25.1). A comma stands between parameters as well as between challenges: a word that
 * is not followed by `=` begins the next challenge. Malformed text ends the reading; what came
 * whole before it counts.
 */
export function parseAuth(value: string): readonly AuthParams[] {
  const found: { scheme: string; params: Map<string, string> }[] = [];
  const reader: Reader = { text: value, at: 0 };
  let count = 0;
  for (;;) {
    skip(reader, /[\s,]*/y);
    const word = take(reader, /[A-Za-z0-9\-.!%*_+`'~]+/y);
    if (word === undefined) return found;
    skip(reader, /\s*/y);
    const current = found.at(-1);
    if (reader.text[reader.at] !== '=') {
      found.push({ scheme: word.toLowerCase(), params: new Map() });
      continue;
    }
    reader.at++;
    skip(reader, /\s*/y);
    const content = readValue(reader);
    if (content === undefined || current === undefined || ++count > MAX_PARAMS) return found;
    const name = word.toLowerCase();
    // The first one counts: a second cannot take over what was checked already.
    if (!current.params.has(name)) current.params.set(name, content);
  }
}

function readValue(reader: Reader): string | undefined {
  if (reader.text[reader.at] !== '"') return take(reader, /[^\s,"]+/y);
  const quoted = take(reader, /"(?:[^"\\]|\\[^])*"/y);
  return quoted?.slice(1, -1).replaceAll(/\\([^])/g, '$1');
}

function take(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const match = pattern.exec(reader.text);
  if (match === null) return undefined;
  reader.at = pattern.lastIndex;
  return match[0];
}

function skip(reader: Reader, pattern: RegExp): void {
  take(reader, pattern);
}

/** A quoted-string (RFC 3261 §25.1): quotes and backslashes escaped, line ends left out. */
export function quote(value: string): string {
  return `"${value.replaceAll(/[\r\n]/g, '').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
