import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@offhook/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContactBook } from '../../src/people/contact-book.ts';

let dir: string;
const path = () => join(dir, 'contacts.vcf');
async function open(): Promise<ContactBook> {
  const book = new ContactBook({ path: path(), country: 'DE', logger: silentLogger });
  await book.loaded;
  return book;
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'offhook-contacts-'));
});
afterEach(() => {
  chmodSync(dir, 0o700);
  rmSync(dir, { recursive: true, force: true });
});

function bob(more: { id?: string; name?: string; favourite?: boolean } = {}) {
  return {
    name: 'Bob Smith',
    organisation: 'ACME',
    numbers: [{ type: 'work' as const, value: '030 1234567' }],
    favourite: false,
    ...more,
  };
}

describe('ContactBook', () => {
  it('is there again after a restart, for its user only', async () => {
    const saved = await (await open()).save(bob());
    expect((await open()).list()).toEqual([saved]);
    expect(statSync(path()).mode & 0o077).toBe(0);
  });

  it('knows whoever is left of several with the same number', async () => {
    const book = await open();
    const first = await book.save(bob({ name: 'Reception' }));
    const second = await book.save(bob());
    expect(book.atParty('sip:0301234567@pbx')?.name).toBe('Bob Smith');
    await book.save({ ...second, name: 'Robert', numbers: [] });
    expect(book.atParty('sip:0301234567@pbx')?.name).toBe('Reception');
    await book.remove(first.id);
    expect(book.atParty('sip:0301234567@pbx')).toBeUndefined();
  });

  it('takes many cards in pieces, and is the same when it is read again', async () => {
    const book = await open();
    for (let piece = 0; piece < 10; piece += 1) {
      const cards = Array.from({ length: 100 }, (_, index) => {
        const number = piece * 100 + index;
        return `BEGIN:VCARD\r\nVERSION:4.0\r\nUID:${number}\r\nFN:Person ${number}\r\nTEL:030 ${1_000_000 + number}\r\nEND:VCARD\r\n`;
      });
      expect(await book.import(`${cards.join('')}BEGIN:VCARD\r\nEND:VCARD\r\n`)).toMatchObject({
        imported: 100,
        problems: [{ line: 601 }],
      });
    }
    expect((await open()).list()).toEqual(book.list());
    expect((await open()).atParty('tel:+49301000999')?.name).toBe('Person 999');
  });

  it('finds by any part of name, organisation or number, favourites first', async () => {
    const book = await open();
    await book.save(bob());
    await book.save(bob({ name: 'Zoe', favourite: true }));
    await book.save(bob({ name: 'Anna' }));
    expect(book.list().map(({ name }) => name)).toEqual(['Zoe', 'Anna', 'Bob Smith']);
    expect(book.list('smi acme').map(({ name }) => name)).toEqual(['Bob Smith']);
    expect(book.list('12345')).toHaveLength(3);
    expect(book.list('nobody')).toEqual([]);
  });

  it('knows who calls, however the number is written', async () => {
    const book = await open();
    await book.save(bob());
    expect(book.atParty('sip:+49301234567@sbc.example.net')?.name).toBe('Bob Smith');
    expect(book.atParty('sip:030123@pbx')).toBeUndefined();
  });

  it('gives the number of a name that only one has', async () => {
    const book = await open();
    await book.save(bob());
    expect(book.numberOf('bob smith')).toBe('030 1234567');
    await book.save(bob());
    expect(book.numberOf('Bob Smith')).toBeUndefined();
  });

  it('changes one by its id, and removes one by id or name', async () => {
    const book = await open();
    const { id } = await book.save(bob());
    await book.save(bob({ id, name: 'Robert' }));
    expect(book.list().map(({ name }) => name)).toEqual(['Robert']);
    expect((await book.remove('robert')).id).toBe(id);
    expect(book.list()).toEqual([]);
    await expect(book.remove('robert')).rejects.toThrow(/no contact robert/);
  });

  it('puts a favourite first, by its name, and takes it from there', async () => {
    const book = await open();
    await book.save(bob());
    await book.save(bob({ name: 'Anna' }));
    await book.favour('bob smith', true);
    expect((await open()).list().map(({ name }) => name)).toEqual(['Bob Smith', 'Anna']);
    await book.favour('Bob Smith', false);
    expect(book.list().map(({ name }) => name)).toEqual(['Anna', 'Bob Smith']);
  });

  it('wants an id where a name is not enough', async () => {
    const book = await open();
    await book.save(bob());
    await book.save(bob());
    await expect(book.remove('Bob Smith')).rejects.toThrow(/2 contacts/);
  });

  it('keeps a copy of a file that it cannot read whole', async () => {
    writeFileSync(path(), 'BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Old\r\nEND:VCARD\r\n');
    const book = await open();
    await book.save(bob());
    expect(readFileSync(`${path()}.unreadable`, 'utf8')).toContain('FN:Old');
    expect(book.list()).toHaveLength(1);
  });

  it('imports into what is there', async () => {
    const book = await open();
    const kept = await book.save(bob({ id: 'a' }));
    const text = readFileSync(path(), 'utf8');
    expect(await book.import(`${text}${text.replace('UID:a', 'UID:b')}BEGIN:VCARD\r\n`)).toEqual({
      imported: 2,
      problems: [{ line: 17, message: expect.any(String) }],
    });
    expect(
      book
        .list()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([kept.id, 'b']);
  });

  it('says which file cannot be written, and stays as it was', async () => {
    const book = await open();
    mkdirSync(`${path()}.new`);
    await expect(book.save(bob())).rejects.toThrow(path());
    expect(book.list()).toEqual([]);
    expect(existsSync(path())).toBe(false);
  });

  it('reads and writes 50,000 cards without holding anything else up', async () => {
    const cards = Array.from(
      { length: 50_000 },
      (_, n) =>
        `BEGIN:VCARD\r\nVERSION:4.0\r\nUID:${n}\r\nFN:Person ${n}\r\nTEL:030 ${1_000_000 + n}\r\nEND:VCARD\r\n`,
    );
    writeFileSync(path(), cards.join(''));
    let turns = 0;
    const others = setInterval(() => (turns += 1), 1);
    const book = await open();
    const whileLoading = turns;
    await book.save(bob());
    clearInterval(others);
    // Done in one piece, it leaves none to others.
    expect(whileLoading).toBeGreaterThan(10);
    expect(turns).toBeGreaterThan(whileLoading);
    expect(book.list('person')).toHaveLength(50_000);
    expect(book.atParty('tel:+49301049999')?.name).toBe('Person 49999');
  });

  it('writes nothing over a file that it may not read', async () => {
    mkdirSync(path());
    const book = await open();
    await expect(book.save(bob())).rejects.toMatchObject({ code: 'unreadable' });
  });
});
