import { CommanderError } from 'commander';
import { exitCodeOf, exitCode, printError, processOutput } from '@offhook/common/cli';
import { buildProgram } from './program.ts';

const output = processOutput;
const program = buildProgram(output);
try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    printError(output, 'offhook-cti', error, program.opts<{ json?: boolean }>().json ?? false);
    process.exitCode = exitCodeOf(error);
  }
}
