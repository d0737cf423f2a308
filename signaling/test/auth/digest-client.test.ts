import { ManualClock } from '@offhook/common';
import { describe, expect, test } from 'vitest';
import type { Credentials } from '../../src/api.ts';
import { DigestClient } from '../../src/auth/digest-client.ts';
import { DigestServer, type DigestServerOptions } from './digest-server.ts';
import { hashHex } from '../../src/auth/digest.ts';
import { parseAuth, quote } from '../../src/auth/params.ts';
import type { HeaderField, SipHead } from '../../src/transport/head.ts';

const REGISTER = { method: 'REGISTER', uri: 'sip:example.com', body: '' };

function response(status: number, ...fields: HeaderField[]): SipHead {
  return { kind: 'response', status, reason: '', fields };
}

function request(fields: readonly HeaderField[]): SipHead {
  return { kind: 'request', method: 'REGISTER', uri: REGISTER.uri, fields };
}

function counting(): (count: number) => Uint8Array {
  let seed = 0;
  return (count) => new Uint8Array(count).fill(++seed & 0xff);
}

function client(password = 'secret', more: Partial<Credentials> = {}): DigestClient {
  return new DigestClient(
    [{ username: 'alice', password: async () => password, ...more }],
    counting(),
  );
}

function server(clock: ManualClock, more: Partial<DigestServerOptions> = {}): DigestServer {
  return new DigestServer({
    realm: 'example.com',
    clock,
    randomBytes: counting(),
    password: async (user) => (user === 'alice' ? 'secret' : undefined),
    ...more,
  });
}

function params(field: HeaderField | undefined): ReadonlyMap<string, string> {
  return parseAuth(field?.value ?? '')[0]?.params ?? new Map();
}

async function retry(
  auth: ReturnType<DigestClient['begin']>,
  challenge: SipHead,
): Promise<readonly HeaderField[]> {
  const outcome = await auth.challenged(challenge);
  if (outcome.outcome !== 'retry') throw new Error(`gave up: ${outcome.why}`);
  return outcome.fields;
}

describe('client and server together', () => {
  test.each([
    { hash: 'MD5', session: false },
    { hash: 'MD5', session: true },
    { hash: 'SHA-256', session: false },
    { hash: 'SHA-256', session: true },
    { hash: 'SHA-512-256', session: false },
    { hash: 'SHA-512-256', session: true },
  ] as const)('agree on $hash, session $session, with every qop', async (algorithm) => {
    for (const qop of [['auth'], ['auth-int'], ['auth', 'auth-int'], []] as const) {
      const registrar = server(new ManualClock(), { algorithms: [algorithm], qop });
      const message = { ...REGISTER, body: 'Grüße' };
      const fields = await retry(
        client().begin(message),
        response(401, ...registrar.createChallenge()),
      );
      expect(await registrar.verify(request(fields), message)).toMatchObject({
        verified: true,
        username: 'alice',
      });
    }
  });

  test('a changed body fails auth-int', async () => {
    const registrar = server(new ManualClock(), { qop: ['auth-int'] });
    const fields = await retry(
      client().begin({ ...REGISTER, body: 'a' }),
      response(401, ...registrar.createChallenge()),
    );
    const changed = { ...REGISTER, body: 'b' };
    expect(await registrar.verify(request(fields), changed)).toEqual({
      verified: false,
      stale: false,
    });
  });

  test('a wrong password is refused, and given up after the second challenge', async () => {
    const registrar = server(new ManualClock());
    const auth = client('wrong').begin(REGISTER);
    const fields = await retry(auth, response(401, ...registrar.createChallenge()));
    expect(await registrar.verify(request(fields), REGISTER)).toEqual({
      verified: false,
      stale: false,
    });
    const again = await auth.challenged(response(401, ...registrar.createChallenge()));
    expect(again).toEqual({ outcome: 'give-up', why: 'rejected', realms: ['example.com'] });
  });

  test('an unknown user is refused', async () => {
    const registrar = server(new ManualClock());
    const auth = client('secret', { username: 'mallory' }).begin(REGISTER);
    const fields = await retry(auth, response(401, ...registrar.createChallenge()));
    expect(await registrar.verify(request(fields), REGISTER)).toMatchObject({ verified: false });
  });

  test('an old nonce is stale, and the client goes on with the new one unasked', async () => {
    const clock = new ManualClock();
    const registrar = server(clock, { nonceLifetimeMs: 1000 });
    const auth = client().begin(REGISTER);
    const fields = await retry(auth, response(401, ...registrar.createChallenge()));
    await clock.advance(1001);
    expect(await registrar.verify(request(fields), REGISTER)).toEqual({
      verified: false,
      stale: true,
    });
    const fresh = await retry(auth, response(401, ...registrar.createChallenge({ stale: true })));
    expect(await registrar.verify(request(fresh), REGISTER)).toMatchObject({ verified: true });
  });

  test('the same credentials are not accepted twice', async () => {
    const registrar = server(new ManualClock());
    const fields = await retry(
      client().begin(REGISTER),
      response(401, ...registrar.createChallenge()),
    );
    expect(await registrar.verify(request(fields), REGISTER)).toMatchObject({ verified: true });
    expect(await registrar.verify(request(fields), REGISTER)).toEqual({
      verified: false,
      stale: true,
    });
  });

  test('a nonce of another server is refused', async () => {
    const clock = new ManualClock();
    const other = server(clock, { randomBytes: (count) => new Uint8Array(count).fill(99) });
    const fields = await retry(client().begin(REGISTER), response(401, ...other.createChallenge()));
    expect(await server(clock).verify(request(fields), REGISTER)).toEqual({
      verified: false,
      stale: false,
    });
  });

  test('later requests use the nonce again with a higher count, before any challenge', async () => {
    const registrar = server(new ManualClock());
    const account = client();
    const first = await retry(
      account.begin(REGISTER),
      response(401, ...registrar.createChallenge()),
    );
    await registrar.verify(request(first), REGISTER);
    const next = await account.begin(REGISTER).initial();
    expect(params(next[0]).get('nc')).toBe('00000002');
    expect(params(next[0]).get('nonce')).toBe(params(first[0]).get('nonce'));
    expect(await registrar.verify(request(next), REGISTER)).toMatchObject({ verified: true });
  });

  test('nextnonce of Authentication-Info is used next, its count from one', async () => {
    const registrar = server(new ManualClock());
    const account = client();
    const first = await retry(
      account.begin(REGISTER),
      response(401, ...registrar.createChallenge()),
    );
    const result = await registrar.verify(request(first), REGISTER);
    if (!result.verified) throw new Error('not verified');
    account.learn(response(200, result.info));
    const next = await account.begin(REGISTER).initial();
    expect(params(next[0]).get('nonce')).not.toBe(params(first[0]).get('nonce'));
    expect(params(next[0]).get('nc')).toBe('00000001');
    expect(await registrar.verify(request(next), REGISTER)).toMatchObject({ verified: true });
  });
});

describe('client', () => {
  const digest = (text: string, name = 'www-authenticate'): HeaderField => ({
    name,
    value: `Digest ${text}`,
  });

  test('takes the strongest of several challenges for one realm', async () => {
    const fields = await retry(
      client().begin(REGISTER),
      response(
        401,
        digest('realm="r", nonce="1", algorithm=MD5, qop="auth"'),
        digest('realm="r", nonce="2", algorithm=SHA-512-256, qop="auth"'),
        digest('realm="r", nonce="3", algorithm=SHA-256, qop="auth"'),
      ),
    );
    expect(fields).toHaveLength(1);
    expect(params(fields[0]).get('nonce')).toBe('2');
  });

  test('reads several challenges in one header field', async () => {
    const fields = await retry(
      client().begin(REGISTER),
      response(
        401,
        digest('realm="a", nonce="1", qop="auth", Basic realm="b", Digest realm="c", nonce="3"'),
      ),
    );
    expect(fields.map((field) => params(field).get('realm'))).toEqual(['a', 'c']);
  });

  test('skips an algorithm that it does not have', async () => {
    const fields = await retry(
      client().begin(REGISTER),
      response(
        401,
        digest('realm="r", nonce="1", algorithm=SHA3-512'),
        digest('realm="r", nonce="2", algorithm=MD5'),
      ),
    );
    expect(params(fields[0]).get('nonce')).toBe('2');
    const only = await client()
      .begin(REGISTER)
      .challenged(response(401, digest('realm="r", nonce="1", algorithm=SHA3-512')));
    expect(only).toMatchObject({ outcome: 'give-up', why: 'unsupported' });
  });

  test('answers the proxy and the server in one request, each with its own field', async () => {
    const auth = client().begin(REGISTER);
    const proxied = await retry(
      auth,
      response(407, digest('realm="proxy", nonce="p", qop="auth"', 'proxy-authenticate')),
    );
    expect(proxied.map(({ name }) => name)).toEqual(['proxy-authorization']);
    const both = await retry(auth, response(401, digest('realm="uas", nonce="u", qop="auth"')));
    expect(both.map(({ name }) => name)).toEqual(['proxy-authorization', 'authorization']);
  });

  test('answers several proxies that were challenged in one response', async () => {
    const fields = await retry(
      client().begin(REGISTER),
      response(
        407,
        digest('realm="one", nonce="1"', 'proxy-authenticate'),
        digest('realm="two", nonce="2"', 'proxy-authenticate'),
      ),
    );
    expect(fields.map((field) => params(field).get('realm'))).toEqual(['one', 'two']);
  });

  test('uses the credentials of the realm, and says when there are none', async () => {
    const account = new DigestClient(
      [
        { username: 'anyone', password: async () => 'x', realm: 'other' },
        { username: 'alice', password: async () => 'y', realm: 'r' },
      ],
      counting(),
    );
    const fields = await retry(
      account.begin(REGISTER),
      response(401, digest('realm="r", nonce="1"')),
    );
    expect(params(fields[0]).get('username')).toBe('alice');
    expect(
      await account.begin(REGISTER).challenged(response(401, digest('realm="q", nonce="1"'))),
    ).toEqual({ outcome: 'give-up', why: 'no-credentials', realms: ['q'] });
  });

  test('asks for the password only when it is needed', async () => {
    let asked = 0;
    const account = new DigestClient(
      [
        {
          username: 'alice',
          password: async () => {
            asked++;
            return 'secret';
          },
        },
      ],
      counting(),
    );
    expect(await account.begin(REGISTER).initial()).toEqual([]);
    expect(asked).toBe(0);
    await retry(account.begin(REGISTER), response(401, digest('realm="r", nonce="1"')));
    expect(asked).toBe(1);
  });

  test('escapes quotes and backslashes on the wire, and hashes what they stand for', async () => {
    const username = String.raw`al"ice\x`;
    const fields = await retry(
      client('secret', { username }).begin(REGISTER),
      response(401, digest(String.raw`realm="the \"best\" realm", nonce="n"`)),
    );
    expect(fields[0]?.value).toContain(String.raw`username="al\"ice\\x"`);
    expect(fields[0]?.value).toContain(String.raw`realm="the \"best\" realm"`);
    const a1 = hashHex('MD5', `${username}:the "best" realm:secret`);
    const a2 = hashHex('MD5', 'REGISTER:sip:example.com');
    expect(params(fields[0]).get('response')).toBe(hashHex('MD5', `${a1}:n:${a2}`));
  });

  test('returns opaque as it came, and leaves out the algorithm when it was left out', async () => {
    const fields = await retry(
      client().begin(REGISTER),
      response(401, digest('realm="r", nonce="1", opaque="abc, def"')),
    );
    expect(params(fields[0]).get('opaque')).toBe('abc, def');
    expect(params(fields[0]).has('algorithm')).toBe(false);
    expect(params(fields[0]).has('qop')).toBe(false);
  });

  test('hides the user name when asked to, in normalization form C', async () => {
    const decomposed = 'Ja\u0308son';
    const fields = await retry(
      client('secret', { username: decomposed }).begin(REGISTER),
      response(
        401,
        digest('realm="r", nonce="1", algorithm=SHA-256, qop="auth", charset=UTF-8, userhash=true'),
      ),
    );
    expect(params(fields[0]).get('username')).toBe(hashHex('SHA-256', 'J\u00e4son:r'));
    expect(params(fields[0]).get('userhash')).toBe('true');
  });

  test('an old nonce that was used unasked does not count as a wrong password', async () => {
    const account = client();
    await retry(account.begin(REGISTER), response(401, digest('realm="r", nonce="1", qop="auth"')));
    const auth = account.begin(REGISTER);
    await auth.initial();
    const fields = await retry(auth, response(401, digest('realm="r", nonce="2", qop="auth"')));
    expect(params(fields[0]).get('nonce')).toBe('2');
  });

  test('gives up on a server that calls every nonce stale', async () => {
    const auth = client().begin(REGISTER);
    let last = 'retry';
    for (let round = 0; round < 10 && last === 'retry'; round++) {
      const stale = digest(`realm="r", nonce="${round}", stale=true`);
      const outcome = await auth.challenged(response(401, stale));
      last = outcome.outcome === 'retry' ? 'retry' : outcome.why;
    }
    expect(last).toBe('no-end');
  });
});

describe('parameters', () => {
  test.each([
    ['', []],
    ['Digest', ['digest']],
    ['Digest realm="a,b=c \\"d\\"", nonce=x', ['digest']],
    ['NoOneKnowsThisScheme opaque-data=here, Digest realm="r"', ['nooneknowsthisscheme', 'digest']],
    ['Digest realm="unterminated, Digest nonce=1', ['digest']],
  ])('%s holds the schemes %j', (text, schemes) => {
    expect(parseAuth(text).map(({ scheme }) => scheme)).toEqual(schemes);
  });

  test('the first of two parameters of one name counts', () => {
    expect(parseAuth('Digest realm="a", realm="b"')[0]?.params.get('realm')).toBe('a');
  });

  test('a quoted value cannot start a new header field', () => {
    expect(quote('a\r\nVia: x"')).toBe(String.raw`"aVia: x\""`);
  });
});
