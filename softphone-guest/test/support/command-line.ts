import { exitCode, exitCodeOf, printError } from '@offhook/common/cli';
import { buildProgram } from '../../src/cli/program.ts';

/** A command line as it is typed, in this process, for the daemon in that directory. */
export async function runAt(
  directory: string,
  line: string,
): Promise<{ out: string; err: string; code: number }> {
  let [out, err] = ['', ''];
  const output = { out: (text: string) => (out += text), err: (text: string) => (err += text) };
  const program = buildProgram({ output });
  const argv = line.split(' ').filter((word) => word !== '');
  try {
    await program.parseAsync([...argv, '--state-dir', directory], { from: 'user' });
    return { out, err, code: exitCode.ok };
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) return { out, err, code: exitCode.usage };
    printError(output, 'offhook', error, argv.includes('--json'));
    return { out, err, code: exitCodeOf(error) };
  }
}
