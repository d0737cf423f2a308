import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCards, writeCards } from '../../src/people/vcard.ts';

function card(...lines: string[]): string {
  return ['BEGIN:VCARD', ...lines, 'END:VCARD', ''].join('\r\n');
}

const bob = card(
  'VERSION:3.0',
  'UID:bob-1',
  'FN:Bob Smith',
  'N:Smith;Bob;;;',
  'ORG:ACME;Sales',
  'TEL;TYPE=work,voice:+49 30 1234567',
  'item1.TEL;type=CELL:0171 555',
  'TEL;TYPE=fax:030 999',
  'IMPP:sip:bob@example.com',
  'CATEGORIES:friends,starred',
  'NOTE:likes tea',
);

function readAll(text: string) {
  const read = [...readCards(text)];
  return {
    cards: read.flatMap((one) => ('card' in one ? [one.card] : [])),
    problems: read.flatMap((one) => ('problem' in one ? [one.problem] : [])),
  };
}

describe('readCards', () => {
  it('reads names, numbers with their kind, and SIP addresses', () => {
    expect(readAll(bob)).toMatchObject({
      problems: [],
      cards: [
        {
          contact: {
            id: 'bob-1',
            name: 'Bob Smith',
            organisation: 'ACME',
            favourite: true,
            numbers: [
              { type: 'work', value: '+49 30 1234567' },
              { type: 'mobile', value: '0171 555' },
              { type: 'sip', value: 'sip:bob@example.com' },
            ],
          },
        },
      ],
    });
  });

  it('reads vCard 4.0 with tel: URIs, folded lines and escaped commas', () => {
    const text = card(
      'VERSION:4.0',
      'FN:Caro\\, the',
      '  second',
      'TEL;VALUE=uri;TYPE="voice,home":tel:+1-212-555-0123;ext=5',
    );
    expect(readAll(text).cards[0]?.contact).toMatchObject({
      name: 'Caro, the second',
      numbers: [{ type: 'home', value: '+1-212-555-0123' }],
    });
  });

  it('takes the parts of the name when there is no formatted one', () => {
    expect(readAll(card('VERSION:3.0', 'N:Doe;Jane;;;')).cards[0]?.contact.name).toBe('Jane Doe');
  });

  it('tells what it cannot read by its line, and reads the rest', () => {
    const text = [
      bob,
      card('VERSION:2.1', 'FN:Old'),
      card('VERSION:3.0', 'NOTE:nobody'),
      card('VERSION:4.0', 'FN:Dora'),
      'BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Cut',
    ].join('');
    const { cards, problems } = readAll(text);
    expect(cards.map(({ contact }) => contact.name)).toEqual(['Bob Smith', 'Dora']);
    expect(problems).toEqual([
      { line: 14, message: expect.stringContaining('vCard 2.1') },
      { line: 18, message: 'the card has no name' },
      { line: 26, message: expect.any(String) },
    ]);
  });

  it('never fails, whatever it is given', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 300 }), (noise) => {
        const { cards, problems } = readAll(
          `BEGIN:VCARD\nVERSION:4.0\n${noise}\nEND:VCARD\n${bob}`,
        );
        expect(cards.length + problems.length).toBeGreaterThan(0);
        for (const { contact } of cards) expect(contact.name).not.toMatch(/\p{Cc}/u);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writeCards', () => {
  it('gives back what was read, also what a phone has no use for', () => {
    const { cards } = readAll(bob);
    const text = writeCards(cards);
    expect(readAll(text).cards.map(({ contact }) => contact)).toEqual(
      cards.map(({ contact }) => contact),
    );
    expect(text).toContain('NOTE:likes tea');
    expect(text).toContain('VERSION:4.0');
  });
});
