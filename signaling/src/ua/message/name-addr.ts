import { formatParams, param, parseParams, quote, unquote, type Params } from './lexer.ts';

/** A From, To, Contact, Route … value: name-addr or addr-spec with header parameters. */
export interface NameAddr {
  readonly displayName?: string;
  readonly uri: string;
  readonly params: Params;
}

/** Undefined when there is no URI in it. */
export function parseNameAddr(text: string): NameAddr | undefined {
  const open = openingAngle(text);
  if (open < 0) {
    // addr-spec: what follows the first semicolon belongs to the header (RFC 3261 §20.10).
    const semicolon = text.indexOf(';');
    const uri = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
    if (uri === '' || /[\s"<>,?]/.test(uri)) return undefined;
    return { uri, params: semicolon < 0 ? [] : parseParams(text.slice(semicolon + 1)) };
  }
  const close = text.indexOf('>', open);
  if (close < 0) return undefined;
  const uri = text.slice(open + 1, close).trim();
  const rest = text.slice(close + 1).trim();
  const before = text.slice(0, open).trim();
  if (uri === '' || /\s/.test(uri) || (rest !== '' && !rest.startsWith(';'))) return undefined;
  if (before.startsWith('"') ? !/^"(?:[^"\\]|\\.)*"$/s.test(before) : before.includes('"')) {
    return undefined;
  }
  const displayName = unquote(before);
  return {
    ...(displayName !== '' && { displayName }),
    uri,
    params: rest === '' ? [] : parseParams(rest.slice(1)),
  };
}

/** Index of the `<` that opens the URI, skipping one inside a quoted display name. */
function openingAngle(text: string): number {
  if (!text.startsWith('"')) return text.indexOf('<');
  for (let i = 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return text.indexOf('<', i);
  }
  return -1;
}

export function formatNameAddr(value: NameAddr): string {
  const name = value.displayName === undefined ? '' : `${quote(value.displayName)} `;
  return `${name}<${value.uri}>${formatParams(value.params)}`;
}

export function tagOf(value: NameAddr): string | undefined {
  const tag = param(value.params, 'tag');
  return tag === '' ? undefined : tag;
}

/** The same address with another tag. */
export function withTag(value: NameAddr, tag: string): NameAddr {
  return {
    ...value,
    params: [...value.params.filter(([name]) => name !== 'tag'), ['tag', tag] as const],
  };
}
