import { get } from 'node:https';
import { get as getPlain } from 'node:http';
import { rootCertificates } from 'node:tls';
import { OffhookError, type Clock } from '@offhook/common';
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { JwtConfig } from './config.ts';

/** OpenID Connect Discovery 1.0 §3, as far as it is needed. */
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) });

const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;
/** An issuer is not asked more often: anybody can make up tokens with keys that nobody knows. */
const ASK_AGAIN_MS = 5000;

/**
 * The keys of an issuer: at `jwks_url`, or where its discovery document says. They are asked for
 * when a token is signed with a key that is not known yet, so that an issuer can change them.
 */
export function issuerKeys(
  jwt: JwtConfig,
  { ca, clock }: { ca: string | undefined; clock: Clock },
): JWTVerifyGetKey {
  const fetched = (url: string) => fetchJson(url, ca);
  const options = {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: ASK_AGAIN_MS,
    [customFetch]: async (url: string) => Response.json(await fetched(url)),
  };
  let keys: Promise<JWTVerifyGetKey> | undefined;
  let askedAt = -Infinity;
  const find = async (): Promise<JWTVerifyGetKey> => {
    const url = jwt.jwks_url ?? (await discover(jwt.issuer, fetched));
    return createRemoteJWKSet(new URL(url), options);
  };
  return async (header, token) => {
    if (keys === undefined) {
      if (clock.now() - askedAt < ASK_AGAIN_MS) throw unreachable(jwt.issuer);
      askedAt = clock.now();
      keys = find();
      keys.catch(() => {
        keys = undefined;
      });
    }
    return (await keys)(header, token);
  };
}

async function discover(
  issuer: string,
  fetched: (url: string) => Promise<unknown>,
): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const parsed = discovery.safeParse(await fetched(url));
  if (!parsed.success) throw unreachable(url);
  // §4.3: another issuer's document must not be taken.
  if (parsed.data.issuer !== issuer) {
    throw new OffhookError('cti', 'bad-issuer', `${url} is of another issuer`);
  }
  return parsed.data.jwks_uri;
}

function fetchJson(url: string, ca: string | undefined): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const fail = (cause?: unknown) => reject(unreachable(url, cause));
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const options = { timeout: TIMEOUT_MS, signal: AbortSignal.timeout(TIMEOUT_MS), ...trusted };
  const request = (url.startsWith('https:') ? get : getPlain)(url, options, (response) => {
    if (response.statusCode !== 200) {
      response.destroy();
      fail();
      return;
    }
    let text = '';
    response.setEncoding('utf8').on('error', fail);
    response.on('data', (part: string) => {
      text += part;
      if (text.length > MAX_BYTES) response.destroy(new Error('too long'));
    });
    response.on('end', () => {
      try {
        resolve(JSON.parse(text));
      } catch (error) {
        fail(error);
      }
    });
  });
  request.on('error', fail);
  return promise;
}

function unreachable(where: string, cause?: unknown): OffhookError {
  return new OffhookError('cti', 'issuer-unreachable', `${where} does not say its keys`, { cause });
}
