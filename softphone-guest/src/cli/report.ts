import { isOffhookError } from '@offhook/common/errors';
import { exitCode, exitCodeOf } from './exit-codes.ts';
import { printError, processOutput } from './output.ts';

/** The end of a command that failed: says why, unless it has been said, and sets the exit code. */
export function report(error: unknown, json: boolean): void {
  if (isOffhookError(error, 'said')) {
    process.exitCode = exitCode.failed;
    return;
  }
  printError(processOutput, error, json);
  process.exitCode = exitCodeOf(error);
}
