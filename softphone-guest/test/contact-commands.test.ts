import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildProgram } from '../src/cli/program.ts';
import { connectDaemon } from '../src/control/client.ts';
import { FakeDaemon } from './support/fake-daemon.ts';

let fake: FakeDaemon;

beforeEach(async () => {
  fake = new FakeDaemon();
  await fake.start();
});
afterEach(() => fake.remove());

async function run(...words: string[]): Promise<{ out: string; err: string }> {
  let [out, err] = ['', ''];
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  await buildProgram({ output }).parseAsync([...words, '--state-dir', fake.dir], { from: 'user' });
  return { out, err };
}

const file = () => join(fake.dir, 'book.vcf');

describe('offhook contacts', () => {
  it('adds, finds and removes', async () => {
    await run(
      'contacts',
      'add',
      'Bob Smith',
      'work:030123456',
      'sip:bob@example.com',
      '--favourite',
    );
    await run('contacts', 'add', 'Anna', '4711', '--organisation', 'ACME');
    const { out } = await run('contacts');
    expect(out).toMatch(/Bob Smith \* +030123456 \(work\), sip:bob@example.com \(sip\)\nAnna/);
    expect((await run('contacts', 'acme')).out).not.toContain('Bob');
    expect((await run('contacts', 'remove', 'anna')).out).toBe('removed Anna\n');
    expect((await run('contacts', 'anna')).out).toBe('no contacts\n');
  });

  it('imports a file of any size, tells by line what it leaves out, and exports', async () => {
    const card = (name: string) => `BEGIN:VCARD\r\nVERSION:4.0\r\nFN:${name}\r\nEND:VCARD\r\n`;
    const many = Array.from({ length: 6000 }, (_, index) => card(`Person ${index}`)).join('');
    writeFileSync(file(), `${many}BEGIN:VCARD\r\nVERSION:2.1\r\nEND:VCARD\r\n`);
    const { out, err } = await run('contacts', 'import', file());
    expect(out).toBe('6000 contacts imported\n');
    expect(err).toContain(`book.vcf:24001: left out: vCard 2.1`);
    await run('contacts', 'export', file());
    expect(readFileSync(file(), 'utf8').match(/BEGIN:VCARD/g)).toHaveLength(6000);
  });

  it('says what is wrong with a file', async () => {
    await expect(run('contacts', 'import', '/no/such.vcf')).rejects.toThrow('/no/such.vcf');
    writeFileSync(file(), 'hello');
    await expect(run('contacts', 'import', file())).rejects.toThrow(/no vCards/);
  });

  it('calls a contact by name, and shows who calls', async () => {
    await run('contacts', 'add', 'Bob Smith', '030 123456');
    expect((await run('dial', 'bob smith')).out).toContain('sip:030123456@example.com');
    const client = await connectDaemon(fake.paths);
    const { calls } = await client.call('calls.list', {});
    await client.close();
    expect(calls).toMatchObject([{ contact: 'Bob Smith' }]);
    expect((await run('calls')).out).toContain('Bob Smith <sip:030123456@example.com>');
  });
});
