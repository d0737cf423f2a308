import { exitCode, exitCodeOf, printError, processOutput } from '@offhook/common/cli';
import { isOffhookError } from '@offhook/common/errors';

/** The end of a command that failed: says why, unless it has been said, and sets the exit code. */
export function report(error: unknown, json: boolean): void {
  if (isOffhookError(error, 'said')) {
    process.exitCode = exitCode.failed;
    return;
  }
  printError(processOutput, 'offhook', error, json);
  process.exitCode = exitCodeOf(error);
}
