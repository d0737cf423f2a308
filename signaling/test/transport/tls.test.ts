import { connect as connectTcp } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Core } from 'sip.js';
import type { SipResolver, TlsOptions } from '../../src/api.ts';
import { checkSipIdentity } from '../../src/transport/tls-identity.ts';
import { certificateAuthority, type Authority } from './support/certificates.ts';
import { coreAgent, requestTo, uriOf, type CoreAgent } from './support/core-agent.ts';
import { until } from './support/events.ts';

let authority: Authority;
const open: CoreAgent[] = [];

beforeAll(() => {
  authority = certificateAuthority();
});

afterAll(() => authority.dispose());

afterEach(async () => {
  await Promise.all(open.splice(0).map((agent) => agent.close()));
});

/** A server with a certificate for these names. */
async function server(
  names: string[],
  more: { requireClientCertificate?: boolean; commonName?: string } = {},
): Promise<CoreAgent> {
  const agent = await coreAgent({
    user: 'bob',
    layer: {
      listen: [{ transport: 'tls', address: '127.0.0.1', port: 0 }],
      tls: { ...authority.issue(names, more.commonName), ca: authority.ca },
      requireClientCertificate: more.requireClientCertificate,
    },
  });
  open.push(agent);
  return agent;
}

/** DNS in which example.com is served by the loopback, under another name. */
function hosted(port: number): SipResolver {
  return {
    naptr: async () => [],
    srv: async (name) =>
      name === '_sips._tcp.example.com'
        ? [{ priority: 1, weight: 1, port, name: 'sbc.hoster.net' }]
        : [],
    addresses: async () => ['127.0.0.1'],
  };
}

async function client(
  resolver: SipResolver,
  tls: TlsOptions = { ca: authority.ca },
): Promise<CoreAgent> {
  const agent = await coreAgent({
    user: 'alice',
    layer: { listen: [{ transport: 'udp', address: '127.0.0.1', port: 0 }], tls, resolver },
  });
  open.push(agent);
  return agent;
}

/** The outcome of an OPTIONS, with the words why it could not be sent. */
async function ping(from: CoreAgent, to: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const done = ({ message }: Core.IncomingResponse): void => resolve(String(message.statusCode));
  from.core.request(requestTo(from, 'OPTIONS', uriOf(to)), { onAccept: done, onReject: done });
  const status = await promise;
  if (status === '200') return status;
  return await from.layer.reach({ uri: to }).then(
    () => status,
    (error: Error) => `${status} ${error.message}`,
  );
}

function portOf(agent: CoreAgent): number {
  return agent.layer.listening[0]?.port ?? 0;
}

describe('TLS', () => {
  test('takes a certificate for the SIP domain, whatever name SRV gave', async () => {
    const bob = await server(['DNS:example.com']);
    const alice = await client(hosted(portOf(bob)));
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
    expect(bob.requests[0]?.flow.transport).toBe('tls');
  });

  test('refuses a certificate for the SRV target', async () => {
    const bob = await server(['DNS:sbc.hoster.net']);
    const alice = await client(hosted(portOf(bob)));
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toMatch(
      /^503 .*the certificate is for sbc\.hoster\.net, not for example\.com/,
    );
    expect(bob.requests).toHaveLength(0);
  });

  test('refuses a certificate of an authority that it does not know', async () => {
    const bob = await server(['DNS:example.com']);
    const alice = await client(hosted(portOf(bob)), {});
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toMatch(
      /^503 .*(certificate|issuer)/,
    );
  });

  test('takes any certificate only when told so', async () => {
    const bob = await server(['DNS:other.example']);
    const alice = await client(hosted(portOf(bob)), { verify: false });
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
  });

  test('takes an address in the certificate when the URI has an address', async () => {
    const bob = await server(['IP:127.0.0.1']);
    const alice = await client(hosted(1));
    expect(await ping(alice, `sip:bob@127.0.0.1:${portOf(bob)};transport=tls`)).toBe('200');
  });

  test('sips goes over TLS only, and sip.js takes it', async () => {
    const bob = await server(['DNS:example.com']);
    const alice = await client(hosted(portOf(bob)));
    expect(await ping(alice, 'sips:bob@example.com')).toBe('200');
    expect(bob.requests[0]?.head).toMatchObject({ uri: 'sips:bob@example.com' });
  });

  test('a client certificate is demanded when configured so, and shown when there is one', async () => {
    const bob = await server(['DNS:example.com'], { requireClientCertificate: true });
    const resolver = hosted(portOf(bob));
    const stranger = await client(resolver);
    expect(await ping(stranger, 'sip:bob@example.com;transport=tls')).toMatch(/^503/);
    const alice = await client(resolver, {
      ca: authority.ca,
      ...authority.issue(['URI:sip:alice.example']),
    });
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
    expect(bob.requests).toHaveLength(1);
  });

  test('requests back to the far end of a connection use that connection', async () => {
    const bob = await server(['DNS:example.com']);
    const alice = await client(hosted(portOf(bob)));
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
    const remote = bob.requests[0]?.flow.remote;
    expect(await ping(bob, `sip:alice@127.0.0.1:${remote?.port};transport=tls`)).toBe('200');
    expect(alice.requests).toHaveLength(1);
  });

  test('a connection that was checked for one domain is not used for another', async () => {
    const bob = await server(['DNS:example.com']);
    const port = portOf(bob);
    const everywhere: SipResolver = {
      ...hosted(port),
      srv: async () => [{ priority: 1, weight: 1, port, name: 'sbc.hoster.net' }],
    };
    const alice = await client(everywhere);
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
    expect(await ping(alice, 'sip:bob@evil.example;transport=tls')).toMatch(
      /^503 .*not for evil\.example/,
    );
  });

  test('bytes that are no TLS cost their connection only', async () => {
    const bob = await server(['DNS:example.com']);
    const socket = connectTcp(portOf(bob), '127.0.0.1');
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    socket.on('error', () => undefined);
    socket.write('OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n');
    await until(() => closed, 'the end of the connection');
    const alice = await client(hosted(portOf(bob)));
    expect(await ping(alice, 'sip:bob@example.com;transport=tls')).toBe('200');
  });

  test('listening without a certificate is refused in words', async () => {
    const listen = [{ transport: 'tls', address: '127.0.0.1', port: 0 }] as const;
    await expect(coreAgent({ user: 'bob', layer: { listen } })).rejects.toMatchObject({
      code: 'no-certificate',
    });
  });
});

describe('the identity in a certificate (RFC 5922 §7)', () => {
  const subject = { CN: 'common.example' } as never;

  test.each([
    ['URI:sip:example.com, DNS:other.example', 'example.com', true],
    ['URI:sip:example.com, DNS:other.example', 'other.example', false],
    ['DNS:a.example, DNS:Example.COM', 'example.com', true],
    ['URI:sip:alice@example.com', 'example.com', false],
    ['DNS:*.example.com', 'sip.example.com', false],
    ['DNS:example.com', 'sip.example.com', false],
    ['DNS:example.com', 'example.com.', true],
    ['IP Address:192.0.2.1', '192.0.2.1', true],
    ['DNS:example.com', '192.0.2.1', false],
    ['DNS:a.example', 'common.example', false],
    [undefined, 'common.example', true],
    [undefined, 'example.com', false],
  ])('%s is for %s: %s', (subjectaltname, domain, fits) => {
    const certificate = subjectaltname === undefined ? { subject } : { subject, subjectaltname };
    expect(checkSipIdentity(domain, certificate) === undefined).toBe(fits);
  });
});
