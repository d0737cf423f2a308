/**
 * The few lexical rules that nearly every SIP header shares (RFC 3261 §25.1): lists at commas and
 * parameters at semicolons, neither inside a quoted string nor inside angle brackets.
 */
import { splitOutsideQuotes as split } from '../../transport/parse.ts';

/** `name[=value]` in order of appearance; names in lower case, quotes kept. */
export type Params = readonly (readonly [name: string, value: string | undefined])[];

/** Splits at `separator` outside quotes and angle brackets; pieces are trimmed, empty ones dropped. */
export function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const pieces = text.includes(separator) ? (split(text, separator) ?? [text]) : [text];
  return pieces.map((piece) => piece.trim()).filter((piece) => piece !== '');
}

/** Parses `;a=b;c` (the first semicolon may be missing). */
export function parseParams(text: string): Params {
  if (text === '') return [];
  return splitOutsideQuotes(text, ';').map((piece) => {
    const at = piece.indexOf('=');
    return at < 0
      ? ([piece.toLowerCase(), undefined] as const)
      : ([piece.slice(0, at).trim().toLowerCase(), piece.slice(at + 1).trim()] as const);
  });
}

/** The value of a parameter: `undefined` when absent, `''` when it has no value. */
export function param(params: Params, name: string): string | undefined {
  const found = params.find(([key]) => key === name);
  return found === undefined ? undefined : (found[1] ?? '');
}

export function formatParams(params: Params): string {
  return params
    .map(([name, value]) => (value === undefined ? `;${name}` : `;${name}=${value}`))
    .join('');
}

/** The text of a quoted-string, or the text itself when it is none. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, text.endsWith('"') ? -1 : undefined).replaceAll(/\\(.)/gs, '$1');
}

export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\r\n]+/g, ' ')}"`;
}
