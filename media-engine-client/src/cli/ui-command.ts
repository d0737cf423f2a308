import { OffhookError } from '@offhook/common';
import { ask } from './client.ts';
import type { Context } from './output.ts';

/** The engine on the terminal: who is there, what is heard, and the person's own say over it. */
export async function ui({ stateDir, json }: Context): Promise<void> {
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new OffhookError('system', 'no-terminal', 'the screen needs a terminal', {
      remedy: 'use commands such as `offhook-engine calls`; see offhook-engine --help',
    });
  }
  // Says at once, and on the line, that no engine runs.
  await ask(stateDir, 'status', {});
  const { runUi } = await import('../ui/main.tsx').catch(explainUnbuilt);
  await runUi(stateDir);
}

/** Node runs our .ts as it is, but no .tsx. */
function explainUnbuilt(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
  throw new OffhookError('system', 'not-built', 'the screen runs only from the bundle', {
    remedy: 'npm run build, then npx offhook-engine ui',
  });
}
