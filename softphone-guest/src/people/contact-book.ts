import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError, OffhookError, type Logger } from '@offhook/common';
import type { Contact } from './contact.ts';
import { partyKey, type LocalDialling } from './phone-number.ts';
import { inSlices } from './slices.ts';
import { readCards, writeCards, type Card, type CardProblem } from './vcard.ts';

const MAX_CONTACTS = 100_000;
/** Cards that cannot be read, in the log. */
const MAX_TOLD = 20;
const MAX_BYTES = 256 * 1024 * 1024;
const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

export interface ContactBookParts {
  /** A file of vCards, which others may read too. */
  readonly path: string;
  /** ISO 3166-1, for numbers that are written as they are dialled at home. */
  readonly country: string | undefined;
  readonly dialling?: LocalDialling | undefined;
  readonly logger: Logger;
}

/**
 * The contacts of one person, in a vCard file. It is read in the background: until then there are fewer,
 * and changes wait.
 */
export class ContactBook {
  readonly #parts: ContactBookParts;
  #cards = new Map<string, Card>();
  readonly #texts = new WeakMap<Card, string>();
  /** `partyKey` of its numbers. */
  readonly #keys = new WeakMap<Card, readonly string[]>();
  readonly #byParty = new Map<string, readonly Contact[]>();
  /** All of the file is there. Never rejects. */
  readonly loaded: Promise<void>;
  /** Why nothing may be written: it would be the end of what could not be read. */
  #locked: OffhookError | undefined;
  /** Changes, one after another. */
  #last: Promise<unknown>;

  constructor(parts: ContactBookParts) {
    this.#parts = parts;
    this.loaded = this.#load();
    this.#last = this.loaded;
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
  save(given: Omit<Contact, 'id'> & { readonly id?: string | undefined }): Promise<Contact> {
    return this.#change(async () => {
      const contact = { ...given, id: given.id ?? randomUUID() };
      const others = this.#cards.get(contact.id)?.others ?? [];
      await this.#put(new Map(this.#cards).set(contact.id, { contact, others }));
      return contact;
    });
  }

  /** @throws OffhookError `unknown-contact`, as `remove`. */
  favour(idOrName: string, favourite: boolean): Promise<Contact> {
    return this.#change(async () => {
      const { contact: before, others } = this.#cards.get(idOrName) ?? this.#named(idOrName);
      const contact = { ...before, favourite };
      await this.#put(new Map(this.#cards).set(contact.id, { contact, others }));
      return contact;
    });
  }

  /** By id, or by a name that only one has. @throws OffhookError `unknown-contact`. */
  remove(idOrName: string): Promise<Contact> {
    return this.#change(async () => {
      const card = this.#cards.get(idOrName) ?? this.#named(idOrName);
      const cards = new Map(this.#cards);
      cards.delete(card.contact.id);
      await this.#put(cards);
      return card.contact;
    });
  }

  /** Adds cards, or replaces those with the same UID. What cannot be read is told and left out. */
  import(text: string): Promise<{ imported: number; problems: CardProblem[] }> {
    return this.#change(async () => {
      const { cards, problems } = await this.#readAll(text);
      const all = new Map(this.#cards);
      for (const card of cards) all.set(card.contact.id, card);
      if (cards.length > 0) await this.#put(all);
      return { imported: cards.length, problems };
    });
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      if (this.#locked !== undefined) throw this.#locked;
      return work();
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #load(): Promise<void> {
    const { path, logger } = this.#parts;
    const { cards, problems } = await this.#readAll(await this.#read(), (card) => this.#add(card));
    if (cards.length > 0) logger.debug({ contacts: cards.length }, 'contacts loaded');
    if (problems.length === 0) return;
    logger.warn(
      { file: path, problems: problems.slice(0, MAX_TOLD) },
      'some contacts cannot be read',
    );
    // The next change writes the file anew: what is not understood must not be lost by it.
    await this.#keepCopy();
  }

  async #readAll(
    text: string,
    each?: (card: Card) => void,
  ): Promise<{ cards: Card[]; problems: CardProblem[] }> {
    const cards: Card[] = [];
    const problems: CardProblem[] = [];
    await inSlices(readCards(text), (read) => {
      if ('problem' in read) {
        problems.push(read.problem);
        return;
      }
      const { card } = read;
      if (read.text !== undefined) this.#texts.set(card, read.text);
      this.#keysOf(card);
      cards.push(card);
      each?.(card);
    });
    return { cards, problems };
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

  async #put(cards: Map<string, Card>): Promise<void> {
    if (cards.size > MAX_CONTACTS) {
      throw new OffhookError('control', 'limit-reached', `more than ${MAX_CONTACTS} contacts`);
    }
    const { path } = this.#parts;
    try {
      const texts: string[] = [];
      await inSlices(cards.values(), (card) => texts.push(this.#textOf(card)));
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(`${path}.new`, texts.join(''), { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      throw new OffhookError('system', 'unwritable', `${path}: ${describeError(error)}`, {
        cause: error,
        remedy: 'make room, or correct the rights of the directory',
      });
    }
    const before = this.#cards;
    const gone = [...before.values()].filter((card) => cards.get(card.contact.id) !== card);
    const come = [...cards.values()].filter((card) => before.get(card.contact.id) !== card);
    await inSlices(gone, (card) => this.#drop(card));
    await inSlices(come, (card) => this.#add(card));
  }

  #drop(card: Card): void {
    this.#cards.delete(card.contact.id);
    for (const key of this.#keysOf(card)) {
      const left = this.#byParty.get(key)?.filter((one) => one !== card.contact) ?? [];
      if (left.length > 0) this.#byParty.set(key, left);
      else this.#byParty.delete(key);
    }
  }

  #add(card: Card): void {
    const before = this.#cards.get(card.contact.id);
    if (before !== undefined) this.#drop(before);
    this.#cards.set(card.contact.id, card);
    for (const key of this.#keysOf(card)) {
      this.#byParty.set(key, [...(this.#byParty.get(key) ?? []), card.contact]);
    }
  }

  #keysOf(card: Card): readonly string[] {
    const keys = this.#keys.get(card) ?? card.contact.numbers.map(({ value }) => this.#key(value));
    this.#keys.set(card, keys);
    return keys;
  }

  /** Each is written once: most have not changed. */
  #textOf(card: Card): string {
    const text = this.#texts.get(card) ?? writeCards([card]);
    this.#texts.set(card, text);
    return text;
  }

  #key(text: string): string {
    const { country, dialling } = this.#parts;
    return partyKey(text, country, dialling);
  }

  async #read(): Promise<string> {
    const { path, logger } = this.#parts;
    try {
      const { size } = await stat(path);
      if (size > MAX_BYTES) throw new Error(`${size} bytes, and at most ${MAX_BYTES} are read`);
      return await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      const reason = describeError(error);
      logger.warn({ file: path, reason }, 'no contacts');
      this.#locked = new OffhookError('system', 'unreadable', `${path}: ${reason}`, {
        remedy: 'correct that and start the phone anew; nothing is written until then',
      });
      return '';
    }
  }

  async #keepCopy(): Promise<void> {
    const { path, logger } = this.#parts;
    try {
      await copyFile(path, `${path}.unreadable`);
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
