import { createHash, timingSafeEqual } from 'node:crypto';
import { OffhookError, type Clock } from '@offhook/common';
import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { Principal, scope, unauthenticated, type Scope } from './access.ts';
import type { JwtConfig, TokenConfig } from './config.ts';
import { issuerKeys } from './issuer-keys.ts';

const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });
const MAX_TOKEN = 8192;

/** Finds out who a token belongs to: one of the configuration, or a JWT of the site's issuer. */
export class Authenticator {
  readonly #tokens: readonly { readonly digest: Buffer; readonly principal: Principal }[];
  readonly #jwt: JwtConfig | undefined;
  readonly #keys: JWTVerifyGetKey | undefined;
  readonly #clock: Clock;

  constructor(options: {
    tokens: readonly TokenConfig[];
    jwt?: JwtConfig | undefined;
    /** A JSON Web Key Set (RFC 7517), where `jwt.jwks_url` is not to be asked. */
    keySet?: string | undefined;
    /** PEM of the authority to trust when the issuer is asked, besides the system's. */
    ca?: string | undefined;
    clock: Clock;
  }) {
    this.#tokens = options.tokens.map((token) => ({
      digest: Buffer.from(token.sha256, 'hex'),
      principal: new Principal(token),
    }));
    this.#jwt = options.jwt;
    this.#clock = options.clock;
    if (options.keySet !== undefined) {
      this.#keys = createLocalJWKSet(jwks.parse(JSON.parse(options.keySet)));
    } else if (options.jwt !== undefined) {
      this.#keys = issuerKeys(options.jwt, { ca: options.ca, clock: options.clock });
    }
  }

  /** @throws OffhookError `cti` `unauthenticated`; the message never holds the token */
  async authenticate(token: string): Promise<Principal> {
    if (token === '' || token.length > MAX_TOKEN) throw unauthenticated('no token came along');
    const digest = createHash('sha256').update(token).digest();
    const found = this.#tokens.find((one) => timingSafeEqual(one.digest, digest));
    if (found !== undefined) return found.principal;
    return this.#fromJwt(token);
  }

  /** `Bearer …` of an Authorization header (RFC 6750 §2.1). */
  fromHeader(header: string | undefined): Promise<Principal> {
    return this.authenticate(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1] ?? '');
  }

  async #fromJwt(token: string): Promise<Principal> {
    const jwt = this.#jwt;
    if (jwt === undefined || this.#keys === undefined || token.split('.').length !== 3) {
      throw unauthenticated('nobody has this token');
    }
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer: jwt.issuer,
        audience: jwt.audience,
        algorithms: jwt.algorithms,
        requiredClaims: ['exp', 'sub'],
        currentDate: new Date(this.#clock.wall()),
      });
      return new Principal({
        name: String(payload.sub).slice(0, 160),
        devices: devicesClaim.parse(payload[jwt.devices_claim] ?? []),
        scopes: scopesOf(payload['scope']),
        expiresAt: (payload.exp ?? 0) * 1000,
      });
    } catch (error) {
      throw unauthenticated(reasonOf(error));
    }
  }
}

const devicesClaim = z.array(z.string().min(1).max(80)).max(1000);

/** `scope` as RFC 8693 §4.2 has it: words between spaces. Ours begin with `cti:`. */
function scopesOf(claim: unknown): Scope[] {
  const words = typeof claim === 'string' ? claim.split(' ') : [];
  return words.flatMap((word) => {
    const parsed = scope.safeParse(word.startsWith('cti:') ? word.slice(4) : undefined);
    return parsed.success ? [parsed.data] : [];
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `the token is not meant for this bridge (${error.claim})`;
  }
  // What the issuer did not say, rather than what the token says.
  if (error instanceof OffhookError || error instanceof errors.JWKSTimeout) {
    return 'the keys of the issuer cannot be had at the moment';
  }
  return 'the token is not a valid one of the issuer';
}
