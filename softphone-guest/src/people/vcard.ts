import { randomUUID } from 'node:crypto';
import ICAL from 'ical.js';
import { contact, type Contact, type ContactNumber } from './contact.ts';

/** A property as ical.js has it (jCard, RFC 7095): name, parameters, type, values. */
type Property = [name: string, parameters: Record<string, unknown>, type: string, ...unknown[]];

export interface Card {
  readonly contact: Contact;
  /** What a phone has no use for, kept for whoever exports it again. */
  readonly others: readonly Property[];
}

export interface CardProblem {
  /** Of `BEGIN:VCARD`, from 1. */
  readonly line: number;
  readonly message: string;
}

/** One more than this is no address book of a person. */
const MAX_CARD_CHARACTERS = 256 * 1024;
const FAVOURITE = 'starred';
const OWN = new Set(['version', 'fn', 'n', 'uid', 'org', 'tel', 'impp', 'categories', 'prodid']);
/** What is written as it was: of version 4.0, with an id, and without what is left out. */
const OURS = /^(?=[^]*^VERSION:4\.0\s*$)(?=[^]*^UID[;:])(?![^]*^(?:PHOTO|LOGO|SOUND|KEY)[;:])/im;
/** Pictures and the like: large, and nothing to a phone. */
const LEFT_OUT = new Set(['photo', 'logo', 'sound', 'key']);

/** A card of a file, or why there is none. */
export type ReadCard =
  | {
      readonly card: Card;
      /** As it stood in the file, where we would write no other. */
      readonly text: string | undefined;
    }
  | { readonly problem: CardProblem };

/**
 * Cards of vCard 3.0 (RFC 2426) and 4.0 (RFC 6350), one after another. One that cannot be read is told;
 * the others are read all the same.
 */
export function* readCards(text: string): Generator<ReadCard> {
  for (const { line, source } of split(text)) yield readOne(line, source);
}

function readOne(line: number, source: string): ReadCard {
  try {
    return { card: readCard(source), text: OURS.test(source) ? `${source}\r\n` : undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { problem: { line, message: message.split('\n', 1)[0]?.slice(0, 200) ?? '' } };
  }
}

/** vCard 4.0. */
export function writeCards(cards: readonly Card[]): string {
  return cards.map((card) => `${ICAL.stringify(asComponent(card))}\r\n`).join('');
}

function* split(text: string): Generator<{ line: number; source: string }> {
  let begun: { line: number; lines: string[] } | undefined;
  const whole = () => ({ line: begun?.line ?? 0, source: begun?.lines.join('\r\n') ?? '' });
  let number = 0;
  for (const line of linesOf(text.replace(/^\uFEFF/, ''))) {
    number += 1;
    if (/^BEGIN:VCARD\s*$/i.test(line)) {
      if (begun !== undefined) yield whole();
      begun = { line: number, lines: [] };
    }
    begun?.lines.push(line);
    if (begun !== undefined && /^END:VCARD\s*$/i.test(line)) {
      yield whole();
      begun = undefined;
    }
  }
  if (begun !== undefined) yield whole();
}

function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length;) {
    const end = text.indexOf('\n', from);
    const line = end < 0 ? text.slice(from) : text.slice(from, end);
    yield line.endsWith('\r') ? line.slice(0, -1) : line;
    from = end < 0 ? text.length + 1 : end + 1;
  }
}

function readCard(source: string): Card {
  if (source.length > MAX_CARD_CHARACTERS) throw new Error('the card is too large');
  const version = /^VERSION:\s*(\S+)/im.exec(source)?.[1];
  if (version !== '3.0' && version !== '4.0') {
    throw new Error(`vCard ${version ?? 'without a version'} is not understood, only 3.0 and 4.0`);
  }
  const [, properties] = ICAL.parse(source) as unknown as [string, Property[]];
  const all = (name: string) => properties.filter((property) => property[0] === name);
  const text = (name: string) =>
    all(name)
      .map(valueText)
      .find((value) => value !== '');
  const name = text('fn') ?? nameOf(all('n')[0]) ?? text('org');
  if (name === undefined) throw new Error('the card has no name');
  const categories = all('categories').flatMap((property) => property.slice(3).flat());
  return {
    contact: contact.parse({
      id: text('uid') ?? randomUUID(),
      name: oneLine(name),
      organisation: oneLine(text('org') ?? '') || null,
      numbers: properties.filter(({ 0: key }) => key === 'tel' || key === 'impp').flatMap(number),
      favourite: categories.some((one) => String(one).toLowerCase() === FAVOURITE),
    }),
    others: properties.filter(({ 0: key }) => !OWN.has(key) && !LEFT_OUT.has(key)),
  };
}

function number(property: Property): ContactNumber[] {
  const value = oneLine(valueText(property));
  if (property[0] === 'impp') {
    return /^sips?:/i.test(value) ? [{ type: 'sip', value }] : [];
  }
  const types = textsOf(property[1]['type']).map((type) => type.toLowerCase());
  if (types.includes('fax') || types.includes('pager')) return [];
  const bare = value.replace(/^tel:/i, '').replace(/;.*$/, '');
  if (bare === '') return [];
  const type = types.includes('cell')
    ? 'mobile'
    : types.includes('work')
      ? 'work'
      : types.includes('home')
        ? 'home'
        : 'other';
  return [{ type, value: bare }];
}

function asComponent({ contact: person, others }: Card): unknown[] {
  const properties: Property[] = [
    ['version', {}, 'text', '4.0'],
    ['uid', {}, 'text', person.id],
    ['fn', {}, 'text', person.name],
    ...(person.organisation === null
      ? []
      : [['org', {}, 'text', person.organisation] satisfies Property]),
    ...person.numbers.map(({ type, value }): Property => {
      if (type === 'sip') return ['impp', {}, 'uri', value];
      const types = { mobile: 'cell', work: 'work', home: 'home', other: undefined }[type];
      return ['tel', types === undefined ? {} : { type: types }, 'text', value];
    }),
    ...(person.favourite ? [['categories', {}, 'text', FAVOURITE] satisfies Property] : []),
    ...others,
  ];
  return ['vcard', properties, []];
}

/** Structured values (ORG, N) come as lists; the first part is the one to show. */
function valueText(property: Property): string {
  const [value] = property.slice(3).flat();
  return typeof value === 'string' ? value : '';
}

/** A parameter with one value, or with several. */
function textsOf(parameter: unknown): readonly string[] {
  return [parameter].flat().filter((value) => typeof value === 'string');
}

/** RFC 6350 §6.2.2: family names, given names, … */
function nameOf(property: Property | undefined): string | undefined {
  const [family, given] = (property?.slice(3).flat() ?? []).map((part) => String(part));
  const name = [given, family].filter((part) => part !== undefined && part !== '').join(' ');
  return name === '' ? undefined : name;
}

function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
