import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@offhook/common';
import { Authenticator } from '@offhook/cti-bridge';
import { createAuthority, createCertificate } from '@offhook/test-sipp';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';

let directory: string;
let server: Server;
let issuer: string;
let ca: string;
let keys: JWK[] = [];
/** What the issuer says of itself; undefined when it says nothing. */
let says: string | undefined;
const asked: string[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-issuer-'));
  const authority = await createAuthority(directory);
  ca = await readFile(authority.certificate, 'utf8');
  const own = await createCertificate(authority, {
    directory,
    name: 'issuer',
    hosts: ['127.0.0.1'],
  });
  server = createServer(
    { cert: await readFile(own.certificate), key: await readFile(own.key) },
    (request, response) => {
      asked.push(request.url ?? '');
      const body =
        request.url === '/keys' ? { keys } : { issuer: says, jwks_uri: `${issuer}/keys` };
      response.statusCode = says === undefined ? 503 : 200;
      response.end(JSON.stringify(body));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true, force: true });
});

async function newKey(kid: string): Promise<CryptoKey> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  keys = [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256' }];
  return privateKey;
}

function token(kid: string, key: CryptoKey): Promise<string> {
  return new SignJWT({ scope: 'cti:monitor', offhook_devices: ['alice'] })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setSubject('alice')
    .setIssuer(issuer)
    .setAudience('offhook-cti')
    .setExpirationTime('1h')
    .sign(key);
}

function authenticator(clock: ManualClock, trusted: string | undefined = ca): Authenticator {
  const jwt = {
    issuer,
    audience: 'offhook-cti',
    algorithms: ['ES256' as const],
    devices_claim: 'offhook_devices',
  };
  return new Authenticator({ tokens: [], jwt, ca: trusted, clock });
}

it('finds the keys of an issuer by its discovery document, and new ones when it changes them', async () => {
  says = issuer;
  const authority = authenticator(new ManualClock(Date.now()));
  const first = await newKey('one');
  expect((await authority.authenticate(await token('one', first))).name).toBe('alice');
  expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  await authority.authenticate(await token('one', first));
  expect(asked).toHaveLength(2);
  const second = await newKey('two');
  const late = await token('two', second);
  // It is not asked at once again, whatever keys a token names.
  await expect(authority.authenticate(late)).rejects.toMatchObject({ code: 'unauthenticated' });
  await expect
    .poll(() => authority.authenticate(late).catch(() => undefined), {
      timeout: 10_000,
      interval: 250,
    })
    .toMatchObject({ name: 'alice' });
  await expect(authority.authenticate(await token('one', first))).rejects.toMatchObject({
    code: 'unauthenticated',
  });
});

it('takes no document of another issuer, and none from who is not trusted', async () => {
  says = 'https://other.example.com';
  const key = await newKey('three');
  const nobody = { code: 'unauthenticated', message: expect.stringMatching(/keys of the issuer/) };
  const mine = await token('three', key);
  await expect(authenticator(new ManualClock(Date.now())).authenticate(mine)).rejects.toMatchObject(
    nobody,
  );
  says = issuer;
  const distrustful = new Authenticator({
    tokens: [],
    jwt: {
      issuer,
      audience: 'offhook-cti',
      algorithms: ['ES256'],
      devices_claim: 'offhook_devices',
    },
    clock: new ManualClock(Date.now()),
  });
  await expect(distrustful.authenticate(mine)).rejects.toMatchObject(nobody);
});

it('asks an issuer that was away again, but not for every token', async () => {
  says = undefined;
  const clock = new ManualClock(Date.now());
  const authority = authenticator(clock);
  const mine = await token('four', await newKey('four'));
  const before = asked.length;
  for (let n = 0; n < 3; n++) {
    await expect(authority.authenticate(mine)).rejects.toMatchObject({ code: 'unauthenticated' });
  }
  expect(asked.length).toBe(before + 1);
  says = issuer;
  await clock.advance(5000);
  expect((await authority.authenticate(mine)).name).toBe('alice');
});
