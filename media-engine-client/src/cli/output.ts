import { printJson, type Output } from '@offhook/common/cli';

/** What every command is told on its command line. */
export interface Context {
  readonly stateDir: string;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly output: Output;
}

/** The value as one JSON line, or as text for people. */
export function print({ json, output }: Context, value: unknown, text: string): void {
  if (json) printJson(output, value);
  else output.out(`${text}\n`);
}

/** Text from a guest or a device, without what would move the cursor. */
export function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '\u{FFFD}');
}

/** Columns, left-aligned, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
