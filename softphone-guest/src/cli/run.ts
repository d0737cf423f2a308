import { CommanderError } from 'commander';
import { exitCode, processOutput } from '@offhook/common/cli';
import { buildProgram } from './program.ts';
import { report } from './report.ts';

// A reader that goes away (`offhook events | head -1`) is no error of ours.
process.stdout.on('error', () => process.exit(exitCode.ok));

const program = buildProgram({ output: processOutput });
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are asked for; everything else is bad usage, and has been said.
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  } else {
    report(error, program.opts()['json'] === true);
  }
}
