import { headerValues, type SipHead } from '../transport/head.ts';
import { ALGORITHMS, parseAlgorithm, type Algorithm, type Qop } from './digest.ts';
import { parseAuth } from './params.ts';

/** A Digest challenge that we could answer. */
export interface Challenge {
  /** Proxy-Authenticate rather than WWW-Authenticate. */
  readonly proxy: boolean;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: Algorithm;
  /** The algorithm as it was written; absent if it was. */
  readonly algorithmText: string | undefined;
  /** Undefined: the server knows only RFC 2069. */
  readonly qop: Qop | undefined;
  /** The nonce was too old, the password was right (RFC 7616 §3.3). */
  readonly stale: boolean;
  readonly userhash: boolean;
  readonly utf8: boolean;
}

const FIELDS = [
  { name: 'www-authenticate', proxy: false },
  { name: 'proxy-authenticate', proxy: true },
] as const;

/** Every Digest challenge of a response that we know how to answer, in the order of the response. */
export function challengesOf(response: SipHead): readonly Challenge[] {
  return FIELDS.flatMap(({ name, proxy }) =>
    headerValues(response, name)
      .flatMap(parseAuth)
      .flatMap(({ scheme, params }) => {
        const challenge = scheme === 'digest' ? toChallenge(params, proxy) : undefined;
        return challenge === undefined ? [] : [challenge];
      }),
  );
}

/** For each realm, and each of proxy and server, the strongest (RFC 8760 §2.4). */
export function strongest(challenges: readonly Challenge[]): readonly Challenge[] {
  const best = new Map<string, Challenge>();
  for (const challenge of challenges) {
    const key = `${challenge.proxy ? 'proxy' : 'server'} ${challenge.realm}`;
    const other = best.get(key);
    if (other === undefined || rank(challenge) < rank(other)) best.set(key, challenge);
  }
  return [...best.values()];
}

function rank({ algorithm }: Challenge): number {
  return ALGORITHMS.indexOf(algorithm.hash);
}

function toChallenge(params: ReadonlyMap<string, string>, proxy: boolean): Challenge | undefined {
  const realm = params.get('realm');
  const nonce = params.get('nonce');
  const algorithm = parseAlgorithm(params.get('algorithm'));
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined;
  const offered = params
    .get('qop')
    ?.toLowerCase()
    .split(',')
    .map((part) => part.trim());
  // Integrity of the body costs a proxy that touches SDP the call: only where it is demanded.
  const qop = (['auth', 'auth-int'] as const).find((known) => offered?.includes(known));
  if (offered !== undefined && qop === undefined) return undefined;
  return {
    proxy,
    realm,
    nonce,
    opaque: params.get('opaque'),
    algorithm,
    algorithmText: params.get('algorithm'),
    qop,
    stale: params.get('stale')?.toLowerCase() === 'true',
    userhash: params.get('userhash')?.toLowerCase() === 'true',
    utf8: params.get('charset')?.toUpperCase() === 'UTF-8',
  };
}
