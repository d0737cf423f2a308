import { OffhookError } from '@offhook/common';
import type { Context } from './call-commands.ts';
import { startInBackground } from './start-daemon.ts';

/** The phone on the terminal; starts the daemon in the background when none runs. */
export async function tui({ paths, json, output }: Context): Promise<void> {
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new OffhookError('system', 'no-terminal', 'the phone needs a terminal', {
      remedy: 'use commands such as `offhook calls`; see offhook --help',
    });
  }
  const started = await startInBackground(paths, output);
  const { runTui } = await import('../tui/main.tsx').catch(explainUnbuilt);
  await runTui({ paths, notice: started });
}

/** Node runs our .ts as it is, but no .tsx. */
function explainUnbuilt(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
  throw new OffhookError('system', 'not-built', 'the screen runs only from the bundle', {
    remedy: 'npm run build, then npx offhook',
  });
}
