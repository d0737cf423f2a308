import type { Headers } from '../message/headers.ts';
import { param } from '../message/lexer.ts';
import { parseNameAddr } from '../message/name-addr.ts';
import { parseUri } from '../message/uri.ts';

/** How many URIs one call tries because somebody redirected it. */
const MAX_REDIRECTS = 5;

/** Whom a call tries in turn: the callee, and where somebody has redirected it. */
export class Targets {
  #queue: string[];
  readonly #tried: Set<string>;

  constructor(queue: readonly string[], tried: readonly string[] = []) {
    this.#queue = [...queue];
    this.#tried = new Set(tried);
  }

  get left(): number {
    return this.#queue.length;
  }

  next(): string | undefined {
    const target = this.#queue.shift();
    if (target !== undefined) this.#tried.add(target);
    return target;
  }

  /** A 3xx: its contacts come next. */
  redirect(headers: Headers): void {
    const room = Math.max(0, MAX_REDIRECTS - this.#tried.size - this.#queue.length + 1);
    this.#queue.unshift(...redirectTargets(headers, this.#tried).slice(0, room));
  }

  snapshot(): { targets: string[]; tried: string[] } {
    return { targets: [...this.#queue], tried: [...this.#tried] };
  }
}

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
