import { exitCode, exitCodeOf, printError } from '@offhook/common/cli';
import { buildProgram } from '../../src/cli/program.ts';

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** The command line as it is typed, in this process, against the daemon of a state directory. */
export async function runOffhook(stateDir: string, line: string): Promise<Ran> {
  let [out, err] = ['', ''];
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const argv = [...line.split(' '), '--state-dir', stateDir];
  try {
    await buildProgram({ output }).parseAsync(argv, { from: 'user' });
    return { out, err, code: exitCode.ok };
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) return { out, err, code: exitCode.usage };
    printError(output, 'offhook', error, false);
    return { out, err, code: exitCodeOf(error) };
  }
}
