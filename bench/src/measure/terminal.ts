import { spawn } from 'node:child_process';

import { OffhookError, stopProcess, withDeadline } from '@offhook/common';

/**
 * Starts a program on a terminal of its own (script(1) makes it) and gives the milliseconds until
 * `sign` was on it. The program is ended then.
 */
export async function timeToScreen(options: {
  readonly command: readonly string[];
  readonly sign: RegExp;
  readonly deadlineMs: number;
  readonly env?: Readonly<Record<string, string>>;
}): Promise<number> {
  const { command, sign, deadlineMs, env } = options;
  const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const startedAt = performance.now();
  const child = spawn('script', ['-qefc', `exec ${line}`, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, TERM: 'xterm-256color', COLUMNS: '100', LINES: '30', ...env },
  });
  let screen = '';
  const seen = new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      screen += chunk.toString('utf8');
      if (sign.test(screen)) resolve(performance.now() - startedAt);
    });
    child.once('close', () => {
      const [name] = command;
      reject(
        new OffhookError('system', 'ended-early', `${name} ended early: ${screen.slice(-500)}`),
      );
    });
  });
  try {
    const what = `the screen of ${command[0]}`;
    return await withDeadline({ layer: 'system', what, ms: deadlineMs }, () => seen);
  } finally {
    seen.catch(() => undefined);
    await stopProcess(child);
  }
}
