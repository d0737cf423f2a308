import { describe, expect, it } from 'vitest';
import { e164, partyKey } from '../../src/people/phone-number.ts';

describe('e164', () => {
  it.each([
    ['+49 30 1234567', undefined, '+49301234567'],
    ['030 1234567', 'DE', '+49301234567'],
    ['030/123-4567', 'de', '+49301234567'],
    ['0049 30 1234567', 'DE', '+49301234567'],
    ['(212) 555-0123', 'US', '+12125550123'],
    ['011 44 20 7946 0018', 'US', '+442079460018'],
  ])('%j in %s is %s', (text, country, number) => {
    expect(e164(text, country)).toBe(number);
  });

  it.each(['110', '4711', '*21#', 'bob', '', '030 1234567 ext', '+', '1'.repeat(40)])(
    '%j is no number of the public network',
    (text) => {
      expect(e164(text, 'DE')).toBeUndefined();
    },
  );

  it.each([
    ['1234567', 'DE', { area: '30' }, '+49301234567'],
    ['030 1234567', 'DE', { area: '40' }, '+49301234567'],
    ['+49 40 1234567', 'DE', { area: '30' }, '+49401234567'],
    ['0043 1 2345678', 'DE', { area: '30' }, '+4312345678'],
    ['5550123', 'US', { area: '212', trunk: '1' }, '+12125550123'],
    ['415 555 0123', 'US', { area: '212', trunk: '1' }, '+14155550123'],
    ['800 49 30 1234567', 'DE', { international: '800' }, '+49301234567'],
  ])('%j in %s with %j is %s', (text, country, local, number) => {
    expect(e164(text, country, local)).toBe(number);
  });

  it('leaves extensions alone, as long as they are here', () => {
    expect(e164('12345678', 'DE', { area: '30', extensionDigits: 8 })).toBeUndefined();
    expect(e164('12345', 'DE', { area: '30', extensionDigits: 4 })).toBe('+493012345');
  });

  it('needs a country for a number without one', () => {
    expect(e164('030 1234567', undefined)).toBeUndefined();
  });
});

describe('partyKey', () => {
  it('is the same for all spellings of one number', () => {
    const spellings = [
      '+49 30 1234567',
      '030 1234567',
      'tel:+49-30-1234567',
      'sip:0301234567@pbx.example.com',
      'sip:+49301234567@sbc.example.net;user=phone',
    ];
    expect(new Set(spellings.map((text) => partyKey(text, 'DE')))).toEqual(
      new Set(['+49301234567']),
    );
  });

  it('tells extensions and names apart', () => {
    expect(partyKey('sip:4711@pbx.example.com', 'DE')).toBe('4711');
    expect(partyKey('sip:Bob@Example.com;transport=tcp', 'DE')).toBe('bob@example.com');
    expect(partyKey('sip:bob@example.org', 'DE')).not.toBe(partyKey('sip:bob@example.com', 'DE'));
  });
});
