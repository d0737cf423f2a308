import type { z } from 'zod';

import { configTables, type ConfigRow } from './config-tables.ts';

const HEAD = ['| key | value | default | what |', '|---|---|---|---|'];

/** The tables of a configuration file as Markdown: one section a table, one row a key. */
export function configReference(schema: z.ZodType): string {
  const lines = configTables(schema).flatMap(({ title, description, rows }) => [
    ...(title === undefined ? [] : [`### \`${title}\``, '']),
    ...(description === undefined ? [] : [`${description}.`, '']),
    ...(rows.length === 0 ? [] : [...HEAD, ...rows.map(row), '']),
  ]);
  return lines.join('\n');
}

function row({ key, kind, standard, description }: ConfigRow): string {
  const cells = [`\`${key}\``, kind, standard, description];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
