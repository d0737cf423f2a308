import { isOffhookError } from '@offhook/common';
import { exitCode, exitCodeOf, printError, processOutput } from '@offhook/common/cli';
import { CommanderError } from 'commander';

import { buildProgram } from './program.ts';

// A reader that goes away (`offhook-engine calls | head -1`) is no error of ours.
process.stdout.on('error', () => process.exit(exitCode.ok));

const program = buildProgram({ output: processOutput });
try {
  await program.parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are asked for; everything else is bad usage, and has been said.
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else if (isOffhookError(error, 'said')) {
    process.exitCode = exitCode.failed;
  } else {
    printError(processOutput, 'offhook-engine', error, program.opts()['json'] === true);
    process.exitCode = exitCodeOf(error);
  }
}
