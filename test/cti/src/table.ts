import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serviceName, type ServiceName } from '@offhook/cti-bridge';
import { z } from 'zod';

export const RESULTS = join(import.meta.dirname, '../../../build/cti');
const PAGE = join(import.meta.dirname, '../../../docs/cti.md');
const BEGIN = '<!-- compliance: made by npm run test:cti -->';
const END = '<!-- end of compliance -->';

export const outcome = z.enum(['works', 'off', 'failed']);
export type Outcome = z.output<typeof outcome>;

const results = z.object({
  column: z.string(),
  order: z.int(),
  rows: z.record(z.string(), outcome),
});
type Results = z.output<typeof results>;

const WORDS: Readonly<Record<Outcome, string>> = { works: 'works', off: 'off', failed: 'FAILED' };

/** Keeps what a run of the suite found out about one adapter. */
export async function keepResults(
  column: string,
  order: number,
  rows: ReadonlyMap<ServiceName, Outcome>,
): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${column.replaceAll(/\W+/g, '-').toLowerCase()}.json`);
  await writeFile(file, JSON.stringify({ column, order, rows: Object.fromEntries(rows) }));
}

/** The table of everything that ran, as Markdown. */
export async function complianceTable(): Promise<string> {
  const files = (await readdir(RESULTS)).filter((name) => name.endsWith('.json'));
  const all = await Promise.all(
    files.map(async (name): Promise<Results> =>
      results.parse(JSON.parse(await readFile(join(RESULTS, name), 'utf8'))),
    ),
  );
  const columns = all.toSorted((a, b) => a.order - b.order);
  const rows = serviceName.options.map((service) => [
    `\`${service}\``,
    ...columns.map(({ rows: found }) => WORDS[found[service] ?? 'off']),
  ]);
  const head = ['service', ...columns.map(({ column }) => column)];
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** What docs/cti.md has between its marks. */
export async function writtenTable(): Promise<string> {
  const { inside } = cut(await readFile(PAGE, 'utf8'));
  return inside.trim();
}

export async function writeTable(table: string): Promise<void> {
  const { before, after } = cut(await readFile(PAGE, 'utf8'));
  await writeFile(PAGE, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
}

function cut(page: string) {
  const [before = '', rest = ''] = page.split(BEGIN);
  const [inside = '', after = ''] = rest.split(END);
  return { before, inside, after };
}
