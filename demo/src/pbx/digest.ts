import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Clock } from '@offhook/common';

/** A nonce is good for this long; after that the client is told that only the nonce was wrong. */
const NONCE_LIFE_MS = 300_000;

const ALGORITHMS = { 'SHA-256': 'sha256', MD5: 'md5' } as const;

export interface DigestGateOptions {
  readonly realm: string;
  readonly passwords: ReadonlyMap<string, string>;
  readonly clock: Clock;
}

export type DigestVerdict =
  | { readonly user: string }
  /** `WWW-Authenticate` header lines, the preferred algorithm first (RFC 8760 §2.3). */
  | { readonly challenge: readonly string[] };

/** The server's half of digest authentication, RFC 7616 and RFC 8760, with `qop=auth`. */
export class DigestGate {
  readonly #options: DigestGateOptions;
  readonly #secret = randomBytes(32);

  constructor(options: DigestGateOptions) {
    this.#options = options;
  }

  /** Checks the `Authorization` header values of a request. */
  check(method: string, authorization: readonly string[]): DigestVerdict {
    let stale = false;
    for (const value of authorization) {
      const fields = parseDigest(value);
      if (fields === undefined || fields['realm'] !== this.#options.realm) continue;
      if (!this.#answers(method, fields)) continue;
      if (this.#isFresh(fields['nonce'] ?? '')) return { user: fields['username'] ?? '' };
      stale = true;
    }
    return { challenge: this.#challenge(stale) };
  }

  #answers(method: string, fields: Readonly<Record<string, string>>): boolean {
    const { username = '', uri = '', nonce = '', nc = '', cnonce = '', qop, response } = fields;
    const password = this.#options.passwords.get(username);
    const algorithm = algorithmOf(fields['algorithm'] ?? 'MD5');
    if (password === undefined || algorithm === undefined || qop !== 'auth') return false;
    const hash = (text: string) => createHash(algorithm).update(text).digest('hex');
    const secret = hash(`${username}:${this.#options.realm}:${password}`);
    const request = hash(`${method}:${uri}`);
    const wanted = hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${request}`);
    return isEqual(wanted, response ?? '');
  }

  #challenge(stale: boolean): readonly string[] {
    const nonce = this.#nonce(this.#options.clock.wall());
    return Object.keys(ALGORITHMS).map(
      (algorithm) =>
        `WWW-Authenticate: Digest realm="${this.#options.realm}", nonce="${nonce}", ` +
        `qop="auth", algorithm=${algorithm}${stale ? ', stale=true' : ''}`,
    );
  }

  #nonce(issuedAt: number): string {
    const time = Math.floor(issuedAt).toString(36);
    return `${time}.${createHmac('sha256', this.#secret).update(time).digest('hex').slice(0, 32)}`;
  }

  #isFresh(nonce: string): boolean {
    const issuedAt = Number.parseInt(nonce, 36);
    if (!Number.isFinite(issuedAt) || !isEqual(this.#nonce(issuedAt), nonce)) return false;
    return this.#options.clock.wall() - issuedAt <= NONCE_LIFE_MS;
  }
}

function algorithmOf(name: string): 'sha256' | 'md5' | undefined {
  const entry = Object.entries(ALGORITHMS).find(([known]) => known === name.toUpperCase());
  return entry?.[1];
}

/** The parameters of `Digest a="…", b=…`, names in lower case; undefined for another scheme. */
function parseDigest(value: string): Readonly<Record<string, string>> | undefined {
  const scheme = /^\s*Digest\s+/i.exec(value);
  if (scheme === null) return undefined;
  const pairs = value
    .slice(scheme[0].length)
    .matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return Object.fromEntries(
    Array.from(pairs, ([, name = '', quoted, plain]) => [
      name.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '',
    ]),
  );
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
