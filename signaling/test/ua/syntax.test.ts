import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Headers } from '../../src/ua/message/headers.ts';
import {
  parseParams,
  param,
  quote,
  splitOutsideQuotes,
  unquote,
} from '../../src/ua/message/lexer.ts';
import { formatNameAddr, parseNameAddr, tagOf, withTag } from '../../src/ua/message/name-addr.ts';
import { addressOfRecord, formatUri, parseUri, uriParam } from '../../src/ua/message/uri.ts';
import { redirectTargets } from '../../src/ua/call/redirects.ts';
import { RecentKeys } from '../../src/ua/core/recent-keys.ts';
import { ManualClock } from '@offhook/common';

describe('a SIP URI (RFC 3261 §19.1)', () => {
  it.each([
    'sip:alice@example.com',
    'sips:alice@example.com:5061;transport=tcp',
    'sip:alice:secret@example.com;maddr=239.255.255.1;ttl=15',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sip:alice@[2001:db8::1]:5070;lr',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
    'sip:%61lice@atlanta.com;x=A%20b',
    'sip:192.0.2.1',
  ])('keeps its spelling: %s', (text) => {
    const uri = parseUri(text);
    expect(uri && formatUri(uri)).toBe(text);
  });

  it.each(['tel:+123', 'sip:', 'sip:a@', 'sip:a b@c', 'sip:a@b:99999', 'sip:a%zz@b', 'sip:a@b c'])(
    'is refused: %s',
    (text) => {
      expect(parseUri(text)).toBeUndefined();
    },
  );

  it('tells parameters with and without value apart from absent ones', () => {
    const uri = parseUri('sip:a@B.example;lr;transport=TCP');
    expect(uri && [uriParam(uri, 'lr'), uriParam(uri, 'transport'), uriParam(uri, 'x')]).toEqual([
      '',
      'TCP',
      undefined,
    ]);
    expect(uri && addressOfRecord(uri)).toBe('sip:a@b.example');
  });

  it('never throws', () => {
    const all = property(string(), (text) => {
      parseUri(`sip:${text}`);
      parseNameAddr(text);
      parseParams(text);
    });
    expect(() => assert(all)).not.toThrow();
  });
});

describe('an address in a header', () => {
  it.each([
    ['<sip:a@b>;tag=1', undefined, 'sip:a@b', '1'],
    ['"Mr. \\"X\\" <y>" <sip:a@b;lr>;q=1;tag=2', 'Mr. "X" <y>', 'sip:a@b;lr', '2'],
    ['Bob Smith <sip:b@c>', 'Bob Smith', 'sip:b@c', undefined],
    ['sip:a@b;tag=3', undefined, 'sip:a@b', '3'],
  ])('%s', (text, displayName, uri, tag) => {
    const value = parseNameAddr(text);
    expect(value?.displayName).toBe(displayName);
    expect(value?.uri).toBe(uri);
    expect(value && tagOf(value)).toBe(tag);
  });

  it.each([
    '',
    '<>',
    '<sip:a@b',
    '"x <sip:a@b>',
    'a"b" <sip:a@b>',
    '<sip:a@b> junk',
    'sip:a@b, sip:c@d',
  ])('is refused: %s', (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
  });

  it('goes out as it came in', () => {
    const value = parseNameAddr('"A \\"b\\" c" <sip:a@b>;x=1;tag=old');
    expect(value && formatNameAddr(withTag(value, 'new'))).toBe(
      '"A \\"b\\" c" <sip:a@b>;x=1;tag=new',
    );
  });

  it('cannot be broken out of by a display name', () => {
    const safe = property(string(), (name) => {
      const text = formatNameAddr({ displayName: name, uri: 'sip:a@b', params: [] });
      return parseNameAddr(text)?.uri === 'sip:a@b' && !/[\r\n]/.test(text);
    });
    expect(() => assert(safe)).not.toThrow();
  });
});

describe('header fields', () => {
  it('are found whatever their case, split at commas outside quotes, and replaced in place', () => {
    const headers = Headers.of([
      ['Contact', '"a, b" <sip:a@b>, <sip:c@d;x=1>'],
      ['CSeq', '1 INVITE'],
      ['contact', '<sip:e@f>'],
    ]);
    expect(headers.list('contact')).toEqual(['"a, b" <sip:a@b>', '<sip:c@d;x=1>', '<sip:e@f>']);
    headers.set('Contact', '*');
    expect(headers.toString()).toBe('Contact: *\r\nCSeq: 1 INVITE\r\n');
    headers.remove('cseq');
    expect(headers.has('cseq')).toBe(false);
  });

  it('parse their parameters', () => {
    const params = parseParams(';A=1;b="x;y";c');
    expect([param(params, 'a'), param(params, 'b'), param(params, 'c')]).toEqual([
      '1',
      '"x;y"',
      '',
    ]);
    expect(unquote(quote('a"b\\c'))).toBe('a"b\\c');
    expect(splitOutsideQuotes('a,,"b,c" , d', ',')).toEqual(['a', '"b,c"', 'd']);
  });
});

describe('the contacts of a redirection', () => {
  it('come best q first, without what was tried and what nobody can call', () => {
    const headers = Headers.of([
      ['contact', '<sip:low@x>;q=0.1, <sip:tried@x>, <tel:+1>, <sip:high@x>;q=0.9, <sip:top@x>'],
    ]);
    expect(redirectTargets(headers, new Set(['sip:tried@x']))).toEqual([
      'sip:top@x',
      'sip:high@x',
      'sip:low@x',
    ]);
  });
});

describe('keys that were seen lately', () => {
  it('are known for their time, forgotten after twice that, and bounded', async () => {
    const clock = new ManualClock();
    const keys = new RecentKeys(1000, clock, 3);
    expect([keys.seen('a'), keys.seen('a')]).toEqual([false, true]);
    await clock.advance(999);
    expect(keys.seen('a')).toBe(true);
    await clock.advance(2001);
    expect(keys.seen('a')).toBe(false);
    for (const key of ['b', 'c', 'd', 'e', 'f', 'g', 'h']) keys.seen(key);
    expect(keys.seen('a')).toBe(false);
  });
});
