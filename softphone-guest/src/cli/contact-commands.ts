import { readFile, writeFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { printJson } from '@offhook/common/cli';
import { describeError, OffhookError } from '@offhook/common/errors';
import { printable } from '@offhook/common/printable';
import { withDaemon } from '../control/client.ts';
import type { Contact, ContactNumber } from '../people/contact.ts';
import { table } from '../text/table.ts';
import type { Context } from './call-commands.ts';

/** Characters that go to the daemon at once. */
const PIECE = 256 * 1024;
const MOST_LISTED = 1000;
const KINDS: readonly string[] = ['work', 'home', 'mobile', 'sip', 'other'];

export async function list(context: Context, words: readonly string[]): Promise<void> {
  const { paths, json, output } = context;
  const { contacts } = await withDaemon(paths, (daemon) =>
    daemon.call('contacts.list', { query: words.join(' '), limit: MOST_LISTED }),
  );
  if (json) printJson(output, { contacts });
  else output.out(contactTable(contacts));
}

function contactTable(contacts: readonly Contact[]): string {
  if (contacts.length === 0) return 'no contacts\n';
  return table([
    ['NAME', 'ORGANISATION', 'NUMBERS'],
    ...contacts.map(({ name, organisation, numbers, favourite }) => [
      printable(favourite ? `${name} *` : name),
      printable(organisation ?? ''),
      printable(numbers.map(({ type, value }) => `${value} (${type})`).join(', ')),
    ]),
  ]);
}

export async function add(
  { paths, json, output }: Context,
  name: string,
  numbers: readonly string[],
  options: { organisation?: string; favourite?: boolean },
): Promise<void> {
  const contact = await withDaemon(paths, (daemon) =>
    daemon.call('contacts.save', {
      name,
      numbers: numbers.map(asNumber),
      organisation: options.organisation ?? null,
      favourite: options.favourite ?? false,
    }),
  );
  if (json) printJson(output, { contact });
  else output.out(`added ${printable(contact.name)}\n`);
}

/** `work:030123`; a SIP address is one by itself. */
function asNumber(text: string): ContactNumber {
  const [, kind = '', rest = ''] = /^([a-z]+):(.+)$/i.exec(text) ?? [];
  const type = kind.toLowerCase();
  if (type === 'sip' || type === 'sips' || text.includes('@')) return { type: 'sip', value: text };
  return KINDS.includes(type)
    ? { type: type as ContactNumber['type'], value: rest }
    : { type: 'other', value: text };
}

export async function remove({ paths, json, output }: Context, contact: string): Promise<void> {
  const removed = await withDaemon(paths, (daemon) => daemon.call('contacts.remove', { contact }));
  if (json) printJson(output, { contact: removed });
  else output.out(`removed ${printable(removed.name)}\n`);
}

export async function favourite(
  { paths, json, output }: Context,
  wanted: string,
  on: boolean,
): Promise<void> {
  const saved = await withDaemon(paths, (daemon) =>
    daemon.call('contacts.favourite', { contact: wanted, favourite: on }),
  );
  if (json) printJson(output, { contact: saved });
  else output.out(`${printable(saved.name)} is ${on ? 'a' : 'no'} favourite\n`);
}

export async function importFile({ paths, json, output }: Context, file: string): Promise<void> {
  const vcards = file === '-' ? await readAll(process.stdin) : await readText(file);
  let imported = 0;
  const problems: { line: number; message: string }[] = [];
  await withDaemon(paths, async (daemon) => {
    for (const { line, text } of pieces(vcards)) {
      const result = await daemon.call('contacts.import', { vcards: text });
      imported += result.imported;
      problems.push(...result.problems.map((one) => ({ ...one, line: one.line + line })));
    }
  });
  if (json) printJson(output, { imported, problems });
  else output.out(`${imported} contacts imported\n`);
  for (const { line, message } of problems) {
    output.err(`offhook: ${file}:${line}: left out: ${printable(message)}\n`);
  }
  if (imported === 0) {
    throw problems.length > 0
      ? new OffhookError('control', 'said', 'nothing was imported')
      : new OffhookError('control', 'invalid-params', `${file} has no vCards in it`);
  }
}

/** Cut between cards; `line`: how many lines are before it. */
function* pieces(text: string): Generator<{ line: number; text: string }> {
  let line = 0;
  let piece = '';
  for (const card of text.split(/(?<=^END:VCARD[ \t]*\r?\n)/im)) {
    if (piece !== '' && piece.length + card.length > PIECE) {
      yield { line, text: piece };
      line += piece.split('\n').length - 1;
      piece = '';
    }
    piece += card;
  }
  if (piece !== '') yield { line, text: piece };
}

export async function exportFile(
  { paths, output }: Context,
  file: string | undefined,
): Promise<void> {
  const vcards = await readText(paths.contacts);
  if (file === undefined) output.out(vcards);
  else await writeFile(file, vcards, { mode: 0o600 }).catch(unusable(file));
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(unusable(file));
}

function unusable(file: string) {
  return (error: unknown): never => {
    throw new OffhookError('system', 'no-file', `${file}: ${describeError(error)}`, {
      cause: error,
    });
  };
}
