import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseXml, textOf, writeXml } from '../../src/csta/xml.ts';
import { isOffhookError } from '@offhook/common';

const NAMESPACE = 'http://www.ecma-international.org/standards/ecma-323/csta/ed4';

function outcome(text: string): string {
  try {
    return parseXml(text).name;
  } catch (error) {
    return isOffhookError(error) ? error.code : String(error);
  }
}

describe('CSTA-XML', () => {
  it('is read with or without prefixes, by element names', () => {
    const text =
      '<?xml version="1.0"?><csta:MakeCallResponse xmlns:csta="x"><csta:callingDevice>' +
      '<csta:callID>17</csta:callID><csta:deviceID typeOfNumber="other">tel:1&amp;2</csta:deviceID>' +
      '</csta:callingDevice></csta:MakeCallResponse>';
    const element = parseXml(text);
    expect(element.name).toBe('MakeCallResponse');
    expect(textOf(element, 'callingDevice', 'callID')).toBe('17');
    expect(textOf(element, 'callingDevice', 'deviceID')).toBe('tel:1&2');
  });

  it.each([
    [
      'entities that grow',
      '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><MakeCall>&b;</MakeCall>',
    ],
    ['an entity from a file', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['a broken end', '<MakeCall><callingDevice></MakeCall>'],
    ['nothing', ''],
    ['too much', `<a>${'x'.repeat(70_000)}</a>`],
    ['too deep a tree', `${'<a>'.repeat(60)}${'</a>'.repeat(60)}`],
    ['too many elements', `<a>${'<b/>'.repeat(5000)}</a>`],
  ])('with %s is refused', (_, text) => {
    expect(outcome(text)).toBe('bad-xml');
  });

  it('carries any text that XML can hold, and nothing of it as markup', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (value) => {
        const text = writeXml('MakeCall', { calledDirectoryNumber: value }, NAMESPACE);
        const back = textOf(parseXml(text), 'calledDirectoryNumber') ?? '';
        // The reader trims, and a carriage return becomes a newline (XML 1.0 §2.11).
        const same = (one: string) => one.replaceAll(/\s+/g, ' ').trim();
        expect(same(back)).toBe(same(value.replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '')));
      }),
      { numRuns: 300 },
    );
  });

  it('never breaks the reader, whatever comes', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b/>',
      '&amp;',
      '&x;',
      '<![CDATA[',
      ']]>',
      '<!--',
      'x',
      '<?',
      '"',
      '<a b="',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(outcome(pieces.join(''))).toMatch(/^(bad-xml|a|b)$/);
      }),
      { numRuns: 500 },
    );
  });
});
