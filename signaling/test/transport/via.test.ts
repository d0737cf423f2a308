import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  formatVia,
  parseVia,
  responseRoute,
  seenAs,
  splitVias,
  stampVia,
} from '../../src/transport/via.ts';
import { bench, coreRequest, coreResponse, peer, type Bench } from './support/bare-layer.ts';
import { header, request } from './support/messages.ts';

function via(text: string): NonNullable<ReturnType<typeof parseVia>> {
  const parsed = parseVia(text);
  if (parsed === undefined) throw new Error(`no Via: ${text}`);
  return parsed;
}

const SOURCE = { address: '198.51.100.7', port: 4444 };

describe('a Via value', () => {
  test.each([
    ['SIP/2.0/UDP host;branch=z9', 'UDP', 'host', undefined],
    ['SIP / 2.0 / TCP  192.0.2.1 : 5070 ; branch=z9 ; rport', 'TCP', '192.0.2.1', 5070],
    ['SIP/2.0/TLS [2001:db8::1]:5061;branch=z9;received=[2001:db8::2]', 'TLS', '2001:db8::1', 5061],
    ['sip/2.0/udp host:1;x="a;b"', 'UDP', 'host', 1],
  ])('%s is read', (text, transport, host, port) => {
    expect(via(text)).toMatchObject({ transport, host, port });
  });

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0 host',
    'SIP/2.0/UDP host:0',
    'SIP/2.0/UDP host:70000',
    'SIP/2.0/UDP host;"',
    'SIP/2.0/UDP host;;branch=1',
    'SIP/2.0/UDP 2001:db8::1;branch=1',
    'HTTP/1.1 host',
  ])('%s is refused', (text) => {
    expect(parseVia(text)).toBeUndefined();
  });

  test('is written as it is read', () => {
    const token = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    fc.assert(
      fc.property(
        fc.constantFrom('UDP', 'TCP', 'TLS', 'SCTP'),
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
        fc.array(fc.record({ name: token, value: fc.option(token, { nil: undefined }) })),
        (transport, host, port, params) => {
          const value = { transport, host, port, params };
          expect(parseVia(formatVia(value))).toEqual(value);
        },
      ),
    );
  });

  test('several in one field are taken apart, a quoted comma kept', () => {
    expect(splitVias(['SIP/2.0/UDP a, SIP/2.0/UDP b;x="1,2"', 'SIP/2.0/UDP c'])).toEqual([
      'SIP/2.0/UDP a',
      'SIP/2.0/UDP b;x="1,2"',
      'SIP/2.0/UDP c',
    ]);
    expect(splitVias(['SIP/2.0/UDP a,,b'])).toBeUndefined();
  });

  test('nothing makes the reader throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseVia(`SIP/2.0/UDP ${text}`)).not.toThrow();
      }),
    );
  });
});

describe('the topmost Via of a request (RFC 3261 §18.2.1, RFC 3581 §4)', () => {
  test.each([
    ['SIP/2.0/UDP 198.51.100.7:4444;branch=b', ';branch=b'],
    ['SIP/2.0/UDP 10.0.0.1;branch=b', ';branch=b;received=198.51.100.7'],
    ['SIP/2.0/UDP host.example;branch=b', ';branch=b;received=198.51.100.7'],
    ['SIP/2.0/UDP 10.0.0.1;rport;branch=b', ';rport=4444;branch=b;received=198.51.100.7'],
    ['SIP/2.0/UDP 198.51.100.7;branch=b;rport', ';branch=b;rport=4444;received=198.51.100.7'],
    ['SIP/2.0/UDP 10.0.0.1;received=1.2.3.4;branch=b', ';branch=b;received=198.51.100.7'],
  ])('%s gets %s', (text, params) => {
    const stamped = formatVia(stampVia(via(text), SOURCE));
    expect(stamped.slice(stamped.indexOf(';'))).toBe(params);
  });
});

test('the zone of a link-local address stays at home', () => {
  const zoned = { address: 'fe80::1%eth0', port: 5060 };
  const stamped = stampVia(via('SIP/2.0/UDP [fe80::1]:5060;branch=b;rport'), zoned);
  expect(formatVia({ ...stamped, host: zoned.address })).toBe(
    'SIP/2.0/UDP [fe80::1]:5060;branch=b;rport=5060;received=fe80::1',
  );
});

describe('where a response goes (RFC 3261 §18.2.2)', () => {
  test.each([
    ['SIP/2.0/UDP a;received=192.0.2.1;rport=4000', 'udp', '192.0.2.1', 4000],
    ['SIP/2.0/UDP a:5070;received=192.0.2.1', 'udp', '192.0.2.1', 5070],
    ['SIP/2.0/UDP 192.0.2.2', 'udp', '192.0.2.2', 5060],
    ['SIP/2.0/UDP a:5070;maddr=192.0.2.9;received=192.0.2.1;rport=1', 'udp', '192.0.2.9', 5070],
    ['SIP/2.0/TCP a:5070;received=192.0.2.1;rport=4000', 'tcp', '192.0.2.1', 5070],
    ['SIP/2.0/TLS a;received=192.0.2.1', 'tls', '192.0.2.1', 5061],
    ['SIP/2.0/UDP [2001:db8::1]:5070;received=[2001:db8::2]', 'udp', '2001:db8::2', 5070],
  ] as const)('%s over %s: %s port %i', (text, transport, host, port) => {
    expect(responseRoute(via(text), transport)).toEqual({ host, port });
  });

  test('our own Via tells how the peer saw us', () => {
    expect(seenAs(via('SIP/2.0/UDP 10.0.0.1:5060;received=198.51.100.7;rport=61000'))).toEqual({
      address: '198.51.100.7',
      port: 61_000,
    });
    expect(seenAs(via('SIP/2.0/UDP 10.0.0.1:5060;rport'))).toBeUndefined();
  });
});

describe('on the wire', () => {
  let open: Bench | undefined;

  afterEach(async () => {
    await open?.layer.close();
    open = undefined;
  });

  async function setUp(): Promise<Bench> {
    open = await bench();
    const b = open;
    b.onRequest = (event) => void b.transport.send(coreResponse(event, 200));
    return b;
  }

  test('a request names the address and port that it is sent from, and asks for rport', async () => {
    const b = await setUp();
    const far = peer(b);
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    expect(header(far.got[0]?.text ?? '', 'Via')).toMatch(
      new RegExp(`^SIP/2.0/UDP 127.0.0.1:${b.port};branch=z9hG4bK[0-9a-f]+;rport$`),
    );
  });

  test('a response goes to the source port when rport was asked for', async () => {
    const b = await setUp();
    const source = peer(b, 7100);
    const sentBy = peer(b, 7000);
    source.send(request());
    await b.clock.advance(10);
    expect([source.got.length, sentBy.got.length]).toEqual([1, 0]);
    expect(header(source.got[0]?.text ?? '', 'Via')).toContain(';rport=7100;received=127.0.0.1');
  });

  test('a response goes to the sent-by port when it was not', async () => {
    const b = await setUp();
    const source = peer(b, 7100);
    const sentBy = peer(b, 7000);
    source.send(request({ viaParams: '' }));
    await b.clock.advance(10);
    expect([source.got.length, sentBy.got.length]).toEqual([0, 1]);
  });

  test('a response carries every Via of the request, in their order', async () => {
    const b = await setUp();
    const far = peer(b);
    const text = request({
      headers: [
        'Via: SIP/2.0/TCP two.example;branch=z9hG4bK2, SIP/2.0/UDP three.example;branch=z9hG4bK3',
      ],
    });
    far.send(text.replace('Via:', 'v:'));
    await b.clock.advance(10);
    const vias = far.got[0]?.text.match(/^Via: .*$/gm)?.map((line) => line.trim());
    expect(vias?.slice(1)).toEqual([
      'Via: SIP/2.0/TCP two.example;branch=z9hG4bK2',
      'Via: SIP/2.0/UDP three.example;branch=z9hG4bK3',
    ]);
    expect(vias).toHaveLength(3);
  });

  test('a response with two Via values is not ours, and dropped', async () => {
    const b = await setUp();
    const far = peer(b);
    await b.transport.send(coreRequest('OPTIONS'));
    await b.clock.advance(10);
    const sent = far.got[0]?.text ?? '';
    far.send(
      sent
        .replace(/^OPTIONS .*/, 'SIP/2.0 200 OK')
        .replace('\r\nTo:', '\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\r\nTo:'),
    );
    await b.clock.advance(10);
    expect(b.responses).toHaveLength(0);
    expect(b.layer.counters.dropped).toBe(1);
  });
});
