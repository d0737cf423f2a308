import type { Credentials } from '../api.ts';
import { headerValues, type HeaderField, type SipHead } from '../transport/head.ts';
import { challengesOf, strongest, type Challenge } from './challenge.ts';
import { digestResponse, formatNonceCount, hashHex } from './digest.ts';
import { parseAuth, quote } from './params.ts';

/** The parts of a request that its credentials depend on. */
export interface ProtectedRequest {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  readonly body: string;
}

export type ChallengeOutcome =
  /** Send the request again with these fields in place of the authorization fields it had. */
  | { readonly outcome: 'retry'; readonly fields: readonly HeaderField[] }
  | {
      readonly outcome: 'give-up';
      /**
       * `rejected`: the password is wrong; `no-credentials`: we have none for the realm;
       * `unsupported`: no challenge that we understand; `no-end`: challenged again and again.
       */
      readonly why: 'rejected' | 'no-credentials' | 'unsupported' | 'no-end';
      readonly realms: readonly string[];
    };

/** A nonce in use. */
interface Session {
  challenge: Challenge;
  count: number;
}

/** Of one request, how often it is tried with credentials: stale nonces and chains of proxies. */
const MAX_TRIES = 5;
const MAX_SESSIONS = 32;

/** Digest for one account, as a client: remembers the nonces that servers gave it. */
export class DigestClient {
  readonly #credentials: readonly Credentials[];
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #sessions = new Map<string, Session>();

  constructor(credentials: readonly Credentials[], randomBytes: (count: number) => Uint8Array) {
    this.#credentials = credentials;
    this.#randomBytes = randomBytes;
  }

  /** The dialogue about one request, with all its repetitions. */
  begin(request: ProtectedRequest): RequestAuth {
    return new RequestAuth(this, request);
  }

  /** A success may bring the next nonce (RFC 7616 §3.5). */
  learn(response: SipHead): void {
    for (const [name, proxy] of [
      ['authentication-info', false],
      ['proxy-authentication-info', true],
    ] as const) {
      for (const value of headerValues(response, name)) {
        const next = parseAuth(`info ${value}`)[0]?.params.get('nextnonce');
        const session = [...this.#sessions.values()].filter((one) => one.challenge.proxy === proxy);
        // The field does not say whose nonce it is; with several realms nobody can know.
        if (next === undefined || session.length !== 1 || session[0] === undefined) continue;
        session[0].challenge = { ...session[0].challenge, nonce: next, stale: false };
        session[0].count = 0;
      }
    }
  }

  /** Whether there are credentials for a realm. */
  has(realm: string): boolean {
    return this.#for(realm) !== undefined;
  }

  /** Takes a nonce into use for its realm. */
  adopt(challenge: Challenge): void {
    const key = keyOf(challenge);
    if (this.#sessions.size >= MAX_SESSIONS && !this.#sessions.has(key)) this.#sessions.clear();
    this.#sessions.set(key, { challenge, count: 0 });
  }

  /** A password did not do: nothing of that realm is used unasked again. */
  drop(challenge: Challenge): void {
    this.#sessions.delete(keyOf(challenge));
  }

  /** Fields for the nonces in use, counted up: all, or those of these challenges. */
  async authorize(
    request: ProtectedRequest,
    only?: readonly Challenge[],
  ): Promise<readonly HeaderField[]> {
    const keys = only === undefined ? [...this.#sessions.keys()] : only.map(keyOf);
    const fields: HeaderField[] = [];
    for (const key of keys) {
      const session = this.#sessions.get(key);
      const credentials = session === undefined ? undefined : this.#for(session.challenge.realm);
      if (session === undefined || credentials === undefined) continue;
      const count = ++session.count;
      const { challenge } = session;
      const password = await credentials.password();
      const value = this.#answer(challenge, count, credentials.username, password, request);
      fields.push({ name: challenge.proxy ? 'proxy-authorization' : 'authorization', value });
    }
    return fields;
  }

  /** Credentials that name the realm before those for any. */
  #for(realm: string): Credentials | undefined {
    return (
      this.#credentials.find((one) => one.realm === realm) ??
      this.#credentials.find((one) => one.realm === undefined)
    );
  }

  #answer(
    challenge: Challenge,
    nonceCount: number,
    user: string,
    secret: string,
    request: ProtectedRequest,
  ): string {
    const { algorithm, realm, nonce, qop, opaque } = challenge;
    // RFC 7616 §4: with charset=UTF-8, in normalization form C.
    const username = challenge.utf8 ? user.normalize('NFC') : user;
    const password = challenge.utf8 ? secret.normalize('NFC') : secret;
    const cnonce = Buffer.from(this.#randomBytes(16)).toString('hex');
    const response = digestResponse({
      ...request,
      algorithm,
      username,
      realm,
      password,
      nonce,
      qop,
      cnonce,
      nonceCount,
    });
    const shown = challenge.userhash ? hashHex(algorithm.hash, `${username}:${realm}`) : username;
    const parts = [
      `username=${quote(shown)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(request.uri)}`,
      `response="${response}"`,
    ];
    if (challenge.algorithmText !== undefined) parts.push(`algorithm=${challenge.algorithmText}`);
    if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
    if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${formatNonceCount(nonceCount)}`);
    if (qop !== undefined || algorithm.session) parts.push(`cnonce="${cnonce}"`);
    if (challenge.userhash) parts.push('userhash=true');
    return `Digest ${parts.join(', ')}`;
  }
}

/** One request and the challenges that it meets. */
export class RequestAuth {
  readonly #client: DigestClient;
  readonly #request: ProtectedRequest;
  readonly #answered = new Map<string, Challenge>();
  #tries = 0;

  constructor(client: DigestClient, request: ProtectedRequest) {
    this.#client = client;
    this.#request = request;
  }

  /** Fields for the first try: for nonces that are still in use. */
  async initial(): Promise<readonly HeaderField[]> {
    return await this.#client.authorize(this.#request);
  }

  /** A 401 or 407 came. */
  async challenged(response: SipHead): Promise<ChallengeOutcome> {
    const challenges = challengesOf(response);
    const realms = [...new Set(challenges.map(({ realm }) => realm))];
    if (challenges.length === 0) return { outcome: 'give-up', why: 'unsupported', realms };
    const usable = strongest(challenges.filter(({ realm }) => this.#client.has(realm)));
    if (usable.length === 0) return { outcome: 'give-up', why: 'no-credentials', realms };
    const rejected = usable.filter((challenge) => this.#isRejection(challenge));
    if (rejected.length > 0) {
      for (const challenge of rejected) this.#client.drop(challenge);
      return { outcome: 'give-up', why: 'rejected', realms: rejected.map(({ realm }) => realm) };
    }
    if (++this.#tries > MAX_TRIES) return { outcome: 'give-up', why: 'no-end', realms };
    for (const challenge of usable) {
      this.#client.adopt(challenge);
      this.#answered.set(keyOf(challenge), challenge);
    }
    // What earlier proxies on the way asked for is wanted again (RFC 3261 §22.3).
    const all = [...this.#answered.values()];
    return { outcome: 'retry', fields: await this.#client.authorize(this.#request, all) };
  }

  /** The same realm again, without calling the nonce stale: the password is wrong. */
  #isRejection(challenge: Challenge): boolean {
    if (challenge.stale) return false;
    // Those of `initial` do not count: servers forget old nonces without calling them stale.
    return this.#answered.has(keyOf(challenge));
  }
}

function keyOf({ proxy, realm }: Challenge): string {
  return `${proxy ? 'proxy' : 'server'} ${realm}`;
}
