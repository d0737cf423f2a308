import type { Headers } from '../message/headers.ts';
import { param } from '../message/lexer.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { parseUri } from '../message/uri.ts';

/** How many URIs one call tries because somebody redirected it. */
export const MAX_REDIRECTS = 5;

/**
 * The contacts of a 3xx that can be called, best q first (RFC 3261 §8.1.3.4); those tried before are
 * left out, so that two servers that point at each other end the call.
 */
export function redirectTargets(headers: Headers, tried: ReadonlySet<string>): readonly string[] {
  return headers
    .list('contact')
    .map(parseNameAddr)
    .filter((contact) => contact !== undefined)
    .filter(({ uri }) => parseUri(uri) !== undefined && !tried.has(uri))
    .map(({ uri, params }) => ({ uri, q: quality(param(params, 'q')) }))
    .toSorted((a, b) => b.q - a.q)
    .map(({ uri }) => uri);
}

function quality(value: string | undefined): number {
  const q = Number(value ?? 1);
  return Number.isFinite(q) ? Math.min(1, Math.max(0, q)) : 1;
}
