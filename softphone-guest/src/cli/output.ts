import { describeError, OffhookError } from '@offhook/common/errors';
import { printable } from '../text/printable.ts';

/** Where a command writes; a test's own, or the process's. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

export const processOutput: Output = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

export function printJson(output: Output, value: unknown): void {
  output.out(`${JSON.stringify(value)}\n`);
}

/** One line for people on standard error; with `--json` also one object on standard output. */
export function printError(output: Output, error: unknown, json: boolean): void {
  if (json) {
    const named = error instanceof OffhookError ? error : undefined;
    printJson(output, {
      error: {
        layer: named?.layer ?? 'system',
        code: named?.code ?? 'unexpected',
        message: error instanceof Error ? error.message : String(error),
        ...(named?.remedy === undefined ? {} : { remedy: named.remedy }),
      },
    });
  }
  output.err(`offhook: ${printable(describeError(error))}\n`);
}
