import { isOffhookError } from '@offhook/common';
import { describe, expect, it } from 'vitest';
import { DialPlan } from '../../src/call/dial-plan.ts';
import { parseGuestConfig } from '../../src/config.ts';

const ALICE = 'sip:alice@example.com';

function plan(rest: string): DialPlan {
  const account = `[[account]]\naor = "${ALICE}"\n[[account]]\naor = "sip:trunk@carrier.test"\n`;
  return new DialPlan(parseGuestConfig(`${account}${rest}`, '/etc/offhook/config.toml'));
}

/** What reaches the wire. */
function dialled(rest: string, input: string): string {
  const rules = plan(rest);
  return rules.uriOf(rules.decide(input), ALICE);
}

describe('a dialled number', () => {
  it.each([
    ['goes out as it was dialled, unless told otherwise', '', '030/123 45-67', '0301234567'],
    ['goes out in E.164', 'country = "DE"\nformat = "e164"', '030 1234567', '+49301234567'],
    [
      'gets its area code',
      'country = "DE"\narea = "30"\nformat = "e164"',
      '1234567',
      '+49301234567',
    ],
    ['goes out as at home', 'country = "DE"\nformat = "national"', '+49 30 1234567', '0301234567'],
    [
      'goes abroad as at home',
      'country = "US"\nformat = "national"',
      '+493012345678',
      '011493012345678',
    ],
    ['gets an outside line', 'country = "DE"\noutside = "0"', '030 1234567', '00301234567'],
    ['gets it without a plus', 'country = "DE"\noutside = "0"', '+43 1 2345678', '0004312345678'],
    [
      'gets none as an extension',
      'country = "DE"\noutside = "0"\nformat = "national"',
      '4711',
      '4711',
    ],
    ['is left alone as a service code', 'country = "DE"\noutside = "0"', '*21#', '*21%23'],
    ['may come as a link', 'country = "DE"\nformat = "e164"', 'tel:+49-30-1234567', '+49301234567'],
    ['may come as a local link', '', 'tel:1234567;phone-context=+4930', '+49301234567'],
    [
      'may come as the other link',
      'country = "DE"\nformat = "e164"',
      'callto:0301234567',
      '+49301234567',
    ],
  ])('%s', (_what, rest, input, user) => {
    expect(dialled(`[dial]\n${rest}`, input)).toBe(`sip:${user}@example.com`);
  });

  it.each(['bob', 'bob@example.net', 'sip:0301234567@example.net', 'sip:%2B49@example.com'])(
    'is none: %s stays as it is',
    (input) => {
      const uri = dialled('[dial]\ncountry = "DE"\nformat = "e164"', input);
      expect(uri).toBe(
        input.startsWith('sip:')
          ? input
          : `sip:${input.includes('@') ? input : `${input}@example.com`}`,
      );
    },
  );
});

describe('rules', () => {
  const rules = `
[dial]
country = "DE"
outside = "0"
[[dial.rule]]
name = "branch"
pattern = '\\+4930555(\\d{3})'
replacement = "$1"
[[dial.rule]]
name = "mobiles"
pattern = '\\+491[567]\\d+'
account = "sip:trunk@carrier.test"
[[dial.block]]
name = "premium"
pattern = '\\+49900\\d+'
reason = "premium rate"
[[dial.block]]
pattern = '666'`;

  it('rewrite by E.164 however it was written, and what they make goes out as it is', () => {
    expect(dialled(rules, '030 555 123')).toBe('sip:123@example.com');
    expect(dialled(rules, '+49 (30) 555-123')).toBe('sip:123@example.com');
  });

  it('choose the account, and say which rule did it', () => {
    const { account, why } = plan(rules).decide('0171 1234567');
    expect(account).toBe('sip:trunk@carrier.test');
    expect(why.join('\n')).toContain('rule "mobiles" (/etc/offhook/config.toml:');
  });

  it.each(['0900 123456', '+49 900 123456', 'sip:0900123456@example.com', 'tel:+49900123456'])(
    'refuse %s, with the reason, the rule and its line',
    (input) => {
      let message = '';
      try {
        plan(rules).decide(input);
      } catch (error) {
        if (isOffhookError(error, 'blocked')) message = error.message;
      }
      expect(message).toMatch(/premium rate, by "premium" \(\/etc\/offhook\/config\.toml:\d+\)$/);
    },
  );

  it('refuse what a rule makes as well, and are named by number without a name', () => {
    expect(() => plan(rules).decide('030 555 666')).toThrow('not allowed, by "block 2"');
  });
});

describe('emergency numbers', () => {
  const strict = `
[dial]
country = "DE"
outside = "0"
[[dial.rule]]
pattern = '.*'
replacement = "999"
[[dial.block]]
pattern = '.*'`;

  it.each(['112', '110', ' 1-1-2 ', '0112', 'tel:112', 'sip:112@example.com', 'urn:service:sos'])(
    '%s passes every rule',
    (input) => {
      expect(plan(strict).decide(input)).toMatchObject({
        emergency: input.includes('110') ? '110' : '112',
      });
      expect(dialled(strict, input)).toMatch(/^sip:11[02]@example\.com$/);
    },
  );

  it.each(['1120', '112345', 'sip:112@elsewhere.test', '+112'])('%s is none', (input) => {
    expect(plan('').emergencyOf(input)).toBeUndefined();
  });

  it('are those of the country, or of the configuration', () => {
    expect(plan('[dial]\ncountry = "US"').emergencyNumbers).toEqual(['911']);
    expect(plan('[emergency]\nnumbers = ["555"]').emergencyNumbers).toEqual(['555']);
  });

  it('can be asked for by their service', () => {
    expect(dialled('[emergency]\ntarget = "urn"', '112')).toBe('urn:service:sos');
  });
});

describe('wrong rules', () => {
  it.each([
    ['[[dial.rule]]\npattern = "("', 'dial.rule[0].pattern: must be a regular expression'],
    [
      '[[dial.rule]]\npattern = "1"\naccount = "sip:no@one"',
      'dial.rule[0].account: no [[account]]',
    ],
    ['[dial]\ncountry = "XX"', 'dial.country: must be a two-letter country code'],
    ['[dial]\nformat = "national"', 'dial.format: needs country'],
    ['[dial]\nformat = "e164"\ncountry = "DE"\noutside = "0"', 'dial.outside: goes with format'],
  ])('%j are named with their line', (rest, message) => {
    expect(() => plan(rest)).toThrow(message);
  });
});
