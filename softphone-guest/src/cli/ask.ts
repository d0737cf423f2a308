import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OffhookError } from '@offhook/common/errors';

/** Asks the person at the terminal. @throws OffhookError `no-terminal` when nobody is there. */
export function askLine(question: string): Promise<string> {
  return ask(question, process.stderr);
}

/** The same without showing what is typed. */
export async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answer = await ask('', nowhere);
  process.stderr.write('\n');
  return answer;
}

async function ask(question: string, output: NodeJS.WritableStream): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new OffhookError('system', 'no-terminal', 'there is nobody to ask', {
      remedy: 'say --address and --password-file',
    });
  }
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}
