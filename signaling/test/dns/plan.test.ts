import { isOffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHopUri } from '../../src/dns/next-hop.ts';
import {
  orderSrv,
  planTargets,
  type NaptrRecord,
  type Plan,
  type Records,
  type SrvRecord,
} from '../../src/dns/plan.ts';
import type { TransportName } from '../../src/api.ts';

const ALL: readonly TransportName[] = ['udp', 'tcp', 'tls'];

function plan(uri: string, known: Partial<Records> = {}, usable = ALL): Plan {
  const records = { naptr: new Map(), srv: new Map(), addresses: new Map(), ...known };
  return planTargets(parseHopUri(uri), records, usable, () => 0);
}

function naptr(service: string, replacement: string, order = 1, preference = 1): NaptrRecord {
  return { order, preference, service, replacement, flags: 's' };
}

function srv(name: string, port = 5060, priority = 1, weight = 1): SrvRecord {
  return { priority, weight, port, name };
}

describe('a numeric host (RFC 3263 §4.1, §4.2)', () => {
  test.each([
    ['sip:192.0.2.1', 'udp', '192.0.2.1', 5060],
    ['sip:192.0.2.1;transport=tcp', 'tcp', '192.0.2.1', 5060],
    ['sip:192.0.2.1;transport=tls', 'tls', '192.0.2.1', 5061],
    ['sip:alice@192.0.2.1:5070', 'udp', '192.0.2.1', 5070],
    ['sips:192.0.2.1', 'tls', '192.0.2.1', 5061],
    ['sips:192.0.2.1;transport=tcp', 'tls', '192.0.2.1', 5061],
    ['sip:[2001:db8::1]:5080;transport=TCP', 'tcp', '2001:db8::1', 5080],
    ['sip:[2001:db8::1]', 'udp', '2001:db8::1', 5060],
    ['<sip:192.0.2.1;lr>', 'udp', '192.0.2.1', 5060],
    ['"a <b>" <sip:192.0.2.7;lr>;x=y', 'udp', '192.0.2.7', 5060],
    ['sip:example.com;maddr=192.0.2.9', 'udp', '192.0.2.9', 5060],
  ])('%s goes by %s to %s port %i without DNS', (uri, transport, address, port) => {
    expect(plan(uri)).toEqual({ targets: [{ transport, address, port }] });
  });
});

describe('a name with a port', () => {
  test('asks for addresses only', () => {
    expect(plan('sip:example.com:5070')).toEqual({
      ask: [{ type: 'addresses', name: 'example.com' }],
    });
  });

  test('gives every address, in the order of DNS', () => {
    const addresses = new Map([['example.com', ['2001:db8::1', '192.0.2.1']]]);
    expect(plan('sip:Example.COM:5070;transport=tcp', { addresses })).toEqual({
      targets: [
        { transport: 'tcp', address: '2001:db8::1', port: 5070 },
        { transport: 'tcp', address: '192.0.2.1', port: 5070 },
      ],
    });
  });
});

describe('a name with a transport', () => {
  test.each([
    ['sip:example.com;transport=udp', '_sip._udp.example.com'],
    ['sip:example.com;transport=tcp', '_sip._tcp.example.com'],
    ['sip:example.com;transport=tls', '_sips._tcp.example.com'],
    ['sips:example.com;transport=tcp', '_sips._tcp.example.com'],
  ])('%s asks for SRV at %s', (uri, name) => {
    expect(plan(uri)).toEqual({ ask: [{ type: 'srv', name }] });
  });

  test('falls back to the addresses of the name when there is no SRV', () => {
    const known = {
      srv: new Map([['_sip._tcp.example.com', []]]),
      addresses: new Map([['example.com', ['192.0.2.1']]]),
    };
    expect(plan('sip:example.com;transport=tcp', known)).toEqual({
      targets: [{ transport: 'tcp', address: '192.0.2.1', port: 5060 }],
    });
  });
});

describe('a bare name', () => {
  test('asks for NAPTR first', () => {
    expect(plan('sip:example.com')).toEqual({ ask: [{ type: 'naptr', name: 'example.com' }] });
  });

  test('follows NAPTR by order and preference, leaving out what we cannot do', () => {
    const records = new Map([
      [
        'example.com',
        [
          naptr('SIP+D2U', '_sip._udp.b.example.com', 2, 1),
          naptr('SIP+D2S', '_sip._sctp.example.com', 1, 1),
          naptr('SIP+D2T', '_sip._tcp.b.example.com', 1, 5),
          naptr('SIPS+D2T', '_sips._tcp.b.example.com', 1, 2),
        ],
      ],
    ]);
    expect(plan('sip:example.com', { naptr: records })).toEqual({
      ask: [
        { type: 'srv', name: '_sips._tcp.b.example.com' },
        { type: 'srv', name: '_sip._tcp.b.example.com' },
        { type: 'srv', name: '_sip._udp.b.example.com' },
      ],
    });
    expect(plan('sip:example.com', { naptr: records }, ['tcp'])).toEqual({
      ask: [{ type: 'srv', name: '_sip._tcp.b.example.com' }],
    });
  });

  test('sips takes TLS services only', () => {
    const records = new Map([
      [
        'example.com',
        [naptr('SIP+D2T', '_sip._tcp.x.example'), naptr('SIPS+D2T', '_sips._tcp.x.example')],
      ],
    ]);
    expect(plan('sips:example.com', { naptr: records })).toEqual({
      ask: [{ type: 'srv', name: '_sips._tcp.x.example' }],
    });
    const none = new Map([['example.com', []]]);
    expect(plan('sips:example.com', { naptr: none })).toEqual({
      ask: [{ type: 'srv', name: '_sips._tcp.example.com' }],
    });
  });

  test('without NAPTR asks for SRV of each transport that we can do', () => {
    expect(plan('sip:example.com', { naptr: new Map([['example.com', []]]) })).toEqual({
      ask: [
        { type: 'srv', name: '_sip._udp.example.com' },
        { type: 'srv', name: '_sip._tcp.example.com' },
        { type: 'srv', name: '_sips._tcp.example.com' },
      ],
    });
  });

  test('without any record but addresses goes by UDP, or TLS for sips', () => {
    const known = {
      naptr: new Map([['example.com', []]]),
      srv: new Map([
        ['_sip._udp.example.com', []],
        ['_sip._tcp.example.com', []],
        ['_sips._tcp.example.com', []],
      ]),
      addresses: new Map([['example.com', ['192.0.2.1']]]),
    };
    expect(plan('sip:example.com', known)).toEqual({
      targets: [{ transport: 'udp', address: '192.0.2.1', port: 5060 }],
    });
    expect(plan('sips:example.com', known)).toEqual({
      targets: [{ transport: 'tls', address: '192.0.2.1', port: 5061 }],
    });
  });
});

describe('SRV (RFC 2782)', () => {
  test('a target of "." means that the service is not there', () => {
    expect(orderSrv([srv('.', 0)], () => 0)).toEqual([]);
  });

  test('goes by priority, and keeps every record once', () => {
    const record = fc.record({
      priority: fc.nat(3),
      weight: fc.nat(10),
      port: fc.integer({ min: 1, max: 65_535 }),
      name: fc.constantFrom('a.example', 'b.example', 'c.example'),
    });
    fc.assert(
      fc.property(
        fc.array(record),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (records, random) => {
          const ordered = orderSrv(records, () => random.next().value ?? 0);
          expect(ordered).toHaveLength(records.length);
          expect(new Set(ordered)).toEqual(new Set(records));
          const priorities = ordered.map(({ priority }) => priority);
          expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  test('chooses in proportion to the weights', () => {
    const records = [srv('big', 1, 1, 90), srv('small', 1, 1, 10)];
    let big = 0;
    const runs = 1000;
    for (let run = 0; run < runs; run++) {
      if (orderSrv(records, () => run / runs)[0]?.name === 'big') big++;
    }
    expect(big).toBeGreaterThan(850);
    expect(big).toBeLessThan(950);
  });

  test('a record of weight zero is still chosen at times', () => {
    const records = [srv('big', 1, 1, 90), srv('zero', 1, 1, 0)];
    expect(orderSrv(records, () => 0)[0]?.name).toBe('zero');
  });
});

describe('what is no address', () => {
  test.each([
    'tel:+15551212',
    'sip:',
    'sip:host:0',
    'sip:host:99999',
    'sip:host;transport=sctp',
    'sips:host;transport=udp',
    'http://example.com',
    'sip:a b',
  ])('%s is refused', (uri) => {
    expect(() => plan(uri)).toThrow(expect.objectContaining({ code: 'no-route' }));
  });

  test('no text makes the reader fail in another way', () => {
    const outcome = (text: string): string => {
      try {
        parseHopUri(`sip:${text}`);
        return 'read';
      } catch (error) {
        return isOffhookError(error, 'no-route') ? 'refused' : String(error);
      }
    };
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['read', 'refused']).toContain(outcome(text));
      }),
    );
  });
});
