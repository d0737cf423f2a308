import { describeError, OffhookError } from '@offhook/common';

/** Where a command writes: the process's streams, or a test's. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

export const processOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

/** What every command is told on its command line. */
export interface Context {
  readonly stateDir: string;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly output: Output;
}

/** The value as one JSON line, or as text for people. */
export function print({ json, output }: Context, value: unknown, text: string): void {
  output.out(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
}

/** One line on standard error; with `--json` also an object on standard output. */
export function printError(output: Output, error: unknown, json: boolean): void {
  if (json) {
    const { layer, code, remedy } =
      error instanceof OffhookError
        ? error
        : ({ layer: 'system', code: 'unexpected', remedy: undefined } as const);
    const message = error instanceof Error ? error.message : String(error);
    output.out(`${JSON.stringify({ error: { layer, code, message, remedy } })}\n`);
  }
  output.err(`offhook-engine: ${clean(describeError(error))}\n`);
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
