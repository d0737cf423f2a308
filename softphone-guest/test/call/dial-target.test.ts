import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dialTarget, domainOf } from '../../src/call/dial-target.ts';

describe('dialTarget', () => {
  it.each([
    ['echo', 'sip:echo@example.com'],
    ['  echo ', 'sip:echo@example.com'],
    ['+49 (30) 123-456/7', 'sip:+49301234567@example.com'],
    ['*31#030', 'sip:*31%23030@example.com'],
    ['bob@pbx.example.org', 'sip:bob@pbx.example.org'],
    ['sip:bob@pbx.example.org:5080;transport=tcp', 'sip:bob@pbx.example.org:5080;transport=tcp'],
    ['SIPS:bob@example.org', 'sips:bob@example.org'],
    ['sip:pbx.example.org', 'sip:pbx.example.org'],
    ['sip:bob@[2001:db8::1]:5070', 'sip:bob@[2001:db8::1]:5070'],
    ['bob@127.0.0.1:5062', 'sip:bob@127.0.0.1:5062'],
    ['tel:+49-30-123;phone-context=x', 'sip:+4930123@example.com'],
    ['callto:+49 30 123', 'sip:+4930123@example.com'],
    ['callto:bob@example.org', 'sip:bob@example.org'],
    ["bob.o'hara", "sip:bob.o'hara@example.com"],
  ])('%j is %s', (input, uri) => {
    expect(dialTarget(input, 'example.com')).toBe(uri);
  });

  it.each([
    ['', /empty/],
    ['   ', /empty/],
    ['bob\r\nRoute: <sip:evil>', /control characters/],
    ['sip:bob@example.com\u0000', /control characters/],
    ['sip:bob@example.com?Subject=x', /not valid/],
    ['sip:bob:secret@example.com', /password/],
    ['sip:bob@exa mple.com', /host/],
    ['sip:bob@example.com:0', /port/],
    ['sip:bob@example.com:99999', /port/],
    ['sip:bob@example.com;a=<b>', /parameters/],
    ['sip:@example.com', /user part/],
    ['bob <sip:bob@example.com>', /user part|neither/],
    ['http://example.com', /cannot be called/],
    ['mailto:bob', /cannot be called/],
    ['tel:', /telephone number/],
    ['callto:', /empty/],
    ['käse', /neither/],
    ['a'.repeat(300), /longer/],
  ])('refuses %j', (input, reason) => {
    expect(() => dialTarget(input, 'example.com')).toThrow(reason);
  });

  it('lets nothing on the wire that is no URI, whatever is typed', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 80 }), (input) => {
        let uri: string;
        try {
          uri = dialTarget(input, 'example.com');
        } catch {
          return;
        }
        expect(uri).toMatch(/^sips?:[\x21-\x7e]+$/);
        expect(uri).not.toMatch(/[<>"\\]/);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds the domain of an address of record', () => {
    expect(domainOf('sip:alice@example.com')).toBe('example.com');
    expect(domainOf('sip:alice@example.com:5070;transport=tcp')).toBe('example.com:5070');
    expect(domainOf('sip:alice@[::1]:5070')).toBe('[::1]:5070');
  });
});
