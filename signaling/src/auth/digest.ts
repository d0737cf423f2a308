import { createHash, timingSafeEqual } from 'node:crypto';

/** Hash functions of RFC 8760, the strongest first. */
export const ALGORITHMS = ['SHA-512-256', 'SHA-256', 'MD5'] as const;

export type HashName = (typeof ALGORITHMS)[number];

export interface Algorithm {
  readonly hash: HashName;
  /** `-sess`: A1 depends on the nonces (RFC 7616 §3.4.2). */
  readonly session: boolean;
}

export type Qop = 'auth' | 'auth-int';

export interface DigestInput {
  readonly algorithm: Algorithm;
  readonly username: string;
  readonly realm: string;
  readonly password: string;
  readonly nonce: string;
  /** Absent: the form of RFC 2069. */
  readonly qop: Qop | undefined;
  readonly cnonce: string;
  /** 1, 2, 3 … for one nonce. */
  readonly nonceCount: number;
  /** Empty for the `rspauth` of a response (RFC 7616 §3.5). */
  readonly method: string;
  readonly uri: string;
  readonly body: string;
}

const NODE_HASH: Readonly<Record<HashName, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
};

/** `MD5`, `SHA-256-sess` …; undefined for what we do not have. Absent means MD5. */
export function parseAlgorithm(name: string | undefined): Algorithm | undefined {
  const wanted = (name ?? 'MD5').toUpperCase();
  const session = wanted.endsWith('-SESS');
  const plain = session ? wanted.slice(0, -'-SESS'.length) : wanted;
  const hash = ALGORITHMS.find((known) => known === plain);
  return hash === undefined ? undefined : { hash, session };
}

export function algorithmName({ hash, session }: Algorithm): string {
  return session ? `${hash}-sess` : hash;
}

export function hashHex(name: HashName, text: string): string {
  return createHash(NODE_HASH[name]).update(text, 'utf8').digest('hex');
}

export function formatNonceCount(count: number): string {
  return count.toString(16).padStart(8, '0');
}

/** The `response` value (RFC 7616 §3.4.1; RFC 2069 without qop). */
export function digestResponse(input: DigestInput): string {
  const { algorithm, nonce, cnonce, qop } = input;
  const hash = (text: string): string => hashHex(algorithm.hash, text);
  const userHash = hash(`${input.username}:${input.realm}:${input.password}`);
  const a1 = algorithm.session ? hash(`${userHash}:${nonce}:${cnonce}`) : userHash;
  const entity = qop === 'auth-int' ? `:${hash(input.body)}` : '';
  const a2 = hash(`${input.method}:${input.uri}${entity}`);
  if (qop === undefined) return hash(`${a1}:${nonce}:${a2}`);
  return hash(`${a1}:${nonce}:${formatNonceCount(input.nonceCount)}:${cnonce}:${qop}:${a2}`);
}

/** Compares two hex digests without telling by its time where they differ. */
export function sameDigest(a: string, b: string): boolean {
  const left = Buffer.from(a.toLowerCase());
  const right = Buffer.from(b.toLowerCase());
  return left.length === right.length && timingSafeEqual(left, right);
}
