import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describeError, OffhookError, type Logger } from '@offhook/common';
import type { Contact } from './contact.ts';
import { partyKey, type LocalDialling } from './phone-number.ts';
import { readCards, writeCards, type Card, type CardProblem } from './vcard.ts';

const MAX_CONTACTS = 100_000;
const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

export interface ContactBookParts {
  /** A file of vCards, which others may read too. */
  readonly path: string;
  /** ISO 3166-1, for numbers that are written as they are dialled at home. */
  readonly country: string | undefined;
  readonly dialling?: LocalDialling | undefined;
  readonly logger: Logger;
}

/** The contacts of one person, in a vCard file. */
export class ContactBook {
  readonly #parts: ContactBookParts;
  #cards = new Map<string, Card>();
  readonly #texts = new WeakMap<Card, string>();
  /** `partyKey` of each number. */
  readonly #byParty = new Map<string, readonly Contact[]>();

  constructor(parts: ContactBookParts) {
    this.#parts = parts;
    const { cards, problems } = readCards(this.#read());
    this.#take(new Map(cards.map((card) => [card.contact.id, card])));
    if (problems.length > 0) {
      parts.logger.warn({ file: parts.path, problems }, 'some contacts cannot be read');
      // The next change writes the file anew: what is not understood must not be lost by it.
      this.#keepCopy();
    }
  }

  /** Those whose name, organisation or number has all words of `query`; favourites first, then by name. */
  list(query = ''): readonly Contact[] {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return [...this.#cards.values()]
      .map((card) => card.contact)
      .filter((one) => words.every((word) => matches(one, word)))
      .toSorted(
        (a, b) => Number(b.favourite) - Number(a.favourite) || collator.compare(a.name, b.name),
      );
  }

  /** Who is at the other end of a call. */
  atParty(uri: string): Contact | undefined {
    return this.#byParty.get(this.#key(uri))?.at(-1);
  }

  /** The number of the one contact that has this name; undefined when nobody has, or several. */
  numberOf(name: string): string | undefined {
    const wanted = name.trim().toLowerCase();
    const [only, second] = [...this.#cards.values()].filter(
      ({ contact }) => contact.name.toLowerCase() === wanted,
    );
    return second === undefined ? only?.contact.numbers[0]?.value : undefined;
  }

  /** @throws OffhookError `unwritable`, and `limit-reached` of too many contacts. */
  save(given: Omit<Contact, 'id'> & { readonly id?: string | undefined }): Contact {
    const contact = { ...given, id: given.id ?? randomUUID() };
    const others = this.#cards.get(contact.id)?.others ?? [];
    this.#put(new Map(this.#cards).set(contact.id, { contact, others }));
    return contact;
  }

  /** By id, or by a name that only one has. @throws OffhookError `unknown-contact`. */
  remove(idOrName: string): Contact {
    const card = this.#cards.get(idOrName) ?? this.#named(idOrName);
    const cards = new Map(this.#cards);
    cards.delete(card.contact.id);
    this.#put(cards);
    return card.contact;
  }

  /** Adds cards, or replaces those with the same UID. What cannot be read is told and left out. */
  import(text: string): { readonly imported: number; readonly problems: readonly CardProblem[] } {
    const { cards, problems } = readCards(text);
    const all = new Map(this.#cards);
    for (const card of cards) all.set(card.contact.id, card);
    if (cards.length > 0) this.#put(all);
    return { imported: cards.length, problems };
  }

  #named(name: string): Card {
    const wanted = name.toLowerCase();
    const found = [...this.#cards.values()].filter(
      ({ contact }) => contact.name.toLowerCase() === wanted,
    );
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    const why =
      found.length > 1 ? `${found.length} contacts are called ${name}` : `no contact ${name}`;
    throw new OffhookError('control', 'unknown-contact', why, {
      remedy:
        found.length > 1 ? 'name its id; see `offhook contacts --json`' : 'see `offhook contacts`',
    });
  }

  #put(cards: Map<string, Card>): void {
    if (cards.size > MAX_CONTACTS) {
      throw new OffhookError('control', 'limit-reached', `more than ${MAX_CONTACTS} contacts`);
    }
    const { path } = this.#parts;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      writeFileSync(`${path}.new`, this.#textOf(cards), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      throw new OffhookError('system', 'unwritable', `${path}: ${describeError(error)}`, {
        cause: error,
        remedy: 'make room, or correct the rights of the directory',
      });
    }
    this.#take(cards);
  }

  /** What has changed is looked at, and nothing else: a book of 50,000 comes in many pieces. */
  #take(cards: Map<string, Card>): void {
    const before = this.#cards;
    this.#cards = cards;
    for (const [id, card] of before) {
      if (cards.get(id) === card) continue;
      for (const { value } of card.contact.numbers) {
        const key = this.#key(value);
        const left = this.#byParty.get(key)?.filter((one) => one !== card.contact) ?? [];
        if (left.length > 0) this.#byParty.set(key, left);
        else this.#byParty.delete(key);
      }
    }
    for (const [id, card] of cards) {
      if (before.get(id) === card) continue;
      for (const { value } of card.contact.numbers) {
        const key = this.#key(value);
        this.#byParty.set(key, [...(this.#byParty.get(key) ?? []), card.contact]);
      }
    }
  }

  /** Cards are written once each: most of them have not changed. */
  #textOf(cards: ReadonlyMap<string, Card>): string {
    return [...cards.values()]
      .map((card) => {
        const known = this.#texts.get(card) ?? writeCards([card]);
        this.#texts.set(card, known);
        return known;
      })
      .join('');
  }

  #key(text: string): string {
    const { country, dialling } = this.#parts;
    return partyKey(text, country, dialling);
  }

  #read(): string {
    const { path, logger } = this.#parts;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!missing) logger.warn({ file: path, reason: describeError(error) }, 'no contacts');
      return '';
    }
  }

  #keepCopy(): void {
    const { path, logger } = this.#parts;
    try {
      writeFileSync(`${path}.unreadable`, this.#read(), { mode: 0o600 });
    } catch (error) {
      logger.warn({ file: path, reason: describeError(error) }, 'no copy of the contacts was kept');
    }
  }
}

function matches(contact: Contact, word: string): boolean {
  const digits = word.replaceAll(/\D/g, '');
  return (
    contact.name.toLowerCase().includes(word) ||
    (contact.organisation ?? '').toLowerCase().includes(word) ||
    contact.numbers.some(
      ({ value }) =>
        value.toLowerCase().includes(word) ||
        (digits !== '' && digits === word && value.replaceAll(/\D/g, '').includes(digits)),
    )
  );
}
