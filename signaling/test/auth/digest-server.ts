import { createHmac } from 'node:crypto';
import type { Clock } from '@offhook/common';
import { headerValues, type HeaderField, type SipHead } from '../../src/transport/head.ts';
import type { ProtectedRequest } from '../../src/auth/digest-client.ts';
import {
  algorithmName,
  digestResponse,
  formatNonceCount,
  hashHex,
  parseAlgorithm,
  sameDigest,
  type Algorithm,
  type Qop,
} from '../../src/auth/digest.ts';
import { parseAuth, quote } from '../../src/auth/params.ts';

export interface DigestServerOptions {
  readonly realm: string;
  /** Proxy-Authenticate and 407 rather than WWW-Authenticate and 401. */
  readonly proxy?: boolean;
  /** Offered in this order, one header field each; default SHA-256 and MD5. */
  readonly algorithms?: readonly Algorithm[];
  /** Default `auth`; empty: the form of RFC 2069. */
  readonly qop?: readonly Qop[];
  readonly nonceLifetimeMs?: number;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Uint8Array;
  /** The password of a user, or undefined if there is no such user. */
  readonly password: (username: string) => Promise<string | undefined>;
}

export type Verification =
  | {
      readonly verified: true;
      readonly username: string;
      /** Authentication-Info for the response (RFC 7616 §3.5). */
      readonly info: HeaderField;
    }
  /** `stale`: right but for the age of the nonce, so that the client need not ask its user. */
  | { readonly verified: false; readonly stale: boolean };

const MAX_NONCES = 10_000;

/** Digest as a server: for a registrar, and for tests of clients. */
export class DigestServer {
  readonly #options: Required<DigestServerOptions>;
  readonly #secret: Uint8Array;
  /** The highest count seen of each nonce, so that nothing is accepted twice. */
  readonly #counts = new Map<string, number>();

  constructor(options: DigestServerOptions) {
    this.#options = {
      proxy: false,
      algorithms: [
        { hash: 'SHA-256', session: false },
        { hash: 'MD5', session: false },
      ],
      qop: ['auth'],
      nonceLifetimeMs: 300_000,
      ...options,
    };
    this.#secret = options.randomBytes(32);
  }

  /** The challenges for a 401 or 407. */
  createChallenge(options: { stale?: boolean } = {}): readonly HeaderField[] {
    const { realm, algorithms, qop, proxy } = this.#options;
    return algorithms.map((algorithm) => {
      const parts = [
        `realm=${quote(realm)}`,
        `nonce="${this.#nonce()}"`,
        `opaque="${hashHex('SHA-256', realm).slice(0, 16)}"`,
        `algorithm=${algorithmName(algorithm)}`,
      ];
      if (qop.length > 0) parts.push(`qop="${qop.join(',')}"`);
      if (options.stale === true) parts.push('stale=true');
      return {
        name: proxy ? 'proxy-authenticate' : 'www-authenticate',
        value: `Digest ${parts.join(', ')}`,
      };
    });
  }

  /** Whether a request carries credentials of a user of this realm. */
  async verify(head: SipHead, request: ProtectedRequest): Promise<Verification> {
    const { realm, proxy } = this.#options;
    const name = proxy ? 'proxy-authorization' : 'authorization';
    for (const value of headerValues(head, name)) {
      for (const { scheme, params } of parseAuth(value)) {
        if (scheme !== 'digest' || params.get('realm') !== realm) continue;
        return await this.#check(params, request);
      }
    }
    return { verified: false, stale: false };
  }

  async #check(
    params: ReadonlyMap<string, string>,
    request: ProtectedRequest,
  ): Promise<Verification> {
    const failed: Verification = { verified: false, stale: false };
    const algorithm = parseAlgorithm(params.get('algorithm'));
    const qop = parseQop(params.get('qop'));
    const nonce = params.get('nonce') ?? '';
    const username = params.get('username') ?? '';
    if (algorithm === undefined || qop === 'unknown' || !this.#offers(algorithm, qop))
      return failed;
    const count = qop === undefined ? 0 : Number.parseInt(params.get('nc') ?? '', 16);
    if (Number.isNaN(count)) return failed;
    const password = await this.#options.password(username);
    // An unknown user takes as long as a known one.
    const input = {
      algorithm,
      username,
      realm: this.#options.realm,
      password: password ?? Buffer.from(this.#secret).toString('hex'),
      nonce,
      qop,
      cnonce: params.get('cnonce') ?? '',
      nonceCount: count,
      uri: params.get('uri') ?? '',
      body: request.body,
    };
    const expected = digestResponse({ ...input, method: request.method });
    const right = sameDigest(expected, params.get('response') ?? '');
    if (!right || password === undefined || !this.#isOurs(nonce)) return failed;
    if (!this.#isFresh(nonce, count)) return { verified: false, stale: true };
    const rspauth = digestResponse({ ...input, method: '' });
    const parts = [`nextnonce="${this.#nonce()}"`];
    if (qop !== undefined) {
      parts.push(
        `qop=${qop}`,
        `rspauth="${rspauth}"`,
        `cnonce=${quote(input.cnonce)}`,
        `nc=${formatNonceCount(count)}`,
      );
    }
    const name = this.#options.proxy ? 'proxy-authentication-info' : 'authentication-info';
    return { verified: true, username, info: { name, value: parts.join(', ') } };
  }

  #offers(algorithm: Algorithm, qop: Qop | undefined): boolean {
    const { algorithms, qop: offered } = this.#options;
    const known = algorithms.some(
      ({ hash, session }) => hash === algorithm.hash && session === algorithm.session,
    );
    return known && (qop === undefined ? offered.length === 0 : offered.includes(qop));
  }

  /** A time and its signature: what we gave out need not be remembered. */
  #nonce(): string {
    const issued = Math.floor(this.#options.clock.now()).toString(36);
    const salt = Buffer.from(this.#options.randomBytes(6)).toString('hex');
    return `${issued}.${salt}.${this.#sign(`${issued}.${salt}`)}`;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex').slice(0, 32);
  }

  #isOurs(nonce: string): boolean {
    const [issued = '', salt = '', signature = ''] = nonce.split('.');
    return sameDigest(this.#sign(`${issued}.${salt}`), signature);
  }

  #isFresh(nonce: string, count: number): boolean {
    const { clock, nonceLifetimeMs } = this.#options;
    const issued = Number.parseInt(nonce.split('.')[0] ?? '', 36);
    if (!(clock.now() - issued <= nonceLifetimeMs)) return false;
    const seen = this.#counts.get(nonce);
    if (seen !== undefined && count <= seen) return false;
    if (this.#counts.size >= MAX_NONCES) {
      const oldest = this.#counts.keys().next();
      if (oldest.done !== true) this.#counts.delete(oldest.value);
    }
    this.#counts.delete(nonce);
    this.#counts.set(nonce, count);
    return true;
  }
}

function parseQop(text: string | undefined): Qop | undefined | 'unknown' {
  const qop = text?.toLowerCase();
  return qop === undefined || qop === 'auth' || qop === 'auth-int' ? qop : 'unknown';
}
