import { ManualClock } from '@offhook/common';
import { describe, expect, test } from 'vitest';
import type { SipResolver } from '../../src/api.ts';
import { Locator } from '../../src/dns/locate.ts';

interface Zone {
  naptr?: Record<string, Awaited<ReturnType<SipResolver['naptr']>>>;
  srv?: Record<string, Awaited<ReturnType<SipResolver['srv']>>>;
  addresses?: Record<string, readonly string[]>;
}

/** A name server with these records; others do not exist. `asked` lists the questions. */
function nameServer(zone: Zone): SipResolver & { asked: string[] } {
  const asked: string[] = [];
  const answer = async <T>(kind: string, name: string, records?: Record<string, T>): Promise<T> => {
    asked.push(`${kind} ${name}`);
    const found = records?.[name];
    if (found === undefined) throw new Error(`ENOTFOUND ${name}`);
    return found;
  };
  return {
    asked,
    naptr: (name) => answer('naptr', name, zone.naptr),
    srv: (name) => answer('srv', name, zone.srv),
    addresses: (name) => answer('addresses', name, zone.addresses),
  };
}

function locator(resolver: SipResolver, clock = new ManualClock()): Locator {
  return new Locator({ resolver, clock, fraction: () => 0, usable: ['udp', 'tcp', 'tls'] });
}

const TWO_SERVERS: Zone = {
  srv: {
    '_sip._tcp.example.com': [
      { priority: 20, weight: 0, port: 5062, name: 'second.example.net' },
      { priority: 10, weight: 0, port: 5061, name: 'first.example.net' },
    ],
  },
  addresses: { 'first.example.net': ['192.0.2.1'], 'second.example.net': ['192.0.2.2'] },
};

const FIRST = { transport: 'tcp', address: '192.0.2.1', port: 5061 } as const;
const SECOND = { transport: 'tcp', address: '192.0.2.2', port: 5062 } as const;

describe('location of a server', () => {
  test('goes from NAPTR over SRV to addresses, and TLS keeps the name of the domain', async () => {
    const dns = nameServer({
      naptr: {
        'example.com': [
          {
            order: 1,
            preference: 1,
            service: 'SIPS+D2T',
            flags: 's',
            replacement: '_sips._tcp.example.com',
          },
        ],
      },
      srv: {
        '_sips._tcp.example.com': [{ priority: 1, weight: 1, port: 5099, name: 'sbc7.hoster.net' }],
      },
      addresses: { 'sbc7.hoster.net': ['192.0.2.7', '2001:db8::7'] },
    });
    expect(await locator(dns).locate('sip:example.com')).toEqual([
      { transport: 'tls', address: '192.0.2.7', port: 5099, tlsName: 'example.com' },
      { transport: 'tls', address: '2001:db8::7', port: 5099, tlsName: 'example.com' },
    ]);
  });

  test('lists every server to fall back to, in order', async () => {
    const targets = await locator(nameServer(TWO_SERVERS)).locate('sip:example.com;transport=tcp');
    expect(targets).toEqual([FIRST, SECOND]);
  });

  test('puts a server that failed last, until the time is over or it answers', async () => {
    const clock = new ManualClock();
    const found = locator(nameServer(TWO_SERVERS), clock);
    const uri = 'sip:example.com;transport=tcp';
    await found.locate(uri);
    found.demote(FIRST, 60_000);
    expect(await found.locate(uri)).toEqual([SECOND, FIRST]);
    await clock.advance(60_001);
    expect(await found.locate(uri)).toEqual([FIRST, SECOND]);
    found.demote(FIRST, 60_000);
    found.restore(FIRST);
    expect(await found.locate(uri)).toEqual([FIRST, SECOND]);
  });

  test('asks once for many requests, and again after five minutes', async () => {
    const clock = new ManualClock();
    const dns = nameServer(TWO_SERVERS);
    const found = locator(dns, clock);
    const uri = 'sip:example.com;transport=tcp';
    await Promise.all([found.locate(uri), found.locate(uri)]);
    await found.locate(uri);
    expect(dns.asked).toHaveLength(3);
    await clock.advance(300_001);
    await found.locate(uri);
    expect(dns.asked).toHaveLength(6);
  });

  test('a name that does not exist is no route, and is asked for again', async () => {
    const dns = nameServer({});
    const found = locator(dns);
    const failing = found.locate('sip:nowhere.example:5060');
    await expect(failing).rejects.toMatchObject({ layer: 'signaling', code: 'no-route' });
    await expect(found.locate('sip:nowhere.example:5060')).rejects.toMatchObject({
      code: 'no-route',
    });
    expect(dns.asked).toHaveLength(2);
  });

  test('a name server that does not answer is given up after the deadline', async () => {
    const clock = new ManualClock();
    const never = (): Promise<never> => new Promise(() => undefined);
    const found = locator({ naptr: never, srv: never, addresses: never }, clock);
    const failed = found.locate('sip:example.com').catch((error: unknown) => error);
    await clock.advance(8000);
    expect(await failed).toMatchObject({ code: 'dns-timeout' });
    expect(clock.pending).toBe(0);
  });

  test('ends when its caller gives up', async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    const found = locator({ naptr: never, srv: never, addresses: never });
    const abort = new AbortController();
    const failing = found.locate('sip:example.com', abort.signal);
    abort.abort(new Error('enough'));
    await expect(failing).rejects.toThrow('enough');
  });

  test('believes no name server that answers with something else than addresses', async () => {
    const dns = nameServer({ addresses: { 'example.com': ['javascript:', '192.0.2.1'] } });
    expect(await locator(dns).locate('sip:example.com:5060')).toEqual([
      { transport: 'udp', address: '192.0.2.1', port: 5060 },
    ]);
  });

  test('follows a bounded number of records', async () => {
    const many = Array.from({ length: 500 }, (_, at) => ({
      priority: at,
      weight: 0,
      port: 5060,
      name: `192.0.2.${at % 250}`,
    }));
    const found = locator(nameServer({ srv: { '_sip._udp.example.com': many } }));
    expect((await found.locate('sip:example.com;transport=udp')).length).toBe(32);
  });
});
